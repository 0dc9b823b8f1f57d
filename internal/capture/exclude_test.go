package capture

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseExclusions(t *testing.T) {
	const all = DefaultExclusions
	for _, tt := range []struct {
		text, again string // again is how the set is written
		want        Exclusions
	}{
		{"none", "none", 0},
		{"default", "default", all},
		{"dhcp", "dhcp", 1 << DHCP},
		{"vpc-dns,vpc-router", "vpc-router,vpc-dns", 1<<VPCRouter | 1<<VPCDNS},
		{"instance-metadata, time-sync", "instance-metadata,time-sync", 1<<InstanceMetadata | 1<<TimeSync},
		{"default,-dhcp", "instance-metadata,time-sync,windows-activation,link-local-dns,vpc-router,vpc-dns", all &^ (1 << DHCP)},
		{"default, -dhcp , -time-sync", "instance-metadata,windows-activation,link-local-dns,vpc-router,vpc-dns", all &^ (1<<DHCP | 1<<TimeSync)},
		{"dhcp,-default", "none", 0},
		{"-dhcp,dhcp", "dhcp", 1 << DHCP}, // in their order
		{"none,link-local-dns", "link-local-dns", 1 << LinkLocalDNS},
		{"windows-activation,windows-activation", "windows-activation", 1 << WindowsActivation},
	} {
		got, err := ParseExclusions(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseExclusions(%q) = %b, %v, want %b", tt.text, got, err, tt.want)
		}
		if got.String() != tt.again {
			t.Errorf("ParseExclusions(%q) is written %q, want %q", tt.text, got, tt.again)
		}
		if again, err := ParseExclusions(got.String()); err != nil || again != got {
			t.Errorf("ParseExclusions(%q) = %b, %v, want %b", got, again, err, got)
		}
	}
	for _, text := range []string{"", "dns", "DHCP", "default,", "default,,dhcp", "--dhcp", "- dhcp", "all", "list"} {
		if got, err := ParseExclusions(text); err == nil || !strings.Contains(err.Error(), "known are default, none, instance-metadata, ") {
			t.Errorf("ParseExclusions(%q) = %b, %v, want an error that lists the names", text, got, err)
		}
	}
}

func TestAmazonPlan(t *testing.T) {
	a, p := netip.MustParseAddr, netip.MustParsePrefix
	for _, tt := range []struct {
		vpc, subnet string
		want        Plan
	}{
		{"10.0.0.0/16", "10.0.0.0/24", Plan{Router: a("10.0.0.1"), DNS: a("10.0.0.2")}},
		{"10.0.0.0/16", "10.0.5.0/24", Plan{Router: a("10.0.5.1"), DNS: a("10.0.0.2")}},
		{"172.31.9.9/16", "172.31.16.77/20", Plan{Router: a("172.31.16.1"), DNS: a("172.31.0.2")}},
		{"10.0.0.0/24", "10.0.0.240/28", Plan{Router: a("10.0.0.241"), DNS: a("10.0.0.2")}},
	} {
		if got := AmazonPlan(p(tt.vpc), p(tt.subnet)); got != tt.want {
			t.Errorf("AmazonPlan(%s, %s) = %v, want %v", tt.vpc, tt.subnet, got, tt.want)
		}
	}
}
