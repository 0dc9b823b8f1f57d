package described

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/internal/awsapi"
	"weir/internal/ec2"
	"weir/internal/ec2client"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// town is a configuration with some of every kind of rule.
const town = "../../e2e/clients/network.yaml"

// served serves the API of the network in a configuration, and makes the environment that
// of a client of it.
func served(t *testing.T, config string) (n *vpc.Network, url string) {
	t.Helper()
	n, _, err := Load([]string{config})
	if err != nil {
		t.Fatal(err)
	}
	index := vpc.NewIndex(*n)
	api, err := awsapi.New(awsapi.Config{
		Account: n.AccountID, Region: n.Region,
		Keys: func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Secret: "secret"}, id == "AKIDEXAMPLE" },
		Logs: flowlog.NewStore(kvtest.New(), kvtest.New()), Model: func() *vpc.Index { return index },
		Tags: kvtest.New(), Tokens: kvtest.New(), S3: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_ENDPOINT_URL": server.URL,
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": n.Region, "AWS_DEFAULT_REGION": n.Region,
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	return n, server.URL
}

// sameRules compares what a network has of rules: each with one peer, in one order,
// without ids, which the configuration does not have.
func sameRules(t *testing.T, got, want *vpc.Network) {
	t.Helper()
	rules := func(group string, all []vpc.SecurityGroupRule) []vpc.SecurityGroupRule {
		out := single(all)
		for n := range out {
			out[n].ID = ""
		}
		slices.SortFunc(out, func(a, b vpc.SecurityGroupRule) int {
			return cmp.Compare(fmt.Sprint(keyOf(group, false, &a)), fmt.Sprint(keyOf(group, false, &b)))
		})
		return out
	}
	if len(got.SecurityGroups) != len(want.SecurityGroups) || len(want.SecurityGroups) == 0 {
		t.Fatalf("%d security groups, want %d", len(got.SecurityGroups), len(want.SecurityGroups))
	}
	for _, w := range want.SecurityGroups {
		g := got.SecurityGroups[slices.IndexFunc(got.SecurityGroups, func(g vpc.SecurityGroup) bool { return g.ID == w.ID })]
		g.Ingress, w.Ingress = rules(g.ID, g.Ingress), rules(g.ID, w.Ingress)
		g.Egress, w.Egress = rules(g.ID, g.Egress), rules(g.ID, w.Egress)
		same(t, w.Name, g, w)
	}
	for _, w := range want.NetworkACLs {
		a := got.NetworkACLs[slices.IndexFunc(got.NetworkACLs, func(a vpc.NetworkACL) bool { return a.ID == w.ID })]
		a.Name = w.Name // an ACL has no name at EC2
		same(t, w.Name, a, w)
	}
	for _, w := range want.Subnets {
		s := got.Subnets[slices.IndexFunc(got.Subnets, func(s vpc.Subnet) bool { return s.ID == w.ID })]
		if s.NetworkACLID != w.NetworkACLID && w.NetworkACLID != "" || s.NetworkACLID == "" {
			t.Errorf("%s has the network ACL %q, want %q", w.ID, s.NetworkACLID, w.NetworkACLID)
		}
		same(t, w.ID, s.CIDRs, w.CIDRs)
	}
	for n, w := range want.Interfaces {
		i := got.Interfaces[n]
		same(t, w.ID, []any{i.ID, i.VPCID, i.SubnetID, i.Addrs, i.SecurityGroups, i.InstanceID, i.Tags},
			[]any{w.ID, w.VPCID, w.SubnetID, w.Addrs, w.SecurityGroups, w.InstanceID, w.Tags})
		if w.InstanceTags != nil { // another interface of the instance may say it
			same(t, w.ID, i.InstanceTags, w.InstanceTags)
		}
	}
}

// identified fails if a rule has no id.
func identified(t *testing.T, n *vpc.Network) {
	t.Helper()
	for _, g := range n.SecurityGroups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			if !strings.HasPrefix(r.ID, "sgr-") {
				t.Errorf("a rule of %s has no id: %+v", g.ID, r)
			}
		}
	}
}

func TestAskOwnAPI(t *testing.T) {
	want, _ := served(t, town)
	c, err := ec2client.New(t.Context(), ec2client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, missing, err := Ask(t.Context(), c)
	if err != nil || len(missing) > 0 {
		t.Fatalf("missing %q, %v", missing, err)
	}
	sameRules(t, got, want)
	identified(t, got)
}

// TestAWSCLI saves what the AWS CLI prints of our API and loads that.
func TestAWSCLI(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: the AWS CLI takes seconds to start")
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED: no aws-cli on this machine; install awscli")
	}
	want, url := served(t, town)
	dir := t.TempDir()
	for _, what := range []string{"security-groups", "security-group-rules", "network-acls", "network-interfaces", "subnets", "vpcs", "instances"} {
		cmd := exec.Command(path, "ec2", "describe-"+what, "--endpoint-url", url, "--output", "json")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("aws ec2 describe-%s: %v: %s", what, err, stderr.String())
		}
		if err := os.WriteFile(filepath.Join(dir, what+".json"), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, missing, err := Load([]string{dir})
	if err != nil || len(missing) > 0 {
		t.Fatalf("missing %q, %v", missing, err)
	}
	sameRules(t, got, want)
	identified(t, got)
}

// scripted is an API with prefix lists, which does not know some calls.
type scripted struct {
	*ec2client.Client
	lists, entries error
}

func (s *scripted) SecurityGroups(context.Context, []string, ...ec2.Filter) ([]ec2.SecurityGroup, error) {
	return []ec2.SecurityGroup{{ID: "sg-1", Egress: []ec2.IPPermission{{Protocol: "-1", PrefixIDs: []ec2.PrefixListID{{ID: "pl-1"}, {ID: "pl-2"}}}}}}, nil
}

func (s *scripted) SecurityGroupRules(context.Context, []string, ...ec2.Filter) ([]ec2.SecurityGroupRule, error) {
	return nil, ec2.InvalidAction.With("DescribeSecurityGroupRules")
}

func (s *scripted) PrefixLists(context.Context) ([]ec2.PrefixList, error) {
	return []ec2.PrefixList{{ID: "pl-1", Name: "office"}}, s.lists
}

func (s *scripted) PrefixListEntries(_ context.Context, id string) ([]ec2.PrefixListEntry, error) {
	if id == "pl-2" {
		return nil, &ec2.Error{Code: "InvalidPrefixListID.NotFound"}
	}
	return []ec2.PrefixListEntry{{CIDR: "192.0.2.0/24"}}, s.entries
}

func TestAskPrefixLists(t *testing.T) {
	served(t, town)
	c, err := ec2client.New(t.Context(), ec2client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, missing, err := Ask(t.Context(), &scripted{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "prefix lists", n.PrefixLists, []vpc.PrefixList{{ID: "pl-1", Name: "office", CIDRs: p("192.0.2.0/24")}})
	text := strings.Join(missing, "\n")
	for _, want := range []string{"prefix list pl-2 is referred to", "does not know DescribeSecurityGroupRules"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing is %q, want %q", missing, want)
		}
	}
	unknown := ec2.InvalidAction.With("x")
	if n, missing, err = Ask(t.Context(), &scripted{c, unknown, unknown}); err != nil || len(n.PrefixLists) > 0 || !strings.Contains(strings.Join(missing, "\n"), "GetManagedPrefixListEntries") {
		t.Errorf("of an API that knows no prefix lists: %+v, %q, %v", n.PrefixLists, missing, err)
	}
	denied := &ec2.Error{Code: "UnauthorizedOperation"}
	if _, _, err = Ask(t.Context(), &scripted{Client: c, entries: denied}); err == nil {
		t.Error("that nobody may ask is no error")
	}
}
