package record

import "math"

// never is the dash text of a field that always has a value.
const never = "never"

// kind says how a field's text is read and checked.
type kind uint8

const (
	kindText kind = iota // any text without spaces and control characters
	kindSet              // one of values, nothing else
	kindInt              // decimal number, 0 to max
	kindAddr             // IP address, or text that cannot be meant as one
)

// scope says which kinds of flow log have a field.
type scope uint8

const (
	scopeVPC scope = 1 << iota // VPC, subnet, interface, regional NAT gateway
	scopeTGW                   // transit gateway and its attachments
)

// info is a row of the table of fields.
type info struct {
	name    string
	version uint8 // record version that introduced the field
	typ     ColumnType
	kind    kind
	scope   scope
	max     uint64   // of kindInt
	values  []string // all of kindSet; of kindText those known
	doc     string   // what it means
	dash    string   // when it is "-"
}

const (
	maxPort = math.MaxUint16
	maxByte = math.MaxUint8
	max32   = math.MaxInt32
	max64   = math.MaxInt64
	both    = scopeVPC | scopeTGW
)

// Phrases that several rows share.
const (
	noTraffic  = "NODATA and SKIPDATA"
	notECS     = "the traffic is not of an ECS task"
	notService = "not an address of an AWS service"
	noTag      = "untagged, owned by another account, or not computed"
	noNextHop  = "the next hop has no interface (such as an internet gateway), is in another Region or in another account, or is not known"
	noTGW      = "not known, or the attachment is of another kind"
)

// Values that several rows share.
var (
	interfaceTypes = []string{"nat_gateway", "network_load_balancer", "regional_nat_gateway", "transit_gateway", "vpc_endpoint"}
	awsServices    = []string{
		"AMAZON", "AMAZON_APPFLOW", "AMAZON_CONNECT", "API_GATEWAY", "AURORA_DSQL", "CHIME_MEETINGS", "CHIME_VOICECONNECTOR",
		"CLOUD9", "CLOUDFRONT", "CLOUDFRONT_ORIGIN_FACING", "CODEBUILD", "DYNAMODB", "EBS", "EC2", "EC2_INSTANCE_CONNECT",
		"GLOBALACCELERATOR", "IVS_LOW_LATENCY", "IVS_REALTIME", "KINESIS_VIDEO_STREAMS", "MEDIA_PACKAGE_V2", "ROUTE53",
		"ROUTE53_HEALTHCHECKS", "ROUTE53_HEALTHCHECKS_PUBLISHING", "ROUTE53_RESOLVER", "S3", "WORKSPACES_GATEWAYS",
	}
)

// table describes every field. The parser, the printer, the Parquet schema and
// the page docs/formats/flow-record.md all come from it and nothing else.
var table = [numFields]info{
	None: {dash: never},
	Version: {
		name: "version", version: 2, typ: Int32, kind: kindInt, scope: both, max: max32,
		doc:  "Version of the record: the highest version among the fields of the format.",
		dash: never,
	},
	AccountID: {
		name: "account-id", version: 2, typ: String, kind: kindText, scope: both,
		doc:  "Account that owns the interface (or the transit gateway): 12 digits, or `unknown` for some interfaces that AWS services make.",
		dash: "not known",
	},
	InterfaceID: {
		name: "interface-id", version: 2, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Interface that recorded the traffic: `eni-` and 8 or 17 hex digits.",
		dash: "traffic of a regional NAT gateway",
	},
	SrcAddr: {
		name: "srcaddr", version: 2, typ: String, kind: kindAddr, scope: both,
		doc:  "Source address. Ingress: of the packet. Egress: the interface's own address, for IPv4 always a private one.",
		dash: noTraffic,
	},
	DstAddr: {
		name: "dstaddr", version: 2, typ: String, kind: kindAddr, scope: both,
		doc:  "Destination address. Egress: of the packet. Ingress: the interface's own address, for IPv4 its primary private one.",
		dash: noTraffic,
	},
	SrcPort: {
		name: "srcport", version: 2, typ: Int32, kind: kindInt, scope: both, max: maxPort,
		doc:  "Source port; 0 for protocols without ports, ICMP among them.",
		dash: noTraffic,
	},
	DstPort: {
		name: "dstport", version: 2, typ: Int32, kind: kindInt, scope: both, max: maxPort,
		doc:  "Destination port; 0 for protocols without ports, ICMP among them.",
		dash: noTraffic,
	},
	Protocol: {
		name: "protocol", version: 2, typ: Int32, kind: kindInt, scope: both, max: maxByte,
		doc:  "IANA protocol number: 1 is ICMP, 6 TCP, 17 UDP, 58 ICMPv6.",
		dash: noTraffic,
	},
	Packets: {
		name: "packets", version: 2, typ: Int64, kind: kindInt, scope: both, max: max64,
		doc:  "Packets of the flow during the aggregation interval, never sampled.",
		dash: noTraffic,
	},
	Bytes: {
		name: "bytes", version: 2, typ: Int64, kind: kindInt, scope: both, max: max64,
		doc:  "Bytes of the flow during the aggregation interval.",
		dash: noTraffic + "; traffic refused by VPC Block Public Access",
	},
	Start: {
		name: "start", version: 2, typ: Int64, kind: kindInt, scope: both, max: max64,
		doc:  "Unix seconds of the first packet within the aggregation interval; the start of the interval for NODATA and SKIPDATA.",
		dash: never,
	},
	End: {
		name: "end", version: 2, typ: Int64, kind: kindInt, scope: both, max: max64,
		doc:  "Unix seconds of the last packet within the aggregation interval, inclusive; the end of the interval for NODATA and SKIPDATA.",
		dash: never,
	},
	Action: {
		name: "action", version: 2, typ: String, kind: kindSet, scope: scopeVPC,
		values: []string{"ACCEPT", "REJECT"},
		doc:    "What the firewall did. REJECT: refused by a security group or network ACL, or the packet came after the connection was closed.",
		dash:   noTraffic,
	},
	LogStatus: {
		name: "log-status", version: 2, typ: String, kind: kindSet, scope: both,
		values: []string{"OK", "NODATA", "SKIPDATA"},
		doc:    "`OK`: a flow. `NODATA`: no traffic in the interval. `SKIPDATA`: some flows of the interval were not recorded.",
		dash:   never,
	},
	VPCID: {
		name: "vpc-id", version: 3, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "VPC of the interface.",
		dash: "not known",
	},
	SubnetID: {
		name: "subnet-id", version: 3, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Subnet of the interface.",
		dash: "traffic of a regional NAT gateway",
	},
	InstanceID: {
		name: "instance-id", version: 3, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Instance the interface is attached to.",
		dash: "no instance, or the interface belongs to a service (NAT gateway, transit gateway, endpoint)",
	},
	TCPFlags: {
		name: "tcp-flags", version: 3, typ: Int32, kind: kindInt, scope: both, max: maxByte,
		doc:  "OR of FIN 1, SYN 2, RST 4 and SYN-ACK 18 over the packets; an ordinary segment adds nothing, so an established connection has 0.",
		dash: noTraffic + "; flags that cannot be computed",
	},
	Type: {
		name: "type", version: 3, typ: String, kind: kindText, scope: both,
		values: []string{"IPv4", "IPv6", "EFA"},
		doc:    "Type of the traffic.",
		dash:   noTraffic,
	},
	PktSrcAddr: {
		name: "pkt-srcaddr", version: 3, typ: String, kind: kindAddr, scope: scopeVPC,
		doc:  "Source address in the packet itself, where srcaddr is that of an interface on the way.",
		dash: noTraffic,
	},
	PktDstAddr: {
		name: "pkt-dstaddr", version: 3, typ: String, kind: kindAddr, scope: scopeVPC,
		doc:  "Destination address in the packet itself, where dstaddr is that of an interface on the way.",
		dash: noTraffic,
	},
	Region: {
		name: "region", version: 4, typ: String, kind: kindText, scope: both,
		doc:  "Region of the interface, such as `us-east-1`.",
		dash: "not known",
	},
	AZID: {
		name: "az-id", version: 4, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ID (not the name) of the Availability Zone, such as `use1-az1`.",
		dash: "traffic from a sublocation",
	},
	SublocationType: {
		name: "sublocation-type", version: 4, typ: String, kind: kindText, scope: scopeVPC,
		values: []string{"wavelength", "outpost", "localzone"},
		doc:    "Kind of sublocation.",
		dash:   "not in a sublocation",
	},
	SublocationID: {
		name: "sublocation-id", version: 4, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ID of the sublocation.",
		dash: "not in a sublocation",
	},
	PktSrcAWSService: {
		name: "pkt-src-aws-service", version: 5, typ: String, kind: kindText, scope: both,
		values: awsServices,
		doc:    "AWS service whose published range holds pkt-srcaddr.",
		dash:   notService,
	},
	PktDstAWSService: {
		name: "pkt-dst-aws-service", version: 5, typ: String, kind: kindText, scope: both,
		values: awsServices,
		doc:    "AWS service whose published range holds pkt-dstaddr.",
		dash:   notService,
	},
	FlowDirection: {
		name: "flow-direction", version: 5, typ: String, kind: kindSet, scope: both,
		values: []string{"ingress", "egress"},
		doc:    "Direction as the interface (or the transit gateway) sees it.",
		dash:   noTraffic,
	},
	TrafficPath: {
		name: "traffic-path", version: 5, typ: Int32, kind: kindInt, scope: scopeVPC, max: max32,
		doc:  "Way of egress traffic: 1 same VPC (or Outpost local gateway), 2 internet gateway or gateway endpoint, 3 virtual private gateway, 4 peering in the Region, 5 peering between Regions, 6 Local or Wavelength Zone, 7 gateway endpoint, 8 internet gateway.",
		dash: "ingress, or no value applies",
	},
	ECSClusterARN: {
		name: "ecs-cluster-arn", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ECS cluster of the task.",
		dash: notECS,
	},
	ECSClusterName: {
		name: "ecs-cluster-name", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Name of the ECS cluster.",
		dash: notECS,
	},
	ECSContainerInstanceARN: {
		name: "ecs-container-instance-arn", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ECS container instance that runs the task.",
		dash: notECS + ", or runs on Fargate",
	},
	ECSContainerInstanceID: {
		name: "ecs-container-instance-id", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ID of the ECS container instance.",
		dash: notECS + ", or runs on Fargate",
	},
	ECSContainerID: {
		name: "ecs-container-id", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Docker runtime ID of the first container of the task.",
		dash: notECS,
	},
	ECSSecondContainerID: {
		name: "ecs-second-container-id", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Docker runtime ID of the second container of the task.",
		dash: notECS + ", or has one container",
	},
	ECSServiceName: {
		name: "ecs-service-name", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ECS service that started the task.",
		dash: notECS + ", or no service started it",
	},
	ECSTaskDefinitionARN: {
		name: "ecs-task-definition-arn", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ECS task definition.",
		dash: notECS,
	},
	ECSTaskARN: {
		name: "ecs-task-arn", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ECS task.",
		dash: notECS,
	},
	ECSTaskID: {
		name: "ecs-task-id", version: 7, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "ID of the ECS task.",
		dash: notECS,
	},
	RejectReason: {
		name: "reject-reason", version: 8, typ: String, kind: kindText, scope: scopeVPC,
		values: []string{"BPA", "EC"},
		doc:    "Why traffic was refused: `BPA` VPC Block Public Access, `EC` encryption controls of a VPC endpoint.",
		dash:   "accepted, or refused for any other reason, security groups and network ACLs among them",
	},
	ResourceID: {
		name: "resource-id", version: 9, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Regional NAT gateway (`nat-`) that recorded the traffic.",
		dash: "any other interface",
	},
	EncryptionStatus: {
		name: "encryption-status", version: 10, typ: Int32, kind: kindInt, scope: scopeVPC, max: max32,
		doc:  "0 not encrypted, 1 by Nitro, 2 by the application (assumed from port 443 and the endpoint), 3 both.",
		dash: "encryption controls are not on, or the status is not known",
	},
	InstanceTag: {
		name: "instance-tag", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the first tag key chosen for instances, percent-encoded.",
		dash: noTag,
	},
	InstanceTag2: {
		name: "instance-tag-2", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the second tag key chosen for instances, percent-encoded.",
		dash: noTag,
	},
	InterfaceTag: {
		name: "interface-tag", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the first tag key chosen for interfaces, percent-encoded.",
		dash: noTag,
	},
	InterfaceTag2: {
		name: "interface-tag-2", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the second tag key chosen for interfaces, percent-encoded.",
		dash: noTag,
	},
	ASGTag: {
		name: "asg-tag", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the first tag key chosen for Auto Scaling groups, percent-encoded.",
		dash: noTag,
	},
	ASGTag2: {
		name: "asg-tag-2", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Value of the second tag key chosen for Auto Scaling groups, percent-encoded.",
		dash: noTag,
	},
	InterfaceType: {
		name: "interface-type", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		values: interfaceTypes,
		doc:    "Type of the interface that recorded the traffic.",
		dash:   "an ordinary interface, or a service without a type of its own",
	},
	NextHopInterfaceID: {
		name: "next-hop-interface-id", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Egress: interface that receives the traffic. Ingress: interface that sent it.",
		dash: noNextHop,
	},
	NextHopSubnetID: {
		name: "next-hop-subnet-id", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Subnet of the next hop's interface.",
		dash: noNextHop,
	},
	NextHopAZID: {
		name: "next-hop-az-id", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "Availability Zone ID of the next hop's interface; given for interfaces of other accounts too.",
		dash: "the next hop has no interface (such as an internet gateway), is in another Region, or is not known",
	},
	NextHopVPCID: {
		name: "next-hop-vpc-id", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		doc:  "VPC of the next hop's interface.",
		dash: noNextHop,
	},
	NextHopInterfaceType: {
		name: "next-hop-interface-type", version: 11, typ: String, kind: kindText, scope: scopeVPC,
		values: interfaceTypes,
		doc:    "Type of the next hop's interface.",
		dash:   noNextHop,
	},
	ResourceType: {
		name: "resource-type", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		values: []string{"TransitGateway", "TransitGatewayAttachment"},
		doc:    "Kind of resource the flow log was made for.",
		dash:   "not known",
	},
	TGWID: {
		name: "tgw-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Transit gateway that recorded the traffic.",
		dash: "not known",
	},
	TGWAttachmentID: {
		name: "tgw-attachment-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Attachment that recorded the traffic.",
		dash: "not known",
	},
	TGWSrcVPCAccountID: {
		name: "tgw-src-vpc-account-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Account that owns the source VPC.",
		dash: noTGW,
	},
	TGWDstVPCAccountID: {
		name: "tgw-dst-vpc-account-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Account that owns the destination VPC.",
		dash: noTGW,
	},
	TGWSrcVPCID: {
		name: "tgw-src-vpc-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Source VPC.",
		dash: noTGW,
	},
	TGWDstVPCID: {
		name: "tgw-dst-vpc-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Destination VPC.",
		dash: noTGW,
	},
	TGWSrcSubnetID: {
		name: "tgw-src-subnet-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Subnet of the source attachment's interface.",
		dash: noTGW,
	},
	TGWDstSubnetID: {
		name: "tgw-dst-subnet-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Subnet of the destination attachment's interface.",
		dash: noTGW,
	},
	TGWSrcENI: {
		name: "tgw-src-eni", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Interface of the source attachment.",
		dash: noTGW,
	},
	TGWDstENI: {
		name: "tgw-dst-eni", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Interface of the destination attachment.",
		dash: noTGW,
	},
	TGWSrcAZID: {
		name: "tgw-src-az-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Availability Zone ID of the source attachment.",
		dash: noTGW + ", or a sublocation",
	},
	TGWDstAZID: {
		name: "tgw-dst-az-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "Availability Zone ID of the destination attachment.",
		dash: noTGW + ", or a sublocation",
	},
	TGWPairAttachmentID: {
		name: "tgw-pair-attachment-id", version: 6, typ: String, kind: kindText, scope: scopeTGW,
		doc:  "The other attachment of the flow: where it leaves or where it came from, by flow-direction.",
		dash: noTGW,
	},
	PacketsLostNoRoute: {
		name: "packets-lost-no-route", version: 6, typ: Int64, kind: kindInt, scope: scopeTGW, max: max64,
		doc:  "Packets of the flow dropped for no route.",
		dash: noTraffic,
	},
	PacketsLostBlackhole: {
		name: "packets-lost-blackhole", version: 6, typ: Int64, kind: kindInt, scope: scopeTGW, max: max64,
		doc:  "Packets of the flow dropped for a blackhole route.",
		dash: noTraffic,
	},
	PacketsLostMTUExceeded: {
		name: "packets-lost-mtu-exceeded", version: 6, typ: Int64, kind: kindInt, scope: scopeTGW, max: max64,
		doc:  "Packets of the flow dropped for exceeding the MTU.",
		dash: noTraffic,
	},
	PacketsLostTTLExpired: {
		name: "packets-lost-ttl-expired", version: 6, typ: Int64, kind: kindInt, scope: scopeTGW, max: max64,
		doc:  "Packets of the flow dropped for an expired TTL.",
		dash: noTraffic,
	},
}

// transitGateway is Amazon's default format of transit gateway flow logs.
var transitGateway = [...]Field{
	Version, ResourceType, AccountID, TGWID, TGWAttachmentID, TGWSrcVPCAccountID, TGWDstVPCAccountID,
	TGWSrcVPCID, TGWDstVPCID, TGWSrcSubnetID, TGWDstSubnetID, TGWSrcENI, TGWDstENI, TGWSrcAZID, TGWDstAZID,
	TGWPairAttachmentID, SrcAddr, DstAddr, SrcPort, DstPort, Protocol, Packets, Bytes, Start, End, LogStatus,
	Type, PacketsLostNoRoute, PacketsLostBlackhole, PacketsLostMTUExceeded, PacketsLostTTLExpired, TCPFlags,
	Region, FlowDirection, PktSrcAWSService, PktDstAWSService,
}
