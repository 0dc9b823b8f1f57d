package names

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/ec2"
	"weir/internal/ec2client"
	"weir/internal/rows"
	"weir/record"
)

var _ API = (*ec2client.Client)(nil)

// write makes files and returns where they are.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t testing.TB, files map[string]string) *Book {
	t.Helper()
	b, err := Load([]string{write(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// at is a time of day of 2026-11-24.
func at(hour int) time.Time { return time.Date(2026, 11, 24, hour, 0, 0, 0, time.UTC) }

const interfaces = `{"NetworkInterfaces": [
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60001", "VpcId": "vpc-00000001", "InterfaceType": "interface",
   "Description": "Primary network interface", "PrivateIpAddress": "10.0.0.4",
   "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.4", "Association": {"PublicIp": "203.0.113.4"}}, {"PrivateIpAddress": "10.0.0.44"}],
   "Ipv6Addresses": [{"Ipv6Address": "2001:db8::4"}],
   "Attachment": {"InstanceId": "i-0a1b2c3d4e5f60001", "AttachTime": "2026-11-24T08:00:00+00:00"}, "TagSet": []},
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60002", "VpcId": "vpc-00000001", "InterfaceType": "interface",
   "RequesterId": "amazon-elb", "Description": "ELB app/shop/50dc6c495c0c9188", "PrivateIpAddress": "10.0.0.5", "TagSet": []},
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60003", "VpcId": "vpc-00000001", "InterfaceType": "nat_gateway",
   "Description": "Interface for NAT Gateway nat-0a1b2c3d4e5f60001", "PrivateIpAddress": "10.0.0.6", "TagSet": []},
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60004", "VpcId": "vpc-00000001", "InterfaceType": "lambda",
   "Description": "AWS Lambda VPC ENI-resize-images-3e9a6e9f-4b5c-4d6e-8f70-123456789abc", "PrivateIpAddress": "10.0.0.7", "TagSet": []},
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60005", "VpcId": "vpc-00000002", "InterfaceType": "interface",
   "Description": "", "PrivateIpAddress": "10.0.0.4", "TagSet": [{"Key": "Name", "Value": "other vpc"}]},
  {"NetworkInterfaceId": "eni-0a1b2c3d4e5f60006", "VpcId": "vpc-00000001", "InterfaceType": "interface",
   "Description": "", "PrivateIpAddress": "10.0.0.8", "Attachment": {"InstanceId": "i-0a1b2c3d4e5f60009"}, "TagSet": []}
]}`

const instances = `{"Reservations": [{"Instances": [
  {"InstanceId": "i-0a1b2c3d4e5f60001", "VpcId": "vpc-00000001", "Tags": [{"Key": "team", "Value": "a"}, {"Key": "Name", "Value": "web-1"}]},
  {"InstanceId": "i-0a1b2c3d4e5f60002", "VpcId": "vpc-00000001", "PrivateIpAddress": "10.0.0.9",
   "NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a1b2c3d4e5f60007", "PrivateIpAddress": "10.0.0.9",
     "Association": {"PublicIp": "203.0.113.9"}}], "Tags": [{"Key": "Name", "Value": "db\u0007-1"}]}
]}]}`

const networks = `{"Subnets": [{"SubnetId": "subnet-00000001", "VpcId": "vpc-00000001", "CidrBlock": "10.0.0.0/24",
  "Tags": [{"Key": "Name", "Value": "front"}]}]}
{"Vpcs": [{"VpcId": "vpc-00000001", "CidrBlock": "10.0.0.0/16", "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "100.64.0.0/16"}],
  "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/56"}]}]}`

const ranges = `{"syncToken": "1", "prefixes": [
  {"ip_prefix": "52.95.128.0/21", "region": "us-west-2", "service": "S3", "network_border_group": "us-west-2"},
  {"ip_prefix": "52.95.128.0/21", "region": "us-west-2", "service": "AMAZON"},
  {"ip_prefix": "52.95.0.0/16", "region": "GLOBAL", "service": "AMAZON"}],
 "ipv6_prefixes": [{"ipv6_prefix": "2600:1f18::/33", "region": "us-east-1", "service": "EC2"}]}`

const list = `name, address, from, until
# our own
printer,192.168.0.9
office,192.168.0.0/16
old laptop,192.168.0.7,,2026-11-24T12:00:00Z
new laptop,192.168.0.7,2026-11-24T12:00:00Z,
the gateway,eni-0a1b2c3d4e5f60003
`

func TestAddr(t *testing.T) {
	b := load(t, map[string]string{"eni-2026-11-24.json": interfaces, "ec2-2026-11-24.json": instances,
		"net-2026-11-24.json": networks, "ip-ranges.json": ranges, "own.csv": list, "ignored.txt": "nothing", "sg.json": `{"SecurityGroups": []}`})
	for _, tt := range []struct {
		vpc, addr string
		hour      int
		want      string // "" for none
	}{
		{"vpc-00000001", "10.0.0.4", 9, "web-1"},
		{"vpc-00000002", "10.0.0.4", 9, "other vpc"},
		{"", "10.0.0.4", 9, "subnet front"},             // two VPCs have it: it is no more than an address of a subnet
		{"vpc-00000001", "10.0.0.4", 7, "subnet front"}, // before it was attached nobody had it here
		{"vpc-00000003", "10.0.0.4", 9, "subnet front"}, // several could be meant
		{"", "10.0.0.44", 9, "web-1"},
		{"vpc-00000009", "203.0.113.4", 9, "web-1"},
		{"", "2001:db8::4", 9, "web-1"},
		{"", "::ffff:203.0.113.4", 9, "web-1"},
		{"", "10.0.0.5", 9, "alb shop"},
		{"", "10.0.0.6", 9, "nat nat-0a1b2c3d4e5f60001"},
		{"", "10.0.0.7", 9, "lambda resize-images"},
		{"", "10.0.0.8", 9, "i-0a1b2c3d4e5f60009"},
		{"", "10.0.0.9", 9, "db-1"},
		{"", "203.0.113.9", 9, "db-1"},
		{"", "10.0.0.77", 9, "subnet front"},
		{"", "10.0.7.7", 9, "vpc-00000001"},
		{"", "100.64.1.1", 9, "vpc-00000001"},
		{"", "2001:db8::77", 9, "vpc-00000001"},
		{"", "52.95.128.179", 9, "S3 us-west-2"},
		{"", "52.95.1.1", 9, "AMAZON"},
		{"", "2600:1f18::1", 9, "EC2 us-east-1"},
		{"", "192.168.0.9", 9, "printer"},
		{"", "192.168.0.8", 9, "office"},
		{"", "192.168.0.7", 11, "old laptop"},
		{"", "192.168.0.7", 12, "new laptop"},
		{"", "198.51.100.1", 9, ""},
	} {
		got, ok := b.AddrIn(tt.vpc, netip.MustParseAddr(tt.addr), at(tt.hour))
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s in %q at %d: got %q, %t, want %q", tt.addr, tt.vpc, tt.hour, got, ok, tt.want)
		}
	}
	for id, want := range map[string]string{
		"eni-0a1b2c3d4e5f60001": "web-1", "i-0a1b2c3d4e5f60001": "web-1", "eni-0a1b2c3d4e5f60002": "alb shop",
		"eni-0a1b2c3d4e5f60003": "the gateway", "eni-0a1b2c3d4e5f60007": "db-1", "subnet-00000001": "front", "eni-1": "",
	} {
		if got, ok := b.ID(id, at(9)); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %t, want %q", id, got, ok, want)
		}
	}
	if _, ok := (*Book)(nil).Addr(netip.MustParseAddr("10.0.0.4"), at(9)); ok {
		t.Error("no book knows a name")
	}
}

// An address that changed hands has the name that was seen last before the time, else
// the one that was seen first after it.
func TestChangedHands(t *testing.T) {
	one := func(name string) string {
		return fmt.Sprintf(`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-%s", "PrivateIpAddress": "10.0.0.4",
			"TagSet": [{"Key": "Name", "Value": %q}]}]}`, name, name)
	}
	b := load(t, map[string]string{"a-2026-11-24T06.json": "", "eni-20261124T060000Z.json": one("first"),
		"eni-2026-11-24T10-00.json": one("second"), "eni_20261124_1400.json": one("third")})
	for hour, want := range map[int]string{3: "first", 6: "first", 9: "first", 10: "second", 13: "second", 14: "third", 23: "third"} {
		if got, _ := b.Addr(netip.MustParseAddr("10.0.0.4"), at(hour)); got != want {
			t.Errorf("at %d: got %q, want %q", hour, got, want)
		}
	}
}

func TestAsOf(t *testing.T) {
	changed := at(1)
	for name, want := range map[string]time.Time{
		"eni.json": changed, "eni-2026-11-24.json": at(0), "20261124T10.json": at(0), "2026-11-24T10:15:00Z.json": at(10).Add(15 * time.Minute),
		"123456789012.json": changed, "eni-20261340.json": changed, "x-20261124-101500.json": at(10).Add(15 * time.Minute),
	} {
		if got := asOf("dir/"+name, changed); !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"a.csv", "a,10.0.0.1\nb,10.0.0.999\n", "a.csv: line 2: address \"10.0.0.999\": it is no address"},
		{"a.csv", "a\n", "a.csv: line 1: it has 1 fields"},
		{"a.csv", "\"a,10.0.0.1\n", "a.csv: line 1: extraneous or missing"},
		{"a.csv", ",10.0.0.1\n", "a.csv: line 1: name \"\": it is empty"},
		{"a.csv", "a,10.0.0.1,yesterday\n", "a.csv: line 1: from \"yesterday\": it is no time"},
		{"a.csv", "a,10.0.0.1,2026-11-24,2026-11-24\n", "a.csv: line 1: until \"2026-11-24\": it is not after"},
		{"a.csv", "a,10.0.0.1/8\n", "a.csv: line 1: address \"10.0.0.1/8\": the network is 10.0.0.0/8"},
		{"a.csv", "a\x1b[31m,10.0.0.1\n", "a.csv: line 1: name \"a\\x1b[31m\": it has characters"},
		{"a.csv", "a,fe80::1%eth0\n", "a.csv: line 1: address \"fe80::1%eth0\": it has a zone: leave out %eth0"},
		{"a.csv", "a,::ffff:10.0.0.0/104\n", "a.csv: line 1: address \"::ffff:10.0.0.0/104\": it is IPv4 as IPv6"},
		{"a.csv", strings.Repeat("a", 255) + ",10.0.0.1\n" + strings.Repeat("a", 256) + ",10.0.0.2\n", "a.csv: line 2: name \"" + strings.Repeat("a", 40) + "\": it is longer than 255 bytes"},
		{"a.csv", "a\xff,10.0.0.1\n", "a.csv: line 1: name \"a\\xff\": it is not UTF-8"},
		{"a.json", "{\"NetworkInterfaces\": [\n{\"NetworkInterfaceId\": \"eni-1\"},\n{\"PrivateIpAddress\": \"10.0.0.999\"}]}",
			"a.json: line 3: NetworkInterfaces[1].PrivateIpAddress \"10.0.0.999\": it is no address"},
		{"a.json", "{\"NetworkInterfaces\": [\n{\"PrivateIpAddress\": 7}]}", "a.json: line 2: NetworkInterfaces[0].PrivateIpAddress: it is a JSON number"},
		{"a.json", "{\"NetworkInterfaces\": [\n\n{\"PrivateIpAddress\": }]}", "a.json: line 3: NetworkInterfaces[0].invalid character"},
		{"a.json", "{\"NetworkInterfaces\": [\n{}", "a.json: line 2: NetworkInterfaces: the JSON is cut short"},
		{"a.json", "{\"NetworkInterfaces\": 7}", "a.json: line 1: NetworkInterfaces is no list"},
		{"a.json", "{\"Subnets\": [{\"CidrBlock\": \"10.0.0.0\"}]}", "a.json: line 1: Subnets[0].CidrBlock \"10.0.0.0\": it is no network"},
		{"a.json", "{\"Reservations\": [{\"Instances\": [{}, {\"PublicIpAddress\": \"x\"}]}]}",
			"a.json: line 1: Reservations[0].Instances[1].PublicIpAddress \"x\": it is no address"},
		{"a.json", "{\"Reservations\": [{\"Instances\": [{\"NetworkInterfaces\": [{}, {\"Attachment\": {\"AttachTime\": \"noon\"}}]}]}]}",
			"a.json: line 1: Reservations[0].Instances[0].NetworkInterfaces[1].Attachment.AttachTime \"noon\": it is no time such as 2026-11-24T10:15:00Z"},
		{"a.json", "{\"prefixes\": [{\"ip_prefix\": \"::ffff:10.0.0.0/104\"}]}", "a.json: line 1: prefixes[0].ip_prefix \"::ffff:10.0.0.0/104\": it is IPv4 as IPv6"},
		{"a.json", "{\"prefixes\": [{\"ip_prefix\": \"x\"}]}", "a.json: line 1: prefixes[0].ip_prefix \"x\": it is no network"},
		{"a.json", "{\"SecurityGroups\": []}", "a.json: it is nothing that has names"},
		{"a.json", "{\"Vpcs\": []} ]", "a.json: line 1: there is more after the end"},
		{"a.csv", "", "a.csv: it is nothing that has names"},
	} {
		path := filepath.Join(write(t, map[string]string{tt.file: tt.text}), tt.file)
		_, err := Load([]string{path})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	if _, err := Load([]string{write(t, map[string]string{"a.txt": "x"})}); err == nil {
		t.Error("a directory without names is no error")
	}
}

// TestTooLong has a file of a byte more than one may have; it has a hole, and no disk.
func TestTooLong(t *testing.T) {
	path := filepath.Join(write(t, map[string]string{"a.csv": ""}), "a.csv")
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{path})
	want := "read " + path + ": it has 536870913 bytes, more than the 536870912 that a file of names may have: split it"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

type fake struct{}

func (fake) Instances(context.Context, []string, ...ec2.Filter) ([]ec2.Instance, error) {
	return []ec2.Instance{{ID: "i-0001", VPCID: "vpc-1", Tags: []ec2.Tag{{Key: "Name", Value: "web"}}}}, nil
}

func (fake) NetworkInterfaces(context.Context, []string, ...ec2.Filter) ([]ec2.NetworkInterface, error) {
	return []ec2.NetworkInterface{{ID: "eni-0001", VPCID: "vpc-1", PrivateIPAddress: "10.0.0.4",
		Association: &ec2.Association{PublicIP: "203.0.113.4"}, Attachment: &ec2.Attachment{InstanceID: "i-0001"}}}, nil
}

func (fake) Subnets(context.Context, []string, ...ec2.Filter) ([]ec2.Subnet, error) {
	return []ec2.Subnet{{ID: "subnet-0001", VPCID: "vpc-1", CIDRBlock: "10.0.0.0/24"}}, nil
}

func (fake) VPCs(context.Context, []string, ...ec2.Filter) ([]ec2.VPC, error) {
	return []ec2.VPC{{ID: "vpc-1", CIDRBlock: "10.0.0.0/16", Tags: []ec2.Tag{{Key: "Name", Value: "prod"}}}}, nil
}

func TestAsk(t *testing.T) {
	b, err := Ask(t.Context(), fake{}, at(9))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"10.0.0.4": "web", "203.0.113.4": "web", "10.0.0.5": "subnet-0001", "10.0.1.1": "vpc prod"} {
		if got, _ := b.Addr(netip.MustParseAddr(addr), at(9)); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
	}
}

// wrong is an EC2 that describes one thing wrongly.
type wrong struct {
	instance ec2.Instance
	iface    ec2.NetworkInterface
	subnet   ec2.Subnet
	vpc      ec2.VPC
}

func (w wrong) Instances(context.Context, []string, ...ec2.Filter) ([]ec2.Instance, error) {
	return []ec2.Instance{w.instance}, nil
}

func (w wrong) NetworkInterfaces(context.Context, []string, ...ec2.Filter) ([]ec2.NetworkInterface, error) {
	return []ec2.NetworkInterface{w.iface}, nil
}

func (w wrong) Subnets(context.Context, []string, ...ec2.Filter) ([]ec2.Subnet, error) {
	return []ec2.Subnet{w.subnet}, nil
}

func (w wrong) VPCs(context.Context, []string, ...ec2.Filter) ([]ec2.VPC, error) {
	return []ec2.VPC{w.vpc}, nil
}

func TestWrongAnswers(t *testing.T) {
	good := wrong{instance: ec2.Instance{ID: "i-1"}, iface: ec2.NetworkInterface{ID: "eni-1"},
		subnet: ec2.Subnet{ID: "subnet-1", CIDRBlock: "10.0.0.0/24"}, vpc: ec2.VPC{ID: "vpc-1", CIDRBlock: "10.0.0.0/16"}}
	if _, err := Ask(t.Context(), good, at(9)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		spoil func(*wrong)
		want  string
	}{
		{func(w *wrong) { w.instance.PrivateIPAddress = "x" }, `DescribeInstances: i-1: PrivateIpAddress "x": it is no address`},
		{func(w *wrong) { w.iface.PrivateIPAddress = "x" }, `DescribeNetworkInterfaces: eni-1: PrivateIpAddress "x": it is no address`},
		{func(w *wrong) { w.iface.Attachment = &ec2.Attachment{AttachTime: "noon"} },
			`DescribeNetworkInterfaces: eni-1: Attachment.AttachTime "noon": it is no time such as 2026-11-24T10:15:00Z`},
		{func(w *wrong) { w.subnet.CIDRBlock = "x" }, `DescribeSubnets: subnet-1: CidrBlock "x": it is no network`},
		{func(w *wrong) { w.vpc.CIDRBlock = "x" }, `DescribeVpcs: vpc-1: CidrBlock "x": it is no network`},
	} {
		w := good
		tt.spoil(&w)
		if _, err := Ask(t.Context(), w, at(9)); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestTags(t *testing.T) {
	f, err := record.ParseFormat("interface-id instance-tag interface-tag ecs-service-name")
	if err != nil {
		t.Fatal(err)
	}
	var tags Tags
	var got []string
	for range 2 { // the second time from the cache
		err = new(rows.Splitter).Split([]byte("eni-1 web%201 - svc\neni-1 web db svc\neni-1 - - svc\neni-1 - - -\neni-1 100%25%1B - -\n"), 5, f, 1, func(b *rows.Batch) error {
			for row := range b.Rows {
				name, ok := tags.Name(b, row)
				got = append(got, fmt.Sprint(name, ok))
			}
			return nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	const want = "web 1true dbtrue svctrue false 100%true"
	if s := strings.Join(got, " "); s != want+" "+want {
		t.Errorf("got %s", s)
	}
}

// FuzzRead: whatever a file holds, reading it ends, and what was read can be asked.
func FuzzRead(f *testing.F) {
	for _, s := range []string{interfaces, instances, networks, ranges, list, "", "{", `{"Addresses": [{"PublicIp": "203.0.113.4", "Tags": [{"Key": "Name", "Value": "x"}]}]}`,
		`{"NatGateways": [{"NatGatewayId": "nat-0001", "NatGatewayAddresses": [{"PublicIp": "203.0.113.4", "PrivateIp": "10.0.0.4"}]}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := loader{book: newBook(), instances: map[string]string{}}
		err := l.read([]byte(text), at(9))
		l.finish()
		b := l.book
		if err != nil {
			return
		}
		for a, list := range b.addrs {
			for _, e := range list {
				if e.name == "" || checkName(e.name) != nil && len(e.name) <= 255 {
					t.Errorf("%v has the name %q", a, e.name)
				}
			}
			if name, ok := b.Addr(a, at(9)); ok && name == "" {
				t.Errorf("%v has no name, and has one", a)
			}
		}
		for p := range b.networks.All() {
			b.Addr(p.Addr(), at(9))
		}
	})
}

func BenchmarkAddr(b *testing.B) {
	book := load(b, map[string]string{"eni.json": interfaces, "net.json": networks, "ip-ranges.json": ranges, "own.csv": list})
	for _, addr := range []string{"10.0.0.5", "10.0.0.77", "52.95.128.179", "198.51.100.1"} {
		a, now := netip.MustParseAddr(addr), at(9)
		b.Run(addr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				book.Addr(a, now)
			}
		})
	}
}

// TestOwnTwice has two names for one thing in lists of the user's own: the later counts.
func TestOwnTwice(t *testing.T) {
	b := load(t, map[string]string{
		"a.csv": "first,10.0.0.1\nsecond,10.0.0.1\nfirst,10.0.0.0/24\nsecond,10.0.0.0/24\nfirst,eni-0a1b\nsecond,eni-0a1b\nthird,10.0.0.3\n",
		"b.csv": "fourth,10.0.0.3\n",
		"c.json": `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a1b", "VpcId": "vpc-00000001", "PrivateIpAddress": "10.0.0.1",
			"TagSet": [{"Key": "Name", "Value": "described"}]}]}`,
	})
	for addr, want := range map[string]string{"10.0.0.1": "second", "10.0.0.2": "second", "10.0.0.3": "fourth"} {
		if got, _ := b.Addr(netip.MustParseAddr(addr), at(12)); got != want {
			t.Errorf("%s is %q, want %q", addr, got, want)
		}
	}
	if got, _ := b.ID("eni-0a1b", at(12)); got != "second" {
		t.Errorf("the interface is %q, want second", got)
	}
}
