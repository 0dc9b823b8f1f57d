package ec2

import "encoding/xml"

// What calls describe has tags for JSON as well: the names that the AWS CLI and the SDKs
// print, where they are not the fields'.

// DescribeNetworkInterfaces is a request.
type DescribeNetworkInterfaces struct {
	DryRun              bool     `ec2:"DryRun"`
	NetworkInterfaceIDs []string `ec2:"NetworkInterfaceId"`
	Filters             []Filter `ec2:"Filter"`
	MaxResults          *int     `ec2:"MaxResults"`
	NextToken           string   `ec2:"NextToken"`

	// IncludeManagedResources also asks for what Amazon's services manage, where
	// an account hides that.
	IncludeManagedResources bool `ec2:"IncludeManagedResources"`
}

// DescribeNetworkInterfacesAnswer is the answer.
type DescribeNetworkInterfacesAnswer struct {
	XMLName xml.Name `xml:"DescribeNetworkInterfacesResponse"`
	Common
	NetworkInterfaces []NetworkInterface `xml:"networkInterfaceSet>item"`
	NextToken         string             `xml:"nextToken,omitempty"`
}

// NetworkInterface is an interface as it is described.
type NetworkInterface struct {
	ID                 string           `xml:"networkInterfaceId" json:"NetworkInterfaceId"`
	SubnetID           string           `xml:"subnetId,omitempty" json:"SubnetId"`
	VPCID              string           `xml:"vpcId,omitempty" json:"VpcId"`
	AvailabilityZone   string           `xml:"availabilityZone,omitempty"`
	AvailabilityZoneID string           `xml:"availabilityZoneId,omitempty" json:"AvailabilityZoneId"`
	Description        string           `xml:"description"`
	OwnerID            string           `xml:"ownerId" json:"OwnerId"`
	RequesterID        string           `xml:"requesterId,omitempty" json:"RequesterId"`
	RequesterManaged   bool             `xml:"requesterManaged"`
	Status             string           `xml:"status"` // "in-use" or "available"
	MACAddress         string           `xml:"macAddress,omitempty" json:"MacAddress"`
	PrivateIPAddress   string           `xml:"privateIpAddress,omitempty" json:"PrivateIpAddress"`
	PrivateDNSName     string           `xml:"privateDnsName,omitempty" json:"PrivateDnsName"`
	SourceDestCheck    bool             `xml:"sourceDestCheck"`
	Groups             []Group          `xml:"groupSet>item"`
	Attachment         *Attachment      `xml:"attachment"`
	Association        *Association     `xml:"association"`
	Tags               []Tag            `xml:"tagSet>item" json:"TagSet"`
	PrivateIPAddresses []PrivateAddress `xml:"privateIpAddressesSet>item" json:"PrivateIpAddresses"`
	IPv6Addresses      []IPv6Address    `xml:"ipv6AddressesSet>item" json:"Ipv6Addresses"`
	IPv6Address        string           `xml:"ipv6Address,omitempty" json:"Ipv6Address"` // the first one
	IPv6Native         bool             `xml:"ipv6Native" json:"Ipv6Native"`
	OutpostARN         string           `xml:"outpostArn,omitempty" json:"OutpostArn"`
	Operator           Operator         `xml:"operator"`
	InterfaceType      string           `xml:"interfaceType"`
}

// Operator tells whether one of Amazon's services manages a resource.
type Operator struct {
	Managed bool `xml:"managed"`
}

// Group names a security group.
type Group struct {
	ID   string `xml:"groupId" json:"GroupId"`
	Name string `xml:"groupName" json:"GroupName"`
}

// Attachment tells what an interface is attached to.
type Attachment struct {
	ID              string `xml:"attachmentId,omitempty" json:"AttachmentId"`
	InstanceID      string `xml:"instanceId,omitempty" json:"InstanceId"`
	InstanceOwnerID string `xml:"instanceOwnerId,omitempty" json:"InstanceOwnerId"`
	DeviceIndex     int    `xml:"deviceIndex"`
	Status          string `xml:"status"`
	AttachTime      string `xml:"attachTime,omitempty"` // as sent: RFC 3339
}

// Association is a public address.
type Association struct {
	PublicIP      string `xml:"publicIp" json:"PublicIp"`
	PublicDNSName string `xml:"publicDnsName,omitempty" json:"PublicDnsName"`
	IPOwnerID     string `xml:"ipOwnerId,omitempty" json:"IpOwnerId"`
}

// PrivateAddress is an IPv4 address of an interface.
type PrivateAddress struct {
	PrivateIPAddress string       `xml:"privateIpAddress" json:"PrivateIpAddress"`
	Primary          bool         `xml:"primary"`
	Association      *Association `xml:"association"`
}

// IPv6Address is an IPv6 address of an interface.
type IPv6Address struct {
	IPv6Address string `xml:"ipv6Address" json:"Ipv6Address"`
	Primary     bool   `xml:"isPrimaryIpv6" json:"IsPrimaryIpv6"`
}

// DescribeSubnets is a request.
type DescribeSubnets struct {
	DryRun     bool     `ec2:"DryRun"`
	SubnetIDs  []string `ec2:"SubnetId"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeSubnetsAnswer is the answer.
type DescribeSubnetsAnswer struct {
	XMLName xml.Name `xml:"DescribeSubnetsResponse"`
	Common
	Subnets   []Subnet `xml:"subnetSet>item"`
	NextToken string   `xml:"nextToken,omitempty"`
}

// Subnet is a subnet as it is described.
type Subnet struct {
	ID                      string            `xml:"subnetId" json:"SubnetId"`
	ARN                     string            `xml:"subnetArn" json:"SubnetArn"`
	State                   string            `xml:"state"`
	OwnerID                 string            `xml:"ownerId" json:"OwnerId"`
	VPCID                   string            `xml:"vpcId" json:"VpcId"`
	CIDRBlock               string            `xml:"cidrBlock,omitempty" json:"CidrBlock"`
	IPv6CIDRs               []CIDRAssociation `xml:"ipv6CidrBlockAssociationSet>item" json:"Ipv6CidrBlockAssociationSet"`
	AvailableIPAddressCount int               `xml:"availableIpAddressCount" json:"AvailableIpAddressCount"`
	AvailabilityZone        string            `xml:"availabilityZone,omitempty"`
	AvailabilityZoneID      string            `xml:"availabilityZoneId,omitempty" json:"AvailabilityZoneId"`
	DefaultForAZ            bool              `xml:"defaultForAz" json:"DefaultForAz"`
	OutpostARN              string            `xml:"outpostArn,omitempty" json:"OutpostArn"`
	Tags                    []Tag             `xml:"tagSet>item"`

	// What its interfaces get when they are made.
	MapPublicIPOnLaunch         bool `xml:"mapPublicIpOnLaunch"`
	MapCustomerOwnedIPOnLaunch  bool `xml:"mapCustomerOwnedIpOnLaunch"`
	AssignIPv6AddressOnCreation bool `xml:"assignIpv6AddressOnCreation"`
	IPv6Native                  bool `xml:"ipv6Native"`
	EnableDNS64                 bool `xml:"enableDns64"`
}

// CIDRAssociation is one of the prefixes of a VPC or a subnet.
type CIDRAssociation struct {
	AssociationID string     `xml:"associationId" json:"AssociationId"`
	CIDRBlock     string     `xml:"cidrBlock,omitempty" json:"CidrBlock"`
	IPv6CIDRBlock string     `xml:"ipv6CidrBlock,omitempty" json:"Ipv6CidrBlock"`
	State         *CIDRState `xml:"cidrBlockState" json:"CidrBlockState"`
	IPv6State     *CIDRState `xml:"ipv6CidrBlockState" json:"Ipv6CidrBlockState"`
}

// CIDRState is "associated".
type CIDRState struct {
	State string `xml:"state"`
}

// DescribeVPCs is a request.
type DescribeVPCs struct {
	DryRun     bool     `ec2:"DryRun"`
	VPCIDs     []string `ec2:"VpcId"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeVPCsAnswer is the answer.
type DescribeVPCsAnswer struct {
	XMLName xml.Name `xml:"DescribeVpcsResponse"`
	Common
	VPCs      []VPC  `xml:"vpcSet>item"`
	NextToken string `xml:"nextToken,omitempty"`
}

// VPC is a VPC as it is described.
type VPC struct {
	ID              string            `xml:"vpcId" json:"VpcId"`
	OwnerID         string            `xml:"ownerId" json:"OwnerId"`
	State           string            `xml:"state"`
	CIDRBlock       string            `xml:"cidrBlock,omitempty" json:"CidrBlock"`
	CIDRs           []CIDRAssociation `xml:"cidrBlockAssociationSet>item" json:"CidrBlockAssociationSet"`
	IPv6CIDRs       []CIDRAssociation `xml:"ipv6CidrBlockAssociationSet>item" json:"Ipv6CidrBlockAssociationSet"`
	InstanceTenancy string            `xml:"instanceTenancy"`
	IsDefault       bool              `xml:"isDefault"`
	DHCPOptionsID   string            `xml:"dhcpOptionsId,omitempty" json:"DhcpOptionsId"` // every VPC of Amazon's has some
	Tags            []Tag             `xml:"tagSet>item"`
}

// DescribeVPCAttribute is a request.
type DescribeVPCAttribute struct {
	DryRun    bool   `ec2:"DryRun"`
	VPCID     string `ec2:"VpcId"`
	Attribute string `ec2:"Attribute"`
}

// DescribeVPCAttributeAnswer is the answer. Only the attribute that was asked for is
// there.
type DescribeVPCAttributeAnswer struct {
	XMLName xml.Name `xml:"DescribeVpcAttributeResponse"`
	Common
	VPCID               string         `xml:"vpcId"`
	DNSSupport          *AttributeBool `xml:"enableDnsSupport"`
	DNSHostnames        *AttributeBool `xml:"enableDnsHostnames"`
	AddressUsageMetrics *AttributeBool `xml:"enableNetworkAddressUsageMetrics"`
}

// AttributeBool is an attribute that is on or off.
type AttributeBool struct {
	Value bool `xml:"value"`
}

// DescribeSecurityGroups is a request.
type DescribeSecurityGroups struct {
	DryRun     bool     `ec2:"DryRun"`
	GroupIDs   []string `ec2:"GroupId"`
	GroupNames []string `ec2:"GroupName"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeSecurityGroupsAnswer is the answer.
type DescribeSecurityGroupsAnswer struct {
	XMLName xml.Name `xml:"DescribeSecurityGroupsResponse"`
	Common
	SecurityGroups []SecurityGroup `xml:"securityGroupInfo>item"`
	NextToken      string          `xml:"nextToken,omitempty"`
}

// SecurityGroup is a security group as it is described.
type SecurityGroup struct {
	ID          string         `xml:"groupId" json:"GroupId"`
	Name        string         `xml:"groupName" json:"GroupName"`
	Description string         `xml:"groupDescription"`
	OwnerID     string         `xml:"ownerId" json:"OwnerId"`
	VPCID       string         `xml:"vpcId,omitempty" json:"VpcId"`
	ARN         string         `xml:"securityGroupArn" json:"SecurityGroupArn"`
	Ingress     []IPPermission `xml:"ipPermissions>item" json:"IpPermissions"`
	Egress      []IPPermission `xml:"ipPermissionsEgress>item" json:"IpPermissionsEgress"`
	Tags        []Tag          `xml:"tagSet>item"`
}

// IPPermission are the rules of a security group that have a protocol and ports in
// common. Ports are nil for all; of ICMP they are type and code.
type IPPermission struct {
	Protocol  string         `xml:"ipProtocol" json:"IpProtocol"`
	FromPort  *int           `xml:"fromPort"`
	ToPort    *int           `xml:"toPort"`
	Groups    []GroupPair    `xml:"groups>item" json:"UserIdGroupPairs"`
	IPRanges  []IPRange      `xml:"ipRanges>item" json:"IpRanges"`
	IPv6      []IPv6Range    `xml:"ipv6Ranges>item" json:"Ipv6Ranges"`
	PrefixIDs []PrefixListID `xml:"prefixListIds>item" json:"PrefixListIds"`
}

// GroupPair is a security group whose members a rule allows.
type GroupPair struct {
	UserID      string `xml:"userId" json:"UserId"`
	ID          string `xml:"groupId" json:"GroupId"`
	VPCID       string `xml:"vpcId,omitempty" json:"VpcId"`
	Description string `xml:"description,omitempty"`
}

// IPRange are IPv4 addresses a rule allows.
type IPRange struct {
	CIDR        string `xml:"cidrIp" json:"CidrIp"`
	Description string `xml:"description,omitempty"`
}

// IPv6Range are IPv6 addresses a rule allows.
type IPv6Range struct {
	CIDR        string `xml:"cidrIpv6" json:"CidrIpv6"`
	Description string `xml:"description,omitempty"`
}

// PrefixListID is a prefix list whose addresses a rule allows.
type PrefixListID struct {
	ID          string `xml:"prefixListId" json:"PrefixListId"`
	Description string `xml:"description,omitempty"`
}

// DescribeSecurityGroupRules is a request.
type DescribeSecurityGroupRules struct {
	DryRun     bool     `ec2:"DryRun"`
	RuleIDs    []string `ec2:"SecurityGroupRuleId"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeSecurityGroupRulesAnswer is the answer.
type DescribeSecurityGroupRulesAnswer struct {
	XMLName xml.Name `xml:"DescribeSecurityGroupRulesResponse"`
	Common
	Rules     []SecurityGroupRule `xml:"securityGroupRuleSet>item"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// SecurityGroupRule is one rule of a security group, with one peer.
type SecurityGroupRule struct {
	ID              string           `xml:"securityGroupRuleId" json:"SecurityGroupRuleId"`
	ARN             string           `xml:"securityGroupRuleArn" json:"SecurityGroupRuleArn"`
	GroupID         string           `xml:"groupId" json:"GroupId"`
	GroupOwnerID    string           `xml:"groupOwnerId" json:"GroupOwnerId"`
	IsEgress        bool             `xml:"isEgress"`
	Protocol        string           `xml:"ipProtocol" json:"IpProtocol"`
	FromPort        *int             `xml:"fromPort"` // -1 for all, with ToPort
	ToPort          *int             `xml:"toPort"`
	CIDRv4          string           `xml:"cidrIpv4,omitempty" json:"CidrIpv4"`
	CIDRv6          string           `xml:"cidrIpv6,omitempty" json:"CidrIpv6"`
	PrefixListID    string           `xml:"prefixListId,omitempty" json:"PrefixListId"`
	ReferencedGroup *ReferencedGroup `xml:"referencedGroupInfo" json:"ReferencedGroupInfo"`
	Description     string           `xml:"description,omitempty"`
	Tags            []Tag            `xml:"tagSet>item"`
}

// ReferencedGroup is a security group that a rule names.
type ReferencedGroup struct {
	GroupID string `xml:"groupId" json:"GroupId"`
	UserID  string `xml:"userId" json:"UserId"`
	VPCID   string `xml:"vpcId,omitempty" json:"VpcId"`
}

// DescribeNetworkACLs is a request.
type DescribeNetworkACLs struct {
	DryRun        bool     `ec2:"DryRun"`
	NetworkACLIDs []string `ec2:"NetworkAclId"`
	Filters       []Filter `ec2:"Filter"`
	MaxResults    *int     `ec2:"MaxResults"`
	NextToken     string   `ec2:"NextToken"`
}

// DescribeNetworkACLsAnswer is the answer.
type DescribeNetworkACLsAnswer struct {
	XMLName xml.Name `xml:"DescribeNetworkAclsResponse"`
	Common
	NetworkACLs []NetworkACL `xml:"networkAclSet>item"`
	NextToken   string       `xml:"nextToken,omitempty"`
}

// NetworkACL is a network ACL as it is described.
type NetworkACL struct {
	ID           string           `xml:"networkAclId" json:"NetworkAclId"`
	VPCID        string           `xml:"vpcId" json:"VpcId"`
	OwnerID      string           `xml:"ownerId" json:"OwnerId"`
	Default      bool             `xml:"default" json:"IsDefault"`
	Associations []ACLAssociation `xml:"associationSet>item"`
	Entries      []ACLEntry       `xml:"entrySet>item"`
	Tags         []Tag            `xml:"tagSet>item"`
}

// ACLAssociation is a subnet that a network ACL applies to.
type ACLAssociation struct {
	ID       string `xml:"networkAclAssociationId" json:"NetworkAclAssociationId"`
	ACLID    string `xml:"networkAclId" json:"NetworkAclId"`
	SubnetID string `xml:"subnetId" json:"SubnetId"`
}

// ACLEntry is a rule of a network ACL.
type ACLEntry struct {
	RuleNumber    int        `xml:"ruleNumber"`
	Protocol      string     `xml:"protocol"` // a number; "-1" is all
	RuleAction    string     `xml:"ruleAction"`
	Egress        bool       `xml:"egress"`
	CIDRBlock     string     `xml:"cidrBlock,omitempty" json:"CidrBlock"`
	IPv6CIDRBlock string     `xml:"ipv6CidrBlock,omitempty" json:"Ipv6CidrBlock"`
	ICMP          *ICMP      `xml:"icmpTypeCode" json:"IcmpTypeCode"`
	Ports         *PortRange `xml:"portRange" json:"PortRange"`
}

// ICMP is a type and a code; -1 is any.
type ICMP struct {
	Code int `xml:"code"`
	Type int `xml:"type"`
}

// PortRange has both its ends in it.
type PortRange struct {
	From int `xml:"from"`
	To   int `xml:"to"`
}

// DescribeInstances is a request.
type DescribeInstances struct {
	DryRun      bool     `ec2:"DryRun"`
	InstanceIDs []string `ec2:"InstanceId"`
	Filters     []Filter `ec2:"Filter"`
	MaxResults  *int     `ec2:"MaxResults"`
	NextToken   string   `ec2:"NextToken"`

	IncludeManagedResources bool `ec2:"IncludeManagedResources"` // as of interfaces
}

// DescribeInstancesAnswer is the answer.
type DescribeInstancesAnswer struct {
	XMLName xml.Name `xml:"DescribeInstancesResponse"`
	Common
	Reservations []Reservation `xml:"reservationSet>item"`
	NextToken    string        `xml:"nextToken,omitempty"`
}

// Reservation are instances that were started together.
type Reservation struct {
	ID        string     `xml:"reservationId" json:"ReservationId"`
	OwnerID   string     `xml:"ownerId" json:"OwnerId"`
	Groups    []Group    `xml:"groupSet>item"`
	Instances []Instance `xml:"instancesSet>item"`
}

// Instance is an instance as it is described.
type Instance struct {
	ID                string              `xml:"instanceId" json:"InstanceId"`
	State             InstanceState       `xml:"instanceState"`
	PrivateDNSName    string              `xml:"privateDnsName" json:"PrivateDnsName"`
	Placement         Placement           `xml:"placement"`
	SubnetID          string              `xml:"subnetId,omitempty" json:"SubnetId"`
	VPCID             string              `xml:"vpcId,omitempty" json:"VpcId"`
	PrivateIPAddress  string              `xml:"privateIpAddress,omitempty" json:"PrivateIpAddress"`
	IPv6Address       string              `xml:"ipv6Address,omitempty" json:"Ipv6Address"`
	PublicIPAddress   string              `xml:"ipAddress,omitempty" json:"PublicIpAddress"`
	SourceDestCheck   bool                `xml:"sourceDestCheck"`
	OutpostARN        string              `xml:"outpostArn,omitempty" json:"OutpostArn"`
	Operator          Operator            `xml:"operator"`
	Groups            []Group             `xml:"groupSet>item" json:"SecurityGroups"`
	NetworkInterfaces []InstanceInterface `xml:"networkInterfaceSet>item"`
	Tags              []Tag               `xml:"tagSet>item"`
}

// InstanceState is a number and its name: 16, "running".
type InstanceState struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

// Placement is where an instance is.
type Placement struct {
	AvailabilityZone   string `xml:"availabilityZone"`
	AvailabilityZoneID string `xml:"availabilityZoneId,omitempty" json:"AvailabilityZoneId"`
	Tenancy            string `xml:"tenancy"`
}

// InstanceInterface is an interface of an instance.
type InstanceInterface struct {
	ID               string        `xml:"networkInterfaceId" json:"NetworkInterfaceId"`
	SubnetID         string        `xml:"subnetId,omitempty" json:"SubnetId"`
	VPCID            string        `xml:"vpcId,omitempty" json:"VpcId"`
	Description      string        `xml:"description"`
	OwnerID          string        `xml:"ownerId" json:"OwnerId"`
	Status           string        `xml:"status"`
	MACAddress       string        `xml:"macAddress,omitempty" json:"MacAddress"`
	PrivateIPAddress string        `xml:"privateIpAddress,omitempty" json:"PrivateIpAddress"`
	SourceDestCheck  bool          `xml:"sourceDestCheck"`
	Groups           []Group       `xml:"groupSet>item"`
	Attachment       *Attachment   `xml:"attachment"`
	Association      *Association  `xml:"association"`
	IPv6Addresses    []IPv6Address `xml:"ipv6AddressesSet>item" json:"Ipv6Addresses"`
	InterfaceType    string        `xml:"interfaceType"`
	Operator         Operator      `xml:"operator"`

	PrivateIPAddresses []PrivateAddress `xml:"privateIpAddressesSet>item" json:"PrivateIpAddresses"`
}

// NetworkInterface returns what an instance's description tells of an interface, in the
// form of the interface's own.
func (i *InstanceInterface) NetworkInterface() NetworkInterface {
	return NetworkInterface{
		ID: i.ID, SubnetID: i.SubnetID, VPCID: i.VPCID, Description: i.Description, OwnerID: i.OwnerID, Status: i.Status,
		MACAddress: i.MACAddress, PrivateIPAddress: i.PrivateIPAddress, SourceDestCheck: i.SourceDestCheck, Groups: i.Groups,
		Attachment: i.Attachment, Association: i.Association, PrivateIPAddresses: i.PrivateIPAddresses,
		IPv6Addresses: i.IPv6Addresses, InterfaceType: i.InterfaceType, Operator: i.Operator,
	}
}

// DescribeRegions is a request.
type DescribeRegions struct {
	DryRun      bool     `ec2:"DryRun"`
	RegionNames []string `ec2:"RegionName"`
	AllRegions  bool     `ec2:"AllRegions"`
	Filters     []Filter `ec2:"Filter"`
}

// DescribeRegionsAnswer is the answer.
type DescribeRegionsAnswer struct {
	XMLName xml.Name `xml:"DescribeRegionsResponse"`
	Common
	Regions []Region `xml:"regionInfo>item"`
}

// Region is a region as it is described.
type Region struct {
	Name        string `xml:"regionName"`
	Endpoint    string `xml:"regionEndpoint"`
	OptInStatus string `xml:"optInStatus"`
}

// DescribeAvailabilityZones is a request.
type DescribeAvailabilityZones struct {
	DryRun    bool     `ec2:"DryRun"`
	ZoneNames []string `ec2:"ZoneName"`
	ZoneIDs   []string `ec2:"ZoneId"`
	All       bool     `ec2:"AllAvailabilityZones"`
	Filters   []Filter `ec2:"Filter"`
}

// DescribeAvailabilityZonesAnswer is the answer.
type DescribeAvailabilityZonesAnswer struct {
	XMLName xml.Name `xml:"DescribeAvailabilityZonesResponse"`
	Common
	Zones []AvailabilityZone `xml:"availabilityZoneInfo>item"`
}

// AvailabilityZone is a zone as it is described.
type AvailabilityZone struct {
	Name               string `xml:"zoneName"`
	ID                 string `xml:"zoneId"`
	State              string `xml:"zoneState"`
	Region             string `xml:"regionName"`
	GroupName          string `xml:"groupName"`
	NetworkBorderGroup string `xml:"networkBorderGroup"`
	ZoneType           string `xml:"zoneType"`
	OptInStatus        string `xml:"optInStatus"`

	Messages []struct{} `xml:"messageSet>item"` // there are none
}

// DescribeTags is a request.
type DescribeTags struct {
	DryRun     bool     `ec2:"DryRun"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeTagsAnswer is the answer.
type DescribeTagsAnswer struct {
	XMLName xml.Name `xml:"DescribeTagsResponse"`
	Common
	Tags      []TagDescription `xml:"tagSet>item"`
	NextToken string           `xml:"nextToken,omitempty"`
}

// TagDescription is a tag and what has it.
type TagDescription struct {
	Key          string `xml:"key"`
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	Value        string `xml:"value"`
}
