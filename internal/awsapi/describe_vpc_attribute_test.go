package awsapi

import (
	"strings"
	"testing"

	"weir/internal/ec2"
)

func TestDescribeVPCAttribute(t *testing.T) {
	for attribute, element := range map[string]string{
		"enableDnsSupport": "enableDnsSupport", "enableDnsHostnames": "enableDnsHostnames",
		"enableNetworkAddressUsageMetrics": "enableNetworkAddressUsageMetrics",
	} {
		status, body := newBed(t).call("DescribeVpcAttribute", "VpcId="+testVPC+"&Attribute="+attribute)
		want := "<vpcId>" + testVPC + "</vpcId><" + element + "><value>false</value></" + element + "></DescribeVpcAttributeResponse>"
		if status != 200 || !strings.HasSuffix(body, want) {
			t.Errorf("%s: %d %s, want …%s", attribute, status, body, want)
		}
	}
	for _, tt := range []struct{ query, want string }{
		{"Attribute=enableDnsSupport", "MissingParameter: The request must contain the parameter VpcId"},
		{"VpcId=" + prod, "MissingParameter: The request must contain the parameter Attribute"},
		{"VpcId=" + prod + "&Attribute=cidr", "InvalidParameterValue: Value (cidr) for parameter attribute is invalid."},
		{"VpcId=vpc-x&Attribute=enableDnsSupport", "InvalidVpcID.NotFound: The vpc ID 'vpc-x' does not exist"},
	} {
		if got, err := call[ec2.DescribeVPCAttributeAnswer](t, townAPI(t), "DescribeVpcAttribute", tt.query); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %+v, %v, want %s", tt.query, got, err, tt.want)
		}
	}
}
