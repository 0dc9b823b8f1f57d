package awsapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/kv/kvtest"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

const (
	testVPC    = "vpc-0123456789abcdef0"
	testSubnet = "subnet-0123456789abcdef0"
	testENI    = "eni-0123456789abcdef0"
	testRole   = "arn:aws:iam::123456789012:role/r"
	crossRole  = "arn:aws:iam::123456789012:role/AWSLogDeliveryFirehoseCrossAccountRole"
)

var testKey = sigv4.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "secret"}

// A bed is an API over a small network, and a clock that only tests move.
type bed struct {
	t      *testing.T
	api    *API
	cfg    Config
	now    time.Time
	tags   *kvtest.Memory
	tokens *kvtest.Memory
	s3     int // requests that were handed on
}

func newBed(t *testing.T, changes ...func(*Config)) *bed {
	b := &bed{t: t, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), tags: kvtest.New(), tokens: kvtest.New()}
	index := vpc.NewIndex(vpc.Network{
		AccountID: "123456789012", Region: "us-east-1",
		VPCs:    []vpc.VPC{{ID: testVPC, AccountID: "123456789012", Tags: vpc.Tags{"Name": "main"}}},
		Subnets: []vpc.Subnet{{ID: testSubnet, VPCID: testVPC}},
		Interfaces: []*vpc.Interface{{
			ID: testENI, VPCID: testVPC, SubnetID: testSubnet, InstanceID: "i-0123456789abcdef0", Region: "us-east-1",
			Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.4")}, InstanceTags: vpc.Tags{"Team": "net"},
		}},
	})
	b.cfg = Config{
		Account: "123456789012", Region: "us-east-1",
		Keys:  func(id string) (sigv4.Key, bool) { return testKey, id == testKey.ID },
		Logs:  flowlog.NewStore(kvtest.New(), kvtest.New()),
		Model: func() *vpc.Index { return index },
		Tags:  b.tags, Tokens: b.tokens,
		S3:     http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.s3++ }),
		Logger: slog.New(slog.DiscardHandler),
		Now:    func() time.Time { return b.now },
	}
	for _, change := range changes {
		change(&b.cfg)
	}
	b.restart()
	return b
}

// restart makes a new API over the same state.
func (b *bed) restart() {
	b.t.Helper()
	api, err := New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(api.Close)
	b.api = api
}

// request returns a signed request. Each has a signature of its own.
func (b *bed) request(service string, params url.Values) *http.Request {
	b.t.Helper()
	b.now = b.now.Add(time.Second)
	r := httptest.NewRequest(http.MethodPost, "http://weir.test/", strings.NewReader(params.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	b.sign(r, service, params.Encode())
	return r
}

// serve answers a request, with whatever body.
func (b *bed) serve(r *http.Request) (int, string) {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Code, string(body)
}

// values reads parameters, "Name=value&…", not escaped.
func values(action, query string) url.Values {
	params := url.Values{"Action": {action}, "Version": {ec2.Version}}
	for part := range strings.SplitSeq(query, "&") {
		if name, value, ok := strings.Cut(part, "="); ok {
			params.Set(name, value)
		}
	}
	return params
}

// call makes a call with parameters as values reads them.
func (b *bed) call(action, query string) (int, string) {
	b.t.Helper()
	return b.serve(b.request("ec2", values(action, query)))
}

// ok makes a call that must succeed, and reads the answer.
func ok[T any](b *bed, action, query string) *T {
	b.t.Helper()
	status, body := b.call(action, query)
	if status != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", action, query, status, body)
	}
	out := new(T)
	if err := xml.Unmarshal([]byte(body), out); err != nil {
		b.t.Fatalf("%s: %v in %s", action, err, body)
	}
	return out
}

// refused makes a call that must fail as it should.
func (b *bed) refused(action, query string, status int, code, message string) {
	b.t.Helper()
	got, body := b.call(action, query)
	if e := ec2.ParseError(got, []byte(body)); got != status || e.Code != code || e.Message != message {
		b.t.Errorf("%s %s:\n got %d %s: %s\nwant %d %s: %s", action, query, got, e.Code, e.Message, status, code, message)
	}
}

// logs returns how many flow logs there are.
func (b *bed) logs() int {
	b.t.Helper()
	return len(ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "").FlowLogs)
}

const s3Log = "ResourceId.1=" + testVPC + "&ResourceType=VPC&TrafficType=ALL&LogDestinationType=s3&LogDestination=arn:aws:s3:::b"

func (b *bed) sign(r *http.Request, service, body string) {
	b.t.Helper()
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: testKey.ID, SecretAccessKey: testKey.Secret}
	if err := v4.NewSigner().SignHTTP(b.t.Context(), keys, r, hex.EncodeToString(sum[:]), service, "us-east-1", b.now); err != nil {
		b.t.Fatal(err)
	}
}

// presign returns a request whose parameters and signature are in its query.
func (b *bed) presign(service string, params url.Values) *http.Request {
	b.t.Helper()
	b.now = b.now.Add(time.Second)
	r := httptest.NewRequest(http.MethodGet, "http://weir.test/?"+params.Encode(), nil)
	sum := sha256.Sum256(nil)
	keys := aws.Credentials{AccessKeyID: testKey.ID, SecretAccessKey: testKey.Secret}
	signed, _, err := v4.NewSigner().PresignHTTP(b.t.Context(), keys, r, hex.EncodeToString(sum[:]), service, "us-east-1", b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, signed, nil)
}
