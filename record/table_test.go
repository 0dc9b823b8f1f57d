package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Amazon's strings, as its documentation and API give them.
const (
	defaultString = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
	tgwString     = "${version} ${resource-type} ${account-id} ${tgw-id} ${tgw-attachment-id} ${tgw-src-vpc-account-id} ${tgw-dst-vpc-account-id} ${tgw-src-vpc-id} ${tgw-dst-vpc-id} ${tgw-src-subnet-id} ${tgw-dst-subnet-id} ${tgw-src-eni} ${tgw-dst-eni} ${tgw-src-az-id} ${tgw-dst-az-id} ${tgw-pair-attachment-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${log-status} ${type} ${packets-lost-no-route} ${packets-lost-blackhole} ${packets-lost-mtu-exceeded} ${packets-lost-ttl-expired} ${tcp-flags} ${region} ${flow-direction} ${pkt-src-aws-service} ${pkt-dst-aws-service}"
	allHeader     = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type"
)

func TestFieldCountsByVersion(t *testing.T) {
	got := map[int]int{}
	for _, f := range AllFields() {
		got[f.Version()]++
	}
	want := map[int]int{2: 14, 3: 7, 4: 4, 5: 4, 6: 18, 7: 10, 8: 1, 9: 1, 10: 1, 11: 12}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields by version (-want +got):\n%s", diff)
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	seen := map[string]Field{}
	for _, f := range AllFields() {
		if f.Name() == "" || f.Doc() == "" || f.AbsentWhen() == "" {
			t.Errorf("field %d lacks a name, a meaning or when it is absent", f)
		}
		if g, ok := seen[f.Name()]; ok {
			t.Errorf("fields %d and %d are both named %s", f, g, f.Name())
		}
		seen[f.Name()] = f
		if got, ok := FieldByName(f.Name()); got != f || !ok {
			t.Errorf("FieldByName(%q) = %v, %v", f.Name(), got, ok)
		}
		if !f.InVPC() && !f.InTransitGateway() {
			t.Errorf("%s is in no kind of flow log", f)
		}
		if (f.Version() == 6) == f.InVPC() {
			t.Errorf("%s: version %d, in VPC flow logs %v", f, f.Version(), f.InVPC())
		}
		if got, want := f.Max() > 0, f.Type() != String; got != want {
			t.Errorf("%s of type %v: Max is %d", f, f.Type(), f.Max())
		}
	}
	if got := None.Name() + None.Doc() + Field(200).Name(); got != "" {
		t.Errorf("what is not a field is described as %q", got)
	}
}

// TestParquetColumns holds the integer columns Amazon documents; all others are
// strings.
func TestParquetColumns(t *testing.T) {
	got := map[string]string{}
	var never []string
	for _, f := range AllFields() {
		if f.Type() != String {
			got[f.Column()] = f.Type().String()
		}
		if !f.Nullable() {
			never = append(never, f.Column())
		}
	}
	want := map[string]string{
		"version": "INT_32", "srcport": "INT_32", "dstport": "INT_32", "protocol": "INT_32", "tcp_flags": "INT_32",
		"traffic_path": "INT_32", "encryption_status": "INT_32",
		"packets": "INT_64", "bytes": "INT_64", "start": "INT_64", "end": "INT_64",
		"packets_lost_no_route": "INT_64", "packets_lost_blackhole": "INT_64",
		"packets_lost_mtu_exceeded": "INT_64", "packets_lost_ttl_expired": "INT_64",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("integer columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"version", "start", "end", "log_status"}, never); diff != "" {
		t.Errorf("columns that are never absent (-want +got):\n%s", diff)
	}
	if got := String.String(); got != "STRING" {
		t.Errorf("String is written %q", got)
	}
	if got, want := NextHopInterfaceID.Column(), "next_hop_interface_id"; got != want {
		t.Errorf("Column = %q, want %q", got, want)
	}
}

func TestFieldByNameIsExact(t *testing.T) {
	for _, name := range []string{"", "account_id", "accountId", "Version", "x-rule", strings.Repeat("version", 20)} {
		if f, ok := FieldByName(name); ok {
			t.Errorf("FieldByName(%q) = %v, want none", name, f)
		}
	}
}

func TestValuesIsACopy(t *testing.T) {
	Action.Values()[0] = "changed"
	if got := Action.Values()[0]; got != "ACCEPT" {
		t.Errorf("the caller changed the table: %q", got)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		flags Flags
		want  string
	}{
		{0, "none"},
		{1, "FIN"},
		{2, "SYN"},
		{4, "RST"},
		{18, "SYN-ACK"},
		{3, "SYN,FIN"},
		{19, "SYN-ACK,FIN"},
		{6, "SYN,RST"},
		{23, "SYN-ACK,FIN,RST"},
		{16, "ACK"},         // transit gateway
		{24, "PSH,ACK"},     // transit gateway
		{32 + 1, "FIN,URG"}, // transit gateway
		{192, "ECE,CWR"},
	} {
		if got := tt.flags.String(); got != tt.want {
			t.Errorf("Flags(%d) = %q, want %q", uint8(tt.flags), got, tt.want)
		}
	}
	if got := Flags(0).Names(); len(got) != 0 {
		t.Errorf("no flags have names %q", got)
	}
}
