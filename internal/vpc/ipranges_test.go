package vpc

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ranges are made up, of addresses for documentation.
const rangesText = `{
  "syncToken": "1795478400", "createDate": "2026-11-24-00-00-00",
  "prefixes": [
    {"ip_prefix": "203.0.113.0/24", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.128/25", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.128/28", "region": "eu-west-1", "service": "CLOUD9", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.192/26", "region": "eu-west-1", "service": "S3", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.224/29", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.232/29", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"},
    {"ip_prefix": "203.0.113.64/27", "region": "GLOBAL", "service": "ROUTE53", "network_border_group": "GLOBAL"},
    {"ip_prefix": "203.0.113.64/27", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    {"ip_prefix": "203.0.113.64/29", "region": "GLOBAL", "service": "ROUTE53_HEALTHCHECKS", "network_border_group": "GLOBAL"},
    {"ip_prefix": "203.0.113.96/27", "region": "GLOBAL", "service": "SOMETHING_NEW", "network_border_group": "GLOBAL"}
  ],
  "ipv6_prefixes": [
    {"ipv6_prefix": "2001:db8::/32", "region": "eu-west-1", "service": "AMAZON", "network_border_group": "eu-west-1"},
    {"ipv6_prefix": "2001:db8:53::/48", "region": "GLOBAL", "service": "DYNAMODB", "network_border_group": "GLOBAL"}
  ]
}`

func testRanges(t testing.TB) *Ranges {
	t.Helper()
	r, err := ReadRanges(strings.NewReader(rangesText))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestService(t *testing.T) {
	r := testRanges(t)
	for _, tt := range []struct{ rule, addr, want string }{
		{"nothing else", "203.0.113.1", "AMAZON"},
		{"EC2 over AMAZON", "203.0.113.150", "EC2"},
		{"a service over EC2", "203.0.113.130", "CLOUD9"},
		{"a service over AMAZON", "203.0.113.200", "S3"},
		{"a service over a longer prefix of AMAZON", "203.0.113.225", "S3"},
		{"a service over a longer prefix of EC2", "203.0.113.233", "S3"},
		{"the longest prefix", "203.0.113.65", "ROUTE53_HEALTHCHECKS"},
		{"of one prefix the first code of the alphabet", "203.0.113.80", "CLOUDFRONT"},
		{"a service that has no code in flow logs", "203.0.113.100", "AMAZON"},
		{"IPv6", "2001:db8:53::1", "DYNAMODB"},
		{"IPv4 in IPv6", "::ffff:203.0.113.200", "S3"},
		{"somebody else's", "198.51.100.1", ""},
		{"a private address", "10.0.0.1", ""},
	} {
		if got := r.Service(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.rule, tt.addr, got, tt.want)
		}
	}
	if r.Ignored != 1 || r.Len() != 10 {
		t.Errorf("%d prefixes, %d ignored", r.Len(), r.Ignored)
	}
	var none *Ranges
	if none.Service(netip.MustParseAddr("203.0.113.1")) != "" || none.Len() != 0 {
		t.Error("no ranges know an address")
	}
}

func TestReadRangesErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "EOF"},
		{"[]", "cannot unmarshal"},
		{"{}", "no prefix"},
		{`{"prefixes":[{"ip_prefix":"10.0.0.0/8","service":"S3"},{"ip_prefix":"x","service":"S3"}]}`, "prefixes[1]"},
		{`{"ipv6_prefixes":[{"ipv6_prefix":"::/129","service":"S3"}]}`, "ipv6_prefixes[0]"},
	} {
		if _, err := ReadRanges(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want one with %q", tt.text, err, tt.want)
		}
	}
	name := filepath.Join(t.TempDir(), "ip-ranges.json")
	if _, err := LoadRanges(name); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(name, []byte(rangesText), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := LoadRanges(name); err != nil || r.Len() != 10 {
		t.Errorf("%v, %v", r, err)
	}
}

func FuzzReadRanges(f *testing.F) {
	f.Add(rangesText)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := ReadRanges(strings.NewReader(text)); err == nil && r.Len() == 0 {
			t.Error("no error and no prefix")
		}
	})
}
