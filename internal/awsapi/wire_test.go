package awsapi

import (
	"bufio"
	"encoding/xml"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// wireDir has requests as Amazon's clients have sent them, which are not ours to copy.
const wireDir = "../../../shared/data/clients/wire"

// recorded reads a request that a client has sent.
func recorded(t *testing.T, file string) (*http.Request, string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(raw), "\n\n")
	body, _, _ = strings.Cut(body, "\n") // what follows explains it
	first, rest, _ := strings.Cut(head, "\n")
	if !strings.Contains(first, "HTTP/") {
		first += " HTTP/1.1"
	}
	text := strings.ReplaceAll(first+"\n"+rest, "\n", "\r\n") + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r, body
}

// wireBed has what the recorded requests are about, and their key.
func wireBed(t *testing.T, file string) *bed {
	secret := "x"
	if client, _, _ := strings.Cut(filepath.Base(file), "-"); client == "awscli" || client == "boto3" {
		secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
	}
	index := vpc.NewIndex(vpc.Network{
		VPCs:       []vpc.VPC{{ID: "vpc-1"}, {ID: "vpc-2"}, {ID: "vpc-4f1fc7e03f9dde201"}},
		Subnets:    []vpc.Subnet{{ID: "subnet-56aecc13018522bbf"}},
		Interfaces: []*vpc.Interface{{ID: "eni-1"}},
	})
	b := newBed(t, func(c *Config) {
		c.Keys = func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Secret: secret}, true }
		c.Model = func() *vpc.Index { return index }
	})
	for _, id := range []string{"fl-1", "fl-2", "fl-6ccb414501e5bc3fb", "fl-3863fc2f38e4187c2"} {
		f := flowlog.FlowLog{ID: id, Params: flowlog.Params{ResourceID: id, DestinationType: flowlog.S3}}
		if err := b.cfg.Logs.Create(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestRecordedClients answers what clients of Amazon's have sent.
func TestRecordedClients(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(wireDir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("SKIPPED: no recorded requests in %s: NOTHING of real clients is tested", wireDir)
	}
	refusals := map[string]string{ // by client and number: these leave out what is required
		"awscli-1.45.11-CreateFlowLogs-3": "MissingParameter", "awscli-2.9.19-CreateFlowLogs-3": "MissingParameter",
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			b := wireBed(t, file)
			r, body := recorded(t, file)
			sig, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			b.now = sig.Time
			status, answer := b.serve(r)
			if want, refused := refusals[name]; refused {
				if e := ec2.ParseError(status, []byte(answer)); e.Code != want {
					t.Errorf("%s\n%d %s, want %s", body, status, answer, want)
				}
				return
			}
			var got struct {
				FlowLogIDs   []string `xml:"flowLogIdSet>item"`
				Unsuccessful []string `xml:"unsuccessful>item"`
			}
			if err := xml.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK || len(got.Unsuccessful) > 0 {
				t.Fatalf("%s\n%d %s %v", body, status, answer, err)
			}
			if strings.Contains(name, "Create") && len(got.FlowLogIDs) != strings.Count("&"+body, "&ResourceId.") {
				t.Errorf("%s\n%s", body, answer)
			}
		})
	}
}
