package journal

import (
	"fmt"
	"strings"
)

// Names on the server. An external server may have other users: all of ours
// begin with weir.
const (
	windowsStream = "WEIR_WINDOWS"
	windowsPrefix = "weir.windows."
	bucketPrefix  = "weir-" // of a bucket; its stream is "KV_weir-…"
	logStream     = "WEIR_LOG_"
	logPrefix     = "weir.log."

	hostsBucket = "_hosts"  // last batch of hosts whose messages are all released
	leaseBucket = "_leases" // owner of each lease
)

// maxName is the length of the longest host name or key, in bytes.
const maxName = 255

// escape makes a name fit for one subject token, or for several, separated by
// dots, if dots is set: letters, digits, "-" and "_" stay, as does "/" in a
// key; every other byte becomes "=" and two hex digits.
func escape(name string, dots bool) (string, error) {
	if name == "" || len(name) > maxName {
		return "", fmt.Errorf("name of %d bytes, want 1 to %d", len(name), maxName)
	}
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '/':
			b.WriteByte(c)
		case c == '.' && dots && i > 0 && i < len(name)-1 && name[i-1] != '.':
			b.WriteByte(c) // an empty token is no subject
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String(), nil
}

// unescape undoes escape.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		if i+3 > len(s) {
			return "", fmt.Errorf("name %q is cut short", s)
		}
		if _, err := fmt.Sscanf(s[i+1:i+3], "%02X", &c); err != nil {
			return "", fmt.Errorf("name %q: %w", s, err)
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}
