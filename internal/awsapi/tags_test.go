package awsapi

import (
	"fmt"
	"strings"
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// tagsOf returns the tags of a resource as "key=value …".
func (b *bed) tagsOf(id string) string {
	b.t.Helper()
	var out []string
	for _, t := range ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "Filter.1.Name=resource-id&Filter.1.Value.1="+id).Tags {
		out = append(out, t.Key+"="+t.Value)
	}
	return strings.Join(out, " ")
}

func TestTags(t *testing.T) {
	b := newBed(t)
	log := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log+"&TagSpecification.1.ResourceType=vpc-flow-log&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=main").FlowLogIDs[0]
	for _, id := range []string{log, testVPC} { // whose Name is main in the model
		t.Run(id, func(t *testing.T) {
			b := *b
			b.t = t
			for _, tt := range []struct{ rule, action, query, want string }{
				{"what was there", "", "", "Name=main"},
				{"a new tag", "CreateTags", "Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b&Tag.2.Value=", "Name=main a=1 b="},
				{"a tag overwrites", "CreateTags", "Tag.1.Key=Name&Tag.1.Value=other&Tag.2.Key=a", "Name=other a= b="},
				{"another value stays", "DeleteTags", "Tag.1.Key=Name&Tag.1.Value=main", "Name=other a= b="},
				{"the empty value is a value", "DeleteTags", "Tag.1.Key=Name&Tag.1.Value=&Tag.2.Key=a&Tag.2.Value=", "Name=other b="},
				{"no value is any", "DeleteTags", "Tag.1.Key=Name&Tag.2.Key=unknown", "b="},
				{"it can come back", "CreateTags", "Tag.1.Key=Name&Tag.1.Value=back", "Name=back b="},
				{"no key is every", "DeleteTags", "", ""},
			} {
				if tt.action != "" {
					if status, body := b.call(tt.action, "ResourceId.1="+id+"&"+tt.query); status != 200 || !strings.Contains(body, "<return>true</return>") {
						t.Fatalf("%s: %d %s", tt.rule, status, body)
					}
				}
				if got := b.tagsOf(id); got != tt.want {
					t.Errorf("%s: %q, want %q", tt.rule, got, tt.want)
				}
			}
		})
		b.now = b.now.Add(60e9)
	}
}

func TestTagsAreChecked(t *testing.T) {
	b := newBed(t)
	of := "ResourceId.1=" + testENI
	many := of
	for i := range 51 {
		many += fmt.Sprintf("&Tag.%d.Key=k%d", i+1, i)
	}
	for _, tt := range []struct{ action, query, code, message string }{
		{"CreateTags", "Tag.1.Key=k", "MissingParameter", "The request must contain the parameter ResourceId"},
		{"CreateTags", of, "MissingParameter", "The request must contain the parameter Tag"},
		{"DeleteTags", "Tag.1.Key=k", "MissingParameter", "The request must contain the parameter ResourceId"},
		{"CreateTags", of + "&Tag.1.Key=aws:k", "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"},
		{"DeleteTags", of + "&Tag.1.Key=AWS:k", "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"},
		{"CreateTags", of + "&Tag.1.Value=v", "InvalidParameterValue", "Tag key cannot be null or empty"},
		{"CreateTags", of + "&Tag.1.Key=k&Tag.2.Key=k", "InvalidParameterValue", "Duplicate tag key 'k' specified."},
		{"CreateTags", many, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached."},
		{"CreateTags", "ResourceId.1=x&Tag.1.Key=k", "InvalidID", "The ID 'x' is not valid"},
		{"CreateTags", "ResourceId.1=vpc-1&Tag.1.Key=k", "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist"},
		{"DeleteTags", "ResourceId.1=subnet-1", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist"},
		{"DeleteTags", "ResourceId.1=eni-1", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-1' does not exist"},
		{"CreateTags", "ResourceId.1=i-1&Tag.1.Key=k", "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist"},
		{"CreateTags", "ResourceId.1=sgr-1&Tag.1.Key=k", "InvalidSecurityGroupRuleId.NotFound", "The security group rule ID 'sgr-1' does not exist"},
		{"CreateTags", "ResourceId.1=acl-1&Tag.1.Key=k", "InvalidNetworkAclID.NotFound", "The network acl ID 'acl-1' does not exist"},
		{"CreateTags", "ResourceId.1=rtb-1&Tag.1.Key=k", "InvalidID", "The ID 'rtb-1' is not valid"},
		{"CreateTags", "ResourceId.1=fl-1&Tag.1.Key=k", "InvalidFlowLogId.NotFound", "These flow log ids in the input list are not found: [TotalCount: 1] fl-1"},
	} {
		b.refused(tt.action, tt.query, 400, tt.code, tt.message)
	}
	b.refused("CreateTags", of+"&Tag.1.Key=k&DryRun=true", 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	ok[ec2.CreateTagsAnswer](b, "CreateTags", without(many, "Tag.51.Key"))
	ok[ec2.CreateTagsAnswer](b, "CreateTags", of+"&Tag.1.Key=k0&Tag.1.Value=again")
	b.refused("CreateTags", of+"&Tag.1.Key=k50", 400, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

func TestDescribeTags(t *testing.T) {
	b := newBed(t)
	ok[ec2.CreateTagsAnswer](b, "CreateTags", "ResourceId.1="+testSubnet+"&ResourceId.2="+testENI+"&Tag.1.Key=Team&Tag.1.Value=net&Tag.2.Key=Env&Tag.2.Value=prod")
	for _, tt := range []struct{ query, want string }{
		{"", testENI + " Env prod network-interface, " + testENI + " Team net network-interface, i-0123456789abcdef0 Team net instance, " +
			testSubnet + " Env prod subnet, " + testSubnet + " Team net subnet, " + testVPC + " Name main vpc"},
		{"Filter.1.Name=key&Filter.1.Value.1=E*", testENI + " Env prod network-interface, " + testSubnet + " Env prod subnet"},
		{"Filter.1.Name=value&Filter.1.Value.1=main", testVPC + " Name main vpc"},
		{"Filter.1.Name=resource-type&Filter.1.Value.1=instance", "i-0123456789abcdef0 Team net instance"},
		{"Filter.1.Name=tag:Team&Filter.1.Value.1=net&Filter.2.Name=resource-type&Filter.2.Value.1=subnet", testSubnet + " Team net subnet"},
	} {
		var got []string
		for _, x := range ok[ec2.DescribeTagsAnswer](b, "DescribeTags", tt.query).Tags {
			got = append(got, strings.Join([]string{x.ResourceID, x.Key, x.Value, x.ResourceType}, " "))
		}
		if g := strings.Join(got, ", "); g != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.query, g, tt.want)
		}
	}
	first := ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "MaxResults=5")
	if rest := ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "MaxResults=5&NextToken="+first.NextToken); len(first.Tags) != 5 || len(rest.Tags) != 1 || rest.NextToken != "" {
		t.Errorf("pages of %d and %d", len(first.Tags), len(rest.Tags))
	}
	// The network's own descriptions have them, too.
	status, body := b.call("DescribeSubnets", "Filter.1.Name=tag:Env&Filter.1.Value.1=prod")
	if status != 200 || !strings.Contains(body, testSubnet) {
		t.Errorf("%d %s", status, body)
	}
}

// TestTagsOfWhatIsNotInTheModel: rules of security groups and the ACL that a VPC has
// without a declaration have ids, and so tags.
func TestTagsOfWhatIsNotInTheModel(t *testing.T) {
	index := vpc.NewIndex(town())
	b := newBed(t, func(c *Config) { c.Model = func() *vpc.Index { return index } })
	rules := ok[ec2.DescribeSecurityGroupRulesAnswer](b, "DescribeSecurityGroupRules", "").Rules
	acls := ok[ec2.DescribeNetworkACLsAnswer](b, "DescribeNetworkAcls", "Filter.1.Name=default&Filter.1.Value.1=true&Filter.2.Name=vpc-id&Filter.2.Value.1="+prod).NetworkACLs
	if len(rules) == 0 || len(acls) != 1 || len(index.Network().NetworkACLs) == 0 {
		t.Fatalf("%d rules, %d network ACLs", len(rules), len(acls))
	}
	for _, tt := range []struct{ id, kind, describe string }{
		{rules[0].ID, "security-group-rule", "DescribeSecurityGroupRules"},
		{acls[0].ID, "network-acl", "DescribeNetworkAcls"},
	} {
		ok[ec2.CreateTagsAnswer](b, "CreateTags", "ResourceId.1="+tt.id+"&Tag.1.Key=Env&Tag.1.Value=prod&Tag.2.Key=Name&Tag.2.Value=n")
		if got := b.tagsOf(tt.id); got != "Env=prod Name=n" {
			t.Errorf("%s: %q", tt.id, got)
		}
		if status, body := b.call(tt.describe, "Filter.1.Name=tag:Env&Filter.1.Value.1=prod"); status != 200 || !strings.Contains(body, tt.id) || !strings.Contains(body, "<value>prod</value>") {
			t.Errorf("%s: %d %s", tt.describe, status, body)
		}
		list := ok[ec2.DescribeTagsAnswer](b, "DescribeTags", "Filter.1.Name=key&Filter.1.Value.1=Env&Filter.2.Name=resource-type&Filter.2.Value.1="+tt.kind).Tags
		if len(list) != 1 || list[0].ResourceID != tt.id {
			t.Errorf("of the type %s: %+v", tt.kind, list)
		}
		ok[ec2.DeleteTagsAnswer](b, "DeleteTags", "ResourceId.1="+tt.id+"&Tag.1.Key=Env")
		if got := b.tagsOf(tt.id); got != "Name=n" {
			t.Errorf("%s: %q after DeleteTags", tt.id, got)
		}
	}
}

// TestTagsOfAnInstance come from whatever interface of it has them, in DescribeTags
// as in DescribeInstances.
func TestTagsOfAnInstance(t *testing.T) {
	n := town()
	for _, i := range n.Interfaces {
		if i.ID == eth1 {
			i.InstanceTags = vpc.Tags{"Name": "by eth1", "Rack": "7"}
		}
	}
	index := vpc.NewIndex(n)
	b := newBed(t, func(c *Config) { c.Model = func() *vpc.Index { return index } })
	of := "ResourceId.1=" + machine
	for _, tt := range []struct{ rule, action, query, want string }{
		{"the primary interface's wins", "", "", "Name=web-1 Rack=7"},
		{"CreateTags adds", "CreateTags", of + "&Tag.1.Key=Team&Tag.1.Value=net", "Name=web-1 Rack=7 Team=net"},
		{"CreateTags wins", "CreateTags", of + "&Tag.1.Key=Name&Tag.1.Value=db", "Name=db Rack=7 Team=net"},
		{"DeleteTags takes those of any interface", "DeleteTags", of + "&Tag.1.Key=Rack&Tag.1.Value=7&Tag.2.Key=Name", "Team=net"},
	} {
		if tt.action != "" {
			if status, body := b.call(tt.action, tt.query); status != 200 {
				t.Fatalf("%s: %d %s", tt.rule, status, body)
			}
		}
		if got := b.tagsOf(machine); got != tt.want {
			t.Errorf("%s: DescribeTags has %q, want %q", tt.rule, got, tt.want)
		}
		var got []string
		for _, r := range ok[ec2.DescribeInstancesAnswer](b, "DescribeInstances", "InstanceId.1="+machine).Reservations {
			for _, tag := range r.Instances[0].Tags {
				got = append(got, tag.Key+"="+tag.Value)
			}
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("%s: DescribeInstances has %q, want %q", tt.rule, g, tt.want)
		}
	}
}
