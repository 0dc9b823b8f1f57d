package vpc

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
)

// Where a host is unless it is told otherwise. Neither can be mistaken for one
// of Amazon's: there is no account of zeros and no region of that name.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "local-1"
	DefaultAZID    = "loc1-az1"
)

// An Interface is a network interface of a VPC. Empty strings are unknown.
type Interface struct {
	ID         string // "eni-" and 17 hexadecimal digits
	AccountID  string // 12 digits
	Region     string
	AZID       string
	VPCID      string // "vpc-…"
	SubnetID   string // "subnet-…"
	InstanceID string // "i-…"; of the host for an interface of its own

	// Name is the device's, Addrs are its addresses, the primary one of each
	// family first.
	Name  string
	Addrs []netip.Addr
}

// id makes an id of Amazon's shape, the same for the same parts whenever and
// wherever it is made.
func id(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	return prefix + "-" + hex.EncodeToString(sum[:])[:17]
}
