package awsapi

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"testing"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// metropolis has n interfaces in 100 subnets, each on an instance of its own, with
// two tags and a group.
func metropolis(n int) *vpc.Index {
	net := town()
	net.Interfaces, net.Subnets = nil, nil
	for s := range 100 {
		net.Subnets = append(net.Subnets, vpc.Subnet{
			ID: fmt.Sprintf("subnet-%017x", s), AccountID: account, VPCID: prod, Zone: net.Zones[s%2],
			CIDRs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(s), 0, 0}), 16)},
		})
	}
	for i := range n {
		net.Interfaces = append(net.Interfaces, &vpc.Interface{
			ID: fmt.Sprintf("eni-%017x", i), AccountID: account, Region: net.Region, VPCID: prod, SubnetID: net.Subnets[i%100].ID,
			AZID: net.Zones[i%2].ID, InstanceID: fmt.Sprintf("i-%017x", i), MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8&255, i&255),
			Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i % 100), byte(i >> 8), byte(i)})}, SecurityGroups: []string{webGroup},
			Tags: vpc.Tags{"Name": fmt.Sprint("host-", i), "role": "frontend"}, Device: vpc.Device{Name: "eth0", Index: i + 1},
		})
	}
	return vpc.NewIndex(net)
}

// manyInterfaces is how many a description has to be fast with.
const manyInterfaces = 10_000

var describeQueries = []struct{ name, action, query string }{
	{"ID", "DescribeNetworkInterfaces", "NetworkInterfaceId.1=eni-0000000000000000a"},
	{"Address", "DescribeNetworkInterfaces", "Filter.1.Name=addresses.private-ip-address&Filter.1.Value.1=10.7.0.7"},
	{"Subnet", "DescribeNetworkInterfaces", "Filter.1.Name=subnet-id&Filter.1.Value.1=subnet-00000000000000007"},
	{"Tag", "DescribeNetworkInterfaces", "Filter.1.Name=tag:Name&Filter.1.Value.1=host-77*"},
	{"Page", "DescribeNetworkInterfaces", "MaxResults=1000&Filter.1.Name=tag-key&Filter.1.Value.1=role"},
	{"Instance", "DescribeInstances", "Filter.1.Name=network-interface.tag-value&Filter.1.Value.1=host-7"},
	{"All", "DescribeNetworkInterfaces", ""},
}

// BenchmarkDescribe is what a call costs among 10 000 interfaces, the answer's XML
// with it.
func BenchmarkDescribe(b *testing.B) {
	x := metropolis(manyInterfaces)
	a := townAPI(b)
	a.cfg.Model = func() *vpc.Index { return x }
	for _, q := range describeQueries {
		params, err := url.ParseQuery(q.query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				describeOnce(b, a, q.action, params)
			}
		})
	}
}

func describeOnce(tb testing.TB, a *API, action string, params url.Values) []byte {
	answer, err := a.actions[action].run(a, context.Background(), params)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := ec2.AppendAnswer(nil, answer, "request")
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// BenchmarkChanged is what the first call costs after a change of the network.
func BenchmarkChanged(b *testing.B) {
	one, other := metropolis(manyInterfaces), metropolis(manyInterfaces)
	a := townAPI(b)
	a.cfg.Model = func() *vpc.Index { return one }
	for _, q := range describeQueries {
		if q.name == "All" || q.name == "Page" {
			continue
		}
		params, err := url.ParseQuery(q.query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				one, other = other, one
				describeOnce(b, a, q.action, params)
			}
		})
	}
}
