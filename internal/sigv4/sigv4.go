package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeForm   = "20060102T150405Z"
	dayForm    = "20060102"
	unsigned   = "UNSIGNED-PAYLOAD"

	// tolerance is how far the clocks of both ends may be apart, and how long a
	// signature is good for.
	tolerance = 15 * time.Minute

	maxExpires = 7 * 24 * 60 * 60 // seconds
)

// The parameters of a presigned request, and headers of the same names.
const (
	nameAlgorithm  = "X-Amz-Algorithm"
	nameCredential = "X-Amz-Credential"
	nameDate       = "X-Amz-Date"
	nameExpires    = "X-Amz-Expires"
	nameHash       = "X-Amz-Content-Sha256"
	nameHeaders    = "X-Amz-SignedHeaders"
	nameSignature  = "X-Amz-Signature"
	nameToken      = "X-Amz-Security-Token"
)

// A Request is what the signature of an HTTP request says of itself. Nothing of it
// is known to be true before [Request.Verify].
type Request struct {
	KeyID, Region, Service string

	Time      time.Time     // when it was signed, in UTC
	Expires   time.Duration // how long it is good for after Time
	Presigned bool          // the signature is in the query

	day       string   // of the scope
	headers   []string // signed ones: lower case, sorted, each once
	signature string   // 64 hexadecimal digits
	token     string   // session token; empty if none was sent
	hash      string   // X-Amz-Content-Sha256; empty if it was not sent
}

// Parse reads the signature of a request. It returns [ErrUnsigned] if there is none,
// or else an [*Error] if it cannot be read.
func Parse(r *http.Request) (*Request, error) {
	params, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	header, query := r.Header.Values("Authorization"), params.has(nameSignature) || params.has(nameAlgorithm)
	var q *Request
	switch {
	case len(header) == 0 && !query:
		return nil, ErrUnsigned
	case len(header) > 1 || len(header) == 1 && query:
		return nil, incomplete("The request has more than one signature.")
	case query:
		q, err = parsePresigned(params, r.Header)
	default:
		q, err = parseHeader(header[0], r.Header)
	}
	if err != nil {
		return nil, err
	}
	if day := q.Time.Format(dayForm); day != q.day {
		return nil, mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			q.day, day, q.Time.Format(timeForm))
	}
	return q, nil
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func parseHeader(authorization string, h http.Header) (*Request, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	if scheme != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '%s'.", scheme)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, incomplete("'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", part)
		}
		if _, again := parts[name]; again {
			return nil, incomplete("Authorization header has '%s' twice.", name)
		}
		parts[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return nil, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	if len(parts) != 3 {
		return nil, incomplete("Authorization header has parameters other than 'Credential', 'Signature' and 'SignedHeaders'.")
	}
	q := &Request{signature: parts["Signature"], Expires: tolerance}
	if err := q.scope(parts["Credential"]); err != nil {
		return nil, err
	}
	if err := q.signed(parts["SignedHeaders"]); err != nil {
		return nil, err
	}
	if err := q.timed(h); err != nil {
		return nil, err
	}
	return q, q.extras(h, nil)
}

// parsePresigned reads the parameters of a presigned URL.
func parsePresigned(params query, h http.Header) (*Request, error) {
	q := &Request{Presigned: true, Expires: tolerance}
	got := map[string]string{}
	for _, name := range []string{nameAlgorithm, nameCredential, nameDate, nameHeaders, nameSignature, nameExpires} {
		values := params.values(name)
		switch {
		case len(values) > 1:
			return nil, incomplete("AWS query-string parameter '%s' is there twice.", name)
		case len(values) == 1:
			got[name] = values[0]
		}
		if got[name] == "" && (name != nameExpires || len(values) == 1) {
			return nil, incomplete("AWS query-string parameters must include '%s'.", name)
		}
	}
	if got[nameAlgorithm] != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '%s'.", got[nameAlgorithm])
	}
	if text, ok := got[nameExpires]; ok {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return nil, incomplete("%s must be a number of seconds from 1 to %d. Got '%s'.", nameExpires, maxExpires, text)
		}
		q.Expires = time.Duration(seconds) * time.Second
	}
	q.signature = got[nameSignature]
	if err := q.scope(got[nameCredential]); err != nil {
		return nil, err
	}
	if err := q.signed(got[nameHeaders]); err != nil {
		return nil, err
	}
	var ok bool
	if q.Time, ok = parseTime(got[nameDate]); !ok {
		return nil, badDate(got[nameDate])
	}
	return q, q.extras(h, params)
}

// scope reads "AKID/20061231/us-east-1/ec2/aws4_request".
func (q *Request) scope(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	if strings.ContainsFunc(credential, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return incomplete("Credential has a character other than visible ASCII ones.")
	}
	if parts[4] != terminator {
		return mismatch("Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	q.KeyID, q.day, q.Region, q.Service = parts[0], parts[1], parts[2], parts[3]
	return nil
}

// signed reads "content-type;host;x-amz-date".
func (q *Request) signed(list string) error {
	q.headers = strings.Split(strings.ToLower(list), ";")
	for i, name := range q.headers {
		if name == "" || i > 0 && q.headers[i-1] >= name || strings.ContainsFunc(name, notInName) {
			return incomplete("SignedHeaders must be sorted, with each header once. Got '%s'.", list)
		}
	}
	return q.needs("host", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

// notInName reports whether a header's name has no such character. That it is one of
// a token (RFC 9110, section 5.6.2) net/http has made sure of where it counts.
func notInName(c rune) bool { return c <= ' ' || c > '~' || c == ':' }

func (q *Request) needs(header, message string) error {
	if _, ok := slices.BinarySearch(q.headers, header); !ok {
		return incomplete("%s", message)
	}
	return nil
}

// timed takes the time from the headers.
func (q *Request) timed(h http.Header) error {
	name := nameDate
	values := h.Values(name)
	if len(values) == 0 {
		name = "Date"
		values = h.Values(name)
	}
	switch len(values) {
	case 0:
		return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	case 1:
	default:
		return incomplete("The request has more than one '%s' header.", name)
	}
	var ok bool
	if q.Time, ok = parseTime(values[0]); !ok && name == "Date" {
		t, err := http.ParseTime(values[0])
		if err != nil {
			t, err = time.Parse(time.RFC1123Z, values[0]) // botocore's: "-0000", not "GMT"
		}
		q.Time, ok = t.UTC(), err == nil
	}
	if !ok {
		return badDate(values[0])
	}
	return q.needs(strings.ToLower(name), "'"+name+"' must be a 'SignedHeader' in the AWS Authorization.")
}

func badDate(got string) error {
	return incomplete("Date must be in ISO8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", got)
}

// parseTime reads ISO 8601's basic form; time.Parse alone would take fractions of
// seconds, too.
func parseTime(text string) (time.Time, bool) {
	t, err := time.Parse(timeForm, text)
	return t, err == nil && t.Format(timeForm) == text
}

// extras takes what may be sent besides: the session token and the body's hash.
// Where there are parameters, the token is one of them.
func (q *Request) extras(h http.Header, params query) error {
	tokens, hashes := h.Values(nameToken), slices.Concat(h.Values(nameHash), params.values(nameHash))
	if q.Presigned {
		tokens = params.values(nameToken)
	}
	if len(tokens) > 1 {
		return incomplete("The request has more than one '%s'.", nameToken)
	}
	if len(tokens) == 1 {
		q.token = tokens[0]
	}
	if len(hashes) > 0 {
		if hashes = slices.Compact(hashes); len(hashes) > 1 || hashes[0] == "" {
			return incomplete("The request has more than one '%s', or an empty one.", nameHash)
		}
		q.hash = hashes[0]
	}
	return nil
}
