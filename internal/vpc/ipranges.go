package vpc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/gaissmai/bart"
)

// Services returns the codes that the fields pkg-src-aws-service and
// pkg-dst-aws-service may have ("Flow log records", Amazon VPC User Guide, read
// 2026-11-23).
func Services() []string { return strings.Fields(serviceCodes) }

const serviceCodes = `AMAZON AMAZON_APPFLOW AMAZON_CONNECT API_GATEWAY AURORA_DSQL CHIME_MEETINGS
	CHIME_VOICECONNECTOR CLOUD9 CLOUDFRONT CLOUDFRONT_ORIGIN_FACING CODEBUILD DYNAMODB EBS EC2
	EC2_INSTANCE_CONNECT GLOBALACCELERATOR IVS_LOW_LATENCY IVS_REALTIME KINESIS_VIDEO_STREAMS
	MEDIA_PACKAGE_V2 ROUTE53 ROUTE53_HEALTHCHECKS ROUTE53_HEALTHCHECKS_PUBLISHING ROUTE53_RESOLVER
	S3 WORKSPACES_GATEWAYS`

// Ranges tells which of Amazon's services an address belongs to. It does not
// change, so any number of goroutines may ask; nil knows no address.
//
// A record has one code, but ranges overlap: AMAZON is a superset of all, EC2
// contains ranges of services that run on it. So whatever is neither wins over
// EC2, and EC2 over AMAZON, however long the prefixes; among the rest the
// longest prefix wins, and of one prefix in two services the code that comes
// first in the alphabet. Amazon says only that it reports one code.
type Ranges struct {
	tiers [3]bart.Table[string] // services, EC2, AMAZON

	// Ignored is how many prefixes were of services that are not in [Services].
	Ignored int
}

func tierOf(service string) int {
	switch service {
	case "AMAZON":
		return 2
	case "EC2":
		return 1
	}
	return 0
}

// Service returns the code of the service, or "" if the address is not Amazon's.
func (r *Ranges) Service(a netip.Addr) string {
	if r == nil {
		return ""
	}
	a = a.Unmap()
	for t := range r.tiers {
		if s, ok := r.tiers[t].Lookup(a); ok {
			return s
		}
	}
	return ""
}

// Len returns how many prefixes it holds.
func (r *Ranges) Len() (n int) {
	if r == nil {
		return 0
	}
	for t := range r.tiers {
		n += r.tiers[t].Size()
	}
	return n
}

// LoadRanges reads a file in the format of Amazon's ip-ranges.json.
func LoadRanges(path string) (*Ranges, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := ReadRanges(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// ReadRanges reads the format of Amazon's ip-ranges.json ("AWS IP address
// ranges", Amazon VPC User Guide, read 2026-11-24). It fails if a prefix is
// wrong or if there is none at all.
func ReadRanges(in io.Reader) (*Ranges, error) {
	var file struct {
		Prefixes []struct {
			Prefix  string `json:"ip_prefix"`
			Service string `json:"service"`
		} `json:"prefixes"`
		IPv6 []struct {
			Prefix  string `json:"ipv6_prefix"`
			Service string `json:"service"`
		} `json:"ipv6_prefixes"`
	}
	if err := json.NewDecoder(in).Decode(&file); err != nil {
		return nil, fmt.Errorf("ip ranges: %w", err)
	}
	known := make(map[string]bool)
	for _, s := range Services() {
		known[s] = true
	}
	r := new(Ranges)
	add := func(list string, n int, prefix, service string) error {
		p, err := netip.ParsePrefix(prefix)
		if err != nil {
			return fmt.Errorf("ip ranges: %s[%d]: %w", list, n, err)
		}
		if !known[service] {
			r.Ignored++
			return nil
		}
		p = p.Masked()
		t := &r.tiers[tierOf(service)]
		if other, ok := t.Get(p); !ok || service < other {
			t.Insert(p, service)
		}
		return nil
	}
	for n, p := range file.Prefixes {
		if err := add("prefixes", n, p.Prefix, p.Service); err != nil {
			return nil, err
		}
	}
	for n, p := range file.IPv6 {
		if err := add("ipv6_prefixes", n, p.Prefix, p.Service); err != nil {
			return nil, err
		}
	}
	if r.Len() == 0 {
		return nil, fmt.Errorf("ip ranges: no prefix of a known service in it")
	}
	return r, nil
}
