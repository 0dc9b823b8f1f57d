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

// An Interface is a network interface of a VPC. Empty strings are unknown. One
// that a [Resolver] or an [Index] returns is shared: it must not be changed.
type Interface struct {
	ID         string `json:"id"`        // "eni-" and 17 hexadecimal digits
	AccountID  string `json:"accountId"` // 12 digits
	Region     string `json:"region,omitempty"`
	AZID       string `json:"azId,omitempty"`
	VPCID      string `json:"vpcId,omitempty"`      // "vpc-…"
	SubnetID   string `json:"subnetId,omitempty"`   // "subnet-…"
	InstanceID string `json:"instanceId,omitempty"` // "i-…"; of the host for an interface of its own

	// Name is the device's: of a container's interface, as the container sees
	// it. Addrs are its addresses: IPv4 first, the primary one first of each
	// family; link-local ones last.
	Name  string       `json:"name,omitempty"`
	Addrs []netip.Addr `json:"addrs,omitempty"`
	MAC   string       `json:"mac,omitempty"` // "02:00:00:00:00:01"

	Type        InterfaceType `json:"type,omitempty"` // empty is "interface"
	Description string        `json:"description,omitempty"`

	// Service is whoever made the interface and owns what is behind it, such as
	// "amazon-elb"; empty for an interface of the account's own. An interface
	// with a Service is requester-managed.
	Service string `json:"service,omitempty"`

	SecurityGroups []string    `json:"securityGroups,omitempty"` // "sg-…"
	Tags           Tags        `json:"tags,omitempty"`
	InstanceTags   Tags        `json:"instanceTags,omitempty"`
	Sublocation    Sublocation `json:"sublocation,omitzero"`
	Plan           Plan        `json:"plan,omitzero"`
	Routes         []Route     `json:"routes,omitempty"`

	// Device is where its packets are seen. The zero Device: on another host,
	// known from the configuration only.
	Device Device `json:"device,omitzero"`

	// Inverted says that Device is the other end of the interface's cable: what
	// comes in there goes out here. Addresses and MAC are still the interface's.
	Inverted bool `json:"inverted,omitempty"`

	// Inside is the device at the interface's own end of the cable; zero unless
	// Inverted, and for a guest, whose end is in no namespace.
	Inside Device `json:"inside,omitzero"`
}

// PrimaryIPv4 returns the address that stands for the interface in srcaddr and
// dstaddr; it is invalid if the interface has no IPv4 address.
func (i *Interface) PrimaryIPv4() netip.Addr { return primaryIPv4(i.Addrs) }

func primaryIPv4(addrs []netip.Addr) netip.Addr {
	if len(addrs) > 0 && addrs[0].Is4() {
		return addrs[0]
	}
	return netip.Addr{}
}

// RequesterManaged says whether a service made the interface.
func (i *Interface) RequesterManaged() bool { return i.Service != "" }

// A Device tells which network device is meant.
type Device struct {
	Netns string `json:"netns,omitempty"` // where to find its namespace: a path, or "" for this process's
	Space string `json:"space,omitempty"` // the namespace's name for ids; "" for this process's
	Name  string `json:"name,omitempty"`
	Index int    `json:"index,omitempty"`

	// Cookie is the kernel's number for the namespace, unique until the machine
	// restarts; 0 is unknown. MAC is the device's own.
	Cookie uint64 `json:"cookie,omitempty"`
	MAC    string `json:"mac,omitempty"`
}

// A Sublocation is where an interface is if not in an Availability Zone proper.
type Sublocation struct {
	Type string `json:"type"` // "wavelength", "outpost" or "localzone"
	ID   string `json:"id"`
}

// A Plan says where the reserved addresses of an interface's subnet are, if the
// subnet is laid out as Amazon lays out its own: the router at the subnet's
// base address + 1, the DNS server at the VPC's base address + 2. The zero Plan
// says nothing.
type Plan struct {
	Router netip.Addr `json:"router"` // IPv4
	DNS    netip.Addr `json:"dns"`    // IPv4
}

// AmazonPlan returns the plan of a subnet in a VPC, given their IPv4 prefixes.
func AmazonPlan(vpc, subnet netip.Prefix) Plan {
	return Plan{Router: subnet.Masked().Addr().Next(), DNS: vpc.Masked().Addr().Next().Next()}
}

// A Route says where an interface sends packets for a prefix.
type Route struct {
	Prefix netip.Prefix `json:"prefix"`

	// Via is the gateway. If it is not valid, the destinations themselves are on
	// the link.
	Via netip.Addr `json:"via,omitzero"`
}

// InterfaceType is EC2's interfaceType.
type InterfaceType string

// The values of interfaceType ("NetworkInterface", Amazon EC2 API Reference,
// read 2026-11-23).
const (
	TypeInterface           InterfaceType = "interface"
	TypeNATGateway          InterfaceType = "natGateway"
	TypeEFA                 InterfaceType = "efa"
	TypeEFAOnly             InterfaceType = "efa-only"
	TypeTrunk               InterfaceType = "trunk"
	TypeLoadBalancer        InterfaceType = "load_balancer"
	TypeNetworkLoadBalancer InterfaceType = "network_load_balancer"
	TypeVPCEndpoint         InterfaceType = "vpc_endpoint"
	TypeBranch              InterfaceType = "branch"
	TypeTransitGateway      InterfaceType = "transit_gateway"
	TypeLambda              InterfaceType = "lambda"
	TypeQuicksight          InterfaceType = "quicksight"
	TypeGlobalAccelerator   InterfaceType = "global_accelerator_managed"
	TypeAPIGateway          InterfaceType = "api_gateway_managed"
	TypeGatewayLoadBalancer InterfaceType = "gateway_load_balancer"
	TypeGatewayLBEndpoint   InterfaceType = "gateway_load_balancer_endpoint"
	TypeIoTRules            InterfaceType = "iot_rules_managed"
	TypeCodestarConnections InterfaceType = "aws_codestar_connections_managed"

	// TypeRegionalNATGateway is a value of the flow log's field only: EC2 shows
	// no interface of a regional NAT gateway.
	TypeRegionalNATGateway InterfaceType = "regional_nat_gateway"
)

// InterfaceTypes returns every value of [InterfaceType].
func InterfaceTypes() []InterfaceType {
	return []InterfaceType{
		TypeInterface, TypeNATGateway, TypeEFA, TypeEFAOnly, TypeTrunk, TypeLoadBalancer, TypeNetworkLoadBalancer,
		TypeVPCEndpoint, TypeBranch, TypeTransitGateway, TypeLambda, TypeQuicksight, TypeGlobalAccelerator,
		TypeAPIGateway, TypeGatewayLoadBalancer, TypeGatewayLBEndpoint, TypeIoTRules, TypeCodestarConnections,
		TypeRegionalNATGateway,
	}
}

// Field returns what the flow log's field interface-type says of the type: one
// of "nat_gateway", "network_load_balancer", "regional_nat_gateway",
// "transit_gateway" and "vpc_endpoint", or "" where Amazon has no value, as for
// an ordinary interface ("Flow log records", Amazon VPC User Guide, read
// 2026-11-23).
func (t InterfaceType) Field() string {
	switch t {
	case TypeNATGateway:
		return "nat_gateway"
	case TypeNetworkLoadBalancer, TypeTransitGateway, TypeVPCEndpoint, TypeRegionalNATGateway:
		return string(t)
	}
	return ""
}

// id makes an id of Amazon's shape, the same for the same parts whenever and
// wherever it is made.
func id(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	return prefix + "-" + hex.EncodeToString(sum[:])[:17]
}
