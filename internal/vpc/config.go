package vpc

//go:generate go test -run ^TestDocs -update .

// Config is weir.yaml. Every key is optional and may be left out; the comment
// of each field is also what docs/configuration.md and the schema for editors
// say of it, so it speaks to whoever writes the file. Use [Load] or [Parse],
// which check it.
type Config struct {
	// The account that the network belongs to. Twelve digits; put it in quotes
	// if it begins with a zero.
	Account AccountID `yaml:"account" default:"000000000000" example:"123456789012"`

	// The Region, as it appears in records, object names and ARNs.
	Region Name `yaml:"region" default:"local-1" example:"eu-west-1"`

	// The name of the Availability Zone of this host and of subnets that name none.
	AvailabilityZone Name `yaml:"availability-zone" example:"eu-west-1a"`

	// The id of the Availability Zone, which is what records show (az-id).
	// Without it az-id is "-", except in the default region, where it is loc1-az1.
	AvailabilityZoneID Name `yaml:"availability-zone-id" example:"euw1-az1"`

	// The network namespaces whose devices may become interfaces, beside this
	// process's own: names as in /run/netns, patterns, paths, or "all" for
	// every namespace that can be found. Containers whose cable ends in this
	// process's namespace are seen there and need no entry.
	Namespaces []string `yaml:"namespaces" example:"[all]"`

	// Path of a file in the format of Amazon's ip-ranges.json. Without it the
	// fields pkg-src-aws-service and pkg-dst-aws-service are "-".
	IPRanges string `yaml:"ip-ranges" example:"/etc/weir/ip-ranges.json"`

	// How the service itself runs.
	Serve ServeConfig `yaml:"serve"`

	// The VPCs. Without any there is one, the default VPC, that everything is in.
	VPCs []VPCConfig `yaml:"vpcs"`

	// The subnets. An address in none of them is in a subnet that is made up of
	// the prefix the device is connected to.
	Subnets []SubnetConfig `yaml:"subnets"`

	// What is known, or shall be different, about interfaces: those found on
	// this host, and others, which are then known as next hops.
	Interfaces []InterfaceConfig `yaml:"interfaces"`

	// The security groups. They explain refusals, and decide where there is no
	// kernel to ask, as for a packet file.
	SecurityGroups []SecurityGroupConfig `yaml:"security-groups"`

	// Named lists of networks, which rules of security groups may refer to.
	PrefixLists []PrefixListConfig `yaml:"prefix-lists"`

	// The network ACLs, with the same purpose.
	NetworkACLs []NetworkACLConfig `yaml:"network-acls"`

	// The flow logs that are to exist.
	FlowLogs []FlowLogConfig `yaml:"flow-logs"`

	// Where buckets, log groups and delivery streams are. A bucket or a log group that no
	// entry names is Weir's own; a delivery stream needs an entry.
	Destinations []DestinationConfig `yaml:"destinations"`

	from *written // nil for a default
}

// ServeConfig says how "weir serve" runs.
type ServeConfig struct {
	// The directory of the journal, the embedded store and all other state.
	DataDir string `yaml:"data-dir" default:"/var/lib/weir" example:"/srv/weir"`

	// Address and port of the API: EC2, STS and S3.
	Listen string `yaml:"listen" default:"127.0.0.1:7979" example:"127.0.0.1:7979"`

	// The API's certificate, a PEM file. Without one only a loopback address is
	// listened on, unless weir serve is given --insecure.
	TLSCert string `yaml:"tls-cert" example:"/etc/weir/tls.crt"`

	// The certificate's private key, a PEM file.
	TLSKey string `yaml:"tls-key" example:"/etc/weir/tls.key"`

	// Address and port of /metrics and /healthz.
	MetricsListen string `yaml:"metrics-listen" default:"127.0.0.1:7980" example:"127.0.0.1:7980"`

	// How long records may wait before a file is delivered, instead of until
	// the 5 minutes of the file are over. For tests and impatient people.
	Flush Duration `yaml:"flush" example:"10s"`

	// URL of an external NATS cluster for the journal, instead of the embedded one.
	JournalURL string `yaml:"journal-url" example:"nats://nats.example.net:4222"`

	// How much disk the journal may take. When it is full, capture goes on
	// counting in the kernel for as long as that has room.
	JournalMax Size `yaml:"journal-max" default:"10GiB" example:"20GiB"`

	// How many flows of each IP version a window can hold.
	MaxFlows int `yaml:"max-flows" default:"131072" min:"16" max:"16777216" example:"262144"`
}

// VPCConfig declares a VPC.
type VPCConfig struct {
	// Its id. Without one it is made from the name, or else the first network.
	ID string `yaml:"id" id:"vpc" example:"vpc-0a1b2c3d4e5f60718"`

	// What other entries of this file may call it.
	Name string `yaml:"name" example:"production"`

	// Its networks, the primary IPv4 one first. They may not overlap.
	CIDRs []CIDR `yaml:"cidrs" required:"true" example:"[10.0.0.0/16, '2001:db8:1::/56']"`

	// Everything that no other VPC contains is in the default VPC.
	Default bool `yaml:"default" default:"false" example:"true"`

	// Whether router and DNS server are where Amazon puts them: at the subnet's
	// base address + 1 and the VPC's base address + 2. Traffic to the two is
	// then left out of flow logs, as on Amazon's network.
	AmazonAddressPlan bool `yaml:"amazon-address-plan" default:"false" example:"true"`

	// The account of its owner, if that is another.
	Account AccountID `yaml:"account" example:"210987654321"`

	// Its tags.
	Tags Tags `yaml:"tags" example:"{team: platform}"`
}

// SubnetConfig declares a subnet.
type SubnetConfig struct {
	// Its id. Without one it is made from the VPC and the name, or else the
	// first network.
	ID string `yaml:"id" id:"subnet" example:"subnet-0a1b2c3d4e5f60718"`

	// What other entries of this file may call it.
	Name string `yaml:"name" example:"web-a"`

	// Id or name of its VPC. May be left out if only one VPC is declared.
	VPC string `yaml:"vpc" example:"production"`

	// Its networks: one IPv4, one IPv6 or one of each, inside the VPC's and
	// apart from those of other subnets.
	CIDRs []CIDR `yaml:"cidrs" required:"true" example:"[10.0.1.0/24]"`

	// The name of its Availability Zone.
	AvailabilityZone Name `yaml:"availability-zone" example:"eu-west-1b"`

	// The id of its Availability Zone (az-id).
	AvailabilityZoneID Name `yaml:"availability-zone-id" example:"euw1-az2"`

	// The Wavelength Zone, Outpost or Local Zone it is in. Records then have no az-id.
	Sublocation SublocationConfig `yaml:"sublocation"`

	// Id or name of its network ACL.
	NetworkACL string `yaml:"network-acl" example:"edge"`

	// Routes of its interfaces beside those found on this host. They tell next hops.
	Routes []RouteConfig `yaml:"routes"`

	// Its tags.
	Tags Tags `yaml:"tags" example:"{tier: web}"`
}

// SublocationConfig says where a subnet is if not in an Availability Zone.
type SublocationConfig struct {
	// The kind of place.
	Type string `yaml:"type" required:"true" enum:"wavelength,outpost,localzone" example:"outpost"`

	// Its id.
	ID string `yaml:"id" required:"true" example:"op-0a1b2c3d4e5f60718"`
}

// RouteConfig is a route of a subnet.
type RouteConfig struct {
	// The network it leads to.
	Destination CIDR `yaml:"destination" required:"true" example:"0.0.0.0/0"`

	// The address of the gateway.
	Via IP `yaml:"via" required:"true" example:"10.0.1.1"`
}

// InterfaceConfig says something about an interface. Of several entries that
// match one interface, the first has the say about each key.
type InterfaceConfig struct {
	// Which devices of this host are meant. Without it the entry is about an
	// interface elsewhere, and needs addresses.
	Match MatchConfig `yaml:"match"`

	// Whether the devices become interfaces. Without it, Weir chooses: see
	// "Which devices become interfaces".
	Capture *bool `yaml:"capture" example:"true"`

	// The id. Only for an entry that matches one device.
	ID string `yaml:"id" id:"eni" example:"eni-0a1b2c3d4e5f60718"`

	// Id or name of the subnet, where it doesn't follow from the address.
	Subnet string `yaml:"subnet" example:"web-a"`

	// The addresses: the primary IPv4 one first. For a device of this host they
	// are found out, and given here only to set which comes first, or where they
	// can't be seen, as those of a virtual machine.
	Addresses []IP `yaml:"addresses" example:"[10.0.1.5, '2001:db8:1:1::5']"`

	// The account of its owner, if that is another.
	Account AccountID `yaml:"account" example:"210987654321"`

	// The id of the instance it is attached to; "-" for none.
	InstanceID string `yaml:"instance-id" id:"i" example:"i-0a1b2c3d4e5f60718"`

	// Tags of that instance, in addition to those found out.
	InstanceTags Tags `yaml:"instance-tags" example:"{Name: web-1}"`

	// Its own tags.
	Tags Tags `yaml:"tags" example:"{role: frontend}"`

	// EC2's interface type, or regional_nat_gateway.
	Type TypeName `yaml:"type" unset:"interface" enum:"types" example:"natGateway"`

	// The service that made it and owns it. Records then have no instance.
	Service string `yaml:"service" example:"amazon-elb"`

	// What it is for.
	Description string `yaml:"description" example:"Interface for NAT Gateway nat-0a1b2c3d4e5f60718"`

	// Ids or names of its security groups.
	SecurityGroups []string `yaml:"security-groups" example:"[web]"`
}

// MatchConfig tells devices. All keys that are given must match.
type MatchConfig struct {
	// The device's name, on the host or as its container sees it; a pattern with *, ? and [ ].
	Name string `yaml:"name" pattern:"true" example:"eth*"`

	// The Ethernet address.
	MAC MAC `yaml:"mac" example:"02:00:00:00:00:01"`

	// The namespace's name, or the container's name or id; a pattern.
	// "host" is this process's own.
	Namespace string `yaml:"namespace" pattern:"true" example:"web-*"`
}

// SecurityGroupConfig declares a security group.
type SecurityGroupConfig struct {
	// Its id. Without one it is made from the VPC and the name.
	ID string `yaml:"id" id:"sg" example:"sg-0a1b2c3d4e5f60718"`

	// Its name.
	Name string `yaml:"name" required:"true" example:"web"`

	// Id or name of its VPC. May be left out if only one VPC is declared.
	VPC string `yaml:"vpc" example:"production"`

	// What it is for.
	Description string `yaml:"description" example:"web servers"`

	// What may come in.
	Ingress []RuleConfig `yaml:"ingress"`

	// What may go out. An empty list allows nothing; without the key everything
	// may go out, as in a new group of Amazon's.
	Egress *[]RuleConfig `yaml:"egress"`

	// Its tags.
	Tags Tags `yaml:"tags" example:"{team: web}"`
}

// RuleConfig is a rule of a security group.
type RuleConfig struct {
	// tcp, udp, icmp, icmpv6, a number, or all.
	Protocol Protocol `yaml:"protocol" default:"all" example:"tcp"`

	// A port, a range, or all. Only for tcp and udp.
	Ports PortRange `yaml:"ports" default:"all" example:"443"`

	// Type and code of ICMP. Only for icmp and icmpv6.
	ICMP *ICMPConfig `yaml:"icmp"`

	// Networks of the other side.
	CIDRs []CIDR `yaml:"cidrs" example:"[0.0.0.0/0, '::/0']"`

	// Ids or names of security groups that the other side is in.
	SecurityGroups []string `yaml:"security-groups" example:"[web]"`

	// Ids or names of prefix lists that the other side is in.
	PrefixLists []string `yaml:"prefix-lists" example:"[offices]"`

	// What it is for.
	Description string `yaml:"description" example:"HTTPS from anywhere"`
}

// ICMPConfig is type and code of ICMP.
type ICMPConfig struct {
	// The type; -1 is any.
	Type int `yaml:"type" required:"true" min:"-1" max:"255" example:"8"`

	// The code; -1 is any.
	Code *int `yaml:"code" default:"-1" min:"-1" max:"255" example:"0"`
}

// PrefixListConfig declares a prefix list.
type PrefixListConfig struct {
	// Its id. Without one it is made from the name.
	ID string `yaml:"id" id:"pl" example:"pl-0a1b2c3d4e5f60718"`

	// Its name.
	Name string `yaml:"name" required:"true" example:"offices"`

	// Its networks, of either IP version.
	CIDRs []CIDR `yaml:"cidrs" required:"true" example:"[192.0.2.0/24, '2001:db8:2::/48']"`
}

// NetworkACLConfig declares a network ACL.
type NetworkACLConfig struct {
	// Its id. Without one it is made from the VPC and the name.
	ID string `yaml:"id" id:"acl" example:"acl-0a1b2c3d4e5f60718"`

	// Its name.
	Name string `yaml:"name" required:"true" example:"edge"`

	// Id or name of its VPC. May be left out if only one VPC is declared.
	VPC string `yaml:"vpc" example:"production"`

	// Whether it is that of the VPC's subnets that name none.
	Default bool `yaml:"default" default:"false" example:"true"`

	// Rules for what comes into a subnet. What none matches is refused.
	Ingress []ACLEntryConfig `yaml:"ingress"`

	// Rules for what leaves a subnet. What none matches is refused.
	Egress []ACLEntryConfig `yaml:"egress"`

	// Its tags.
	Tags Tags `yaml:"tags" example:"{team: network}"`
}

// ACLEntryConfig is a rule of a network ACL.
type ACLEntryConfig struct {
	// Its number. The rule with the lowest number that matches decides.
	Number int `yaml:"number" required:"true" min:"1" max:"32766" example:"100"`

	// What happens to the packets.
	Action string `yaml:"action" required:"true" enum:"allow,deny" example:"deny"`

	// tcp, udp, icmp, icmpv6, a number, or all.
	Protocol Protocol `yaml:"protocol" default:"all" example:"tcp"`

	// The network of the other side.
	CIDR CIDR `yaml:"cidr" required:"true" example:"203.0.113.0/24"`

	// A port, a range, or all. Only for tcp and udp.
	Ports PortRange `yaml:"ports" default:"all" example:"1024-65535"`

	// Type and code of ICMP. Only for icmp and icmpv6.
	ICMP *ICMPConfig `yaml:"icmp"`
}

// FlowLogConfig declares a flow log. What its values mean, and whether they go
// together, is checked when it is made.
type FlowLogConfig struct {
	// A name of its own in this file: it is how a flow log is known again when
	// the file has changed.
	Name string `yaml:"name" required:"true" example:"all-traffic"`

	// Id or name of a VPC, a subnet or an interface; "default" is the default VPC.
	Resource string `yaml:"resource" required:"true" example:"production"`

	// Which verdicts are recorded.
	TrafficType string `yaml:"traffic-type" default:"ALL" enum:"ALL,ACCEPT,REJECT" example:"REJECT"`

	// Longest time that a record covers, in seconds.
	MaxAggregationInterval int `yaml:"max-aggregation-interval" default:"600" enum:"60,600" example:"60"`

	// The fields, as in CreateFlowLogs. Without it the default format.
	LogFormat string `yaml:"log-format" example:"'${version} ${interface-id} ${srcaddr} ${dstaddr} ${action}'"`

	// Where records go: a bucket's ARN, with an optional prefix, or another
	// destination as CreateFlowLogs takes it.
	Destination string `yaml:"destination" required:"true" example:"arn:aws:s3:::flow-logs/production/"`

	// Format of the files in a bucket.
	FileFormat string `yaml:"file-format" default:"plain-text" enum:"plain-text,parquet" example:"parquet"`

	// Whether the names of files are those that Hive reads partitions from.
	HiveCompatiblePartitions bool `yaml:"hive-compatible-partitions" default:"false" example:"true"`

	// Whether there is a folder for each hour instead of each day.
	PerHourPartition bool `yaml:"per-hour-partition" default:"false" example:"true"`

	// Keys of interface tags for the fields interface-tag and interface-tag-2.
	InterfaceTagKeys []string `yaml:"interface-tag-keys" example:"[role]"`

	// Keys of instance tags for the fields instance-tag and instance-tag-2.
	InstanceTagKeys []string `yaml:"instance-tag-keys" example:"[Name]"`

	// Tags of the flow log.
	Tags Tags `yaml:"tags" example:"{purpose: audit}"`

	resolved bool // Resource is an id
}

// DestinationConfig says where buckets, log groups and delivery streams are, and whose
// rights to use. It holds no secret, only where to find them.
type DestinationConfig struct {
	// The buckets: names or patterns. The first entry that matches counts.
	Buckets []string `yaml:"buckets" pattern:"true" example:"['flow-logs*']"`

	// The log groups of CloudWatch Logs: names or patterns; * stands for slashes, too.
	LogGroups []string `yaml:"log-groups" pattern:"true" example:"['/vpc/*']"`

	// The delivery streams of Amazon Data Firehose: names or patterns.
	DeliveryStreams []string `yaml:"delivery-streams" pattern:"true" example:"[flow-logs]"`

	// URL of the service. Without it Amazon's for the region.
	Endpoint string `yaml:"endpoint" example:"https://minio.example.net:9000"`

	// Region of the service. Without it the one at the top of the file.
	Region Name `yaml:"region" example:"us-east-1"`

	// Whether the bucket is part of the path, not of the host name, of a URL.
	// The default is true if there is an endpoint.
	PathStyle *bool `yaml:"path-style" example:"true"`

	// Profile of the shared AWS configuration files to take credentials from.
	// Without any of these keys they are found as the AWS tools find them.
	Profile string `yaml:"profile" example:"flow-logs"`

	// Environment variable that holds the access key id.
	AccessKeyIDEnv string `yaml:"access-key-id-env" example:"MINIO_ACCESS_KEY"`

	// Environment variable that holds the secret access key.
	SecretAccessKeyEnv string `yaml:"secret-access-key-env" example:"MINIO_SECRET_KEY"`

	// Environment variable that holds the session token, if there is one.
	SessionTokenEnv string `yaml:"session-token-env" example:"MINIO_SESSION_TOKEN"`
}
