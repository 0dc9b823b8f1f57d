// Package eni is what can be read from EC2's description of a network interface: its
// addresses, and which of Amazon's services it belongs to. Services put interfaces of
// theirs into a customer's VPC; who they belong to shows in the interface's type, in
// who asked for it, and in its description.
package eni

import (
	"regexp"
	"slices"
	"sync"

	"weir/internal/ec2"
)

// rule is how the interfaces of a service are told. One of the three is enough.
type rule struct {
	service     string
	types       []string       // interfaceType
	requesters  []string       // requesterId
	description *regexp.Regexp // nil if it has none of its own
	source      string
}

// Where the rules come from.
const (
	// Which types there are: internal/vpc has all of them, with their source.
	api = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html"
	// "To identify the network interfaces for a Network Load Balancer, look for
	// the name of the load balancer in the description field."
	nlb = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-monitoring.html, read 2026-11-24"
	// No page of Amazon's was found; these are descriptions and requesters in
	// Terraform exports of real accounts and in several inventory programs.
	seen = "public Terraform exports and inventory programs, searched 2026-11-24"
	// As seen, but in one place only, or from memory.
	guess = "a guess: seen once or remembered, 2026-11-24"
)

// rules are made when they are first asked for, not at every start of the program. They
// are tried in order, so that what is particular comes before what is general.
var rules = sync.OnceValue(func() []rule {
	return []rule{
		{"gwlb", []string{"gateway_load_balancer"}, nil, regexp.MustCompile(`^ELB gwy/`), api},
		{"nlb", []string{"network_load_balancer"}, nil, regexp.MustCompile(`^ELB net/`), nlb},
		{"alb", nil, nil, regexp.MustCompile(`^ELB app/`), seen},
		{"clb", nil, nil, regexp.MustCompile(`^ELB [A-Za-z0-9-]+$`), seen},
		{"elb", []string{"load_balancer"}, []string{"amazon-elb"}, nil, seen},
		{"nat", []string{"natGateway", "nat_gateway"}, nil, regexp.MustCompile(`^Interface for NAT Gateway nat-`), seen},
		{"tgw", []string{"transit_gateway"}, nil, regexp.MustCompile(`^Network Interface for Transit Gateway Attachment tgw-attach-`), seen},
		{"endpoint", []string{"vpc_endpoint", "gateway_load_balancer_endpoint"}, nil, regexp.MustCompile(`^VPC Endpoint Interface vpce-`), seen},
		{"lambda", []string{"lambda"}, nil, regexp.MustCompile(`^AWS Lambda VPC ENI[-:]`), seen},
		// Neptune and DocumentDB look like RDS.
		{"rds", nil, []string{"amazon-rds"}, regexp.MustCompile(`^(RDSNetworkInterface$|Network interface for DBProxy)`), seen},
		{"elasticache", nil, []string{"amazon-elasticache"}, regexp.MustCompile(`^ElastiCache `), seen},
		{"redshift", nil, []string{"amazon-redshift"}, regexp.MustCompile(`^Redshift`), seen},
		{"workspaces", nil, nil, regexp.MustCompile(`(?i)^Created By Amazon Workspaces for AWS Account ID `), seen},
		{"directory", nil, nil, regexp.MustCompile(`^AWS created network interface for directory d-`), seen},
		{"efs", []string{"efs"}, nil, regexp.MustCompile(`^(EFS mount target for fs-|Mount target fsmt-)`), seen},
		{"dms", nil, nil, regexp.MustCompile(`^DMSNetworkInterface$`), seen},
		{"ecs", nil, nil, regexp.MustCompile(`^arn:aws[a-z-]*:ecs:[^:]*:\d*:attachment/`), seen},
		{"eks", nil, nil, regexp.MustCompile(`(?i)^(Amazon EKS |aws-K8S-|aws-k8s-branch-eni$|aws-k8s-trunk-eni$)`), seen},
		{"codebuild", nil, nil, regexp.MustCompile(`^AWS CodeBuild`), seen},
		{"apigateway", []string{"api_gateway_managed"}, nil, regexp.MustCompile(`^ENI managed by APIGateway`), api},
		{"quicksight", []string{"quicksight"}, nil, nil, api},
		{"globalaccelerator", []string{"global_accelerator_managed"}, nil, nil, api},
		{"iot", []string{"iot_rules_managed"}, nil, nil, api},
		{"codestar", []string{"aws_codestar_connections_managed"}, nil, nil, api},
		{"opensearch", nil, []string{"amazon-opensearch", "amazon-elasticsearch"}, regexp.MustCompile(`^ES `), guess},
		{"fsx", nil, nil, regexp.MustCompile(`^(Created by Amazon FSx|FSx )`), guess},
		{"dax", nil, nil, regexp.MustCompile(`^DAX `), guess},
		{"cloudhsm", nil, nil, regexp.MustCompile(`^CloudHSM `), guess},
	}
})

// instance is the service of what is attached to an instance and has no other.
const instance = "ec2"

// balancers are what the name "elb" stands for as well.
var balancers = []string{"elb", "alb", "nlb", "gwlb", "clb"}

// Service returns the short name of the service that an interface belongs to, such
// as "rds"; "ec2" if it is an instance's, and "" if nothing tells.
func Service(i *ec2.NetworkInterface) string {
	for _, r := range rules() {
		if slices.Contains(r.types, i.InterfaceType) || slices.Contains(r.requesters, i.RequesterID) ||
			r.description != nil && r.description.MatchString(i.Description) {
			return r.service
		}
	}
	if i.Attachment != nil && i.Attachment.InstanceID != "" {
		return instance
	}
	return ""
}

// BelongsTo reports whether an interface is of a service; "elb" are all that balance
// load.
func BelongsTo(i *ec2.NetworkInterface, service string) bool {
	s := Service(i)
	return s == service || service == "elb" && slices.Contains(balancers, s)
}

// Services returns the names that [Service] knows, in alphabetical order.
func Services() []string {
	names := []string{instance}
	for _, r := range rules() {
		names = append(names, r.service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Addresses returns the addresses of an interface, its own before the public ones
// that stand for them: the primary IPv4 address first, each once.
func Addresses(i *ec2.NetworkInterface) []string {
	var own, public []string
	add := func(list *[]string, a string) {
		if a != "" && !slices.Contains(*list, a) {
			*list = append(*list, a)
		}
	}
	add(&own, i.PrivateIPAddress)
	if i.Association != nil {
		add(&public, i.Association.PublicIP)
	}
	for _, a := range i.PrivateIPAddresses {
		add(&own, a.PrivateIPAddress)
		if a.Association != nil {
			add(&public, a.Association.PublicIP)
		}
	}
	for _, a := range i.IPv6Addresses {
		add(&own, a.IPv6Address)
	}
	return append(own, public...)
}

// Tag returns the value of a tag, "" if there is none.
func Tag(tags []ec2.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
