package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonical returns the canonical request of "Create a signed AWS API request", step 1.
func (q *Request) canonical(r *http.Request, path, hash string) ([]byte, error) {
	params, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 1024)
	b = append(b, cmp.Or(r.Method, http.MethodGet)...)
	b = append(b, '\n')
	b = append(b, path...)
	b = append(b, '\n')
	b = params.appendCanonical(b, q.Presigned)
	b = append(b, '\n')
	for _, name := range q.headers {
		values := headerValues(r, name)
		if len(values) == 0 {
			return nil, mismatch("The header '%s' is signed, but not in the request.", name)
		}
		b = append(b, name...)
		for i, v := range values {
			b = append(b, ":,"[min(i, 1)])
			b = appendValue(b, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range q.headers {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, hash...), nil
}

// headerValues returns the values of a header whose name is in lower case. net/http
// keeps some headers in fields of the request.
func headerValues(r *http.Request, name string) []string {
	switch values := r.Header.Values(name); {
	case name == "host":
		return []string{r.Host}
	case name == "content-length" && len(values) == 0 && r.ContentLength > 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	default:
		return values
	}
}

// appendValue appends a header's value without white space around it, and with one
// space where there were several.
func appendValue(b []byte, v string) []byte {
	v = strings.TrimSpace(v)
	for i := range len(v) {
		if v[i] != ' ' || v[i-1] != ' ' {
			b = append(b, v[i])
		}
	}
	return b
}

// paths returns how the path of a request, as it was sent, may have been signed.
func paths(service, path string) []string {
	path = cmp.Or(path, "/")
	if service == "s3" {
		return []string{path}
	}
	sent, normal := string(appendEscaped(nil, path, true)), string(appendEscaped(nil, normalPath(path), true))
	if sent == normal {
		return []string{sent}
	}
	return []string{normal, sent}
}

// normalPath returns the path without dot segments (RFC 3986, section 5.2.4) and
// empty ones.
func normalPath(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, part)
		}
	}
	normal := "/" + strings.Join(parts, "/")
	if len(parts) > 0 && strings.HasSuffix(path, "/") {
		normal += "/"
	}
	return normal
}

// A query is the parameters of a URL, decoded, in the order they came in.
type query []struct{ name, value string }

// parseQuery leaves nothing out: what is not signed must not be in a request. It
// refuses what [url.ParseQuery] refuses.
func parseQuery(raw string) (query, error) {
	var params query
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		if strings.Contains(part, ";") {
			return nil, incomplete("The query string cannot be read: it has a semicolon.")
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, incomplete("The query string cannot be read: %v.", err)
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, incomplete("The query string cannot be read: %v.", err)
		}
		params = append(params, struct{ name, value string }{name, value})
	}
	return params, nil
}

func (p query) has(name string) bool { return len(p.values(name)) > 0 }

func (p query) values(name string) (values []string) {
	for _, param := range p {
		if param.name == name {
			values = append(values, param.value)
		}
	}
	return values
}

// appendCanonical appends the parameters, encoded and then sorted, without the
// signature if the request is presigned.
func (p query) appendCanonical(b []byte, presigned bool) []byte {
	encoded := make([][2]string, 0, len(p))
	for _, param := range p {
		if presigned && param.name == nameSignature {
			continue
		}
		encoded = append(encoded, [2]string{
			string(appendEscaped(nil, param.name, false)), string(appendEscaped(nil, param.value, false)),
		})
	}
	slices.SortFunc(encoded, func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	for i, e := range encoded {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, e[0]...), '='), e[1]...)
	}
	return b
}

// appendEscaped appends text with every byte encoded that is not one of RFC 3986's
// unreserved characters, nor a slash where those are kept.
func appendEscaped(b []byte, text string, slashes bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/' && slashes:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}
