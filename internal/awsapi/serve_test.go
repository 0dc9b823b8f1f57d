package awsapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"weir/internal/ec2"
	"weir/internal/sigv4"
)

// plain returns a request without a signature.
func plain(method, target, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestRequestsAreSorted(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	b := newBed(t)
	signed := func(method, target, service string) *http.Request {
		r := plain(method, target, "", "")
		b.sign(r, service, "")
		return r
	}
	for _, tt := range []struct {
		rule string
		r    *http.Request
		s3   bool
		code string // otherwise
	}{
		{"signed for S3 is S3's", signed("PUT", "/bucket/key", "s3"), true, ""},
		{"so is a form that is signed for S3", func() *http.Request { r := plain("POST", "/", form, ""); b.sign(r, "s3", ""); return r }(), true, ""},
		{"so is one without a signature", plain("GET", "/bucket/key", "", ""), true, ""},
		{"even if it has an action", plain("GET", "/?Action=DescribeVpcs", "", ""), true, ""},
		{"but a form without one is ours", plain("POST", "/", form+"; charset=utf-8", "Action=DescribeVpcs"), false, "MissingAuthenticationToken"},
		{"unless it is for a bucket", plain("POST", "/bucket", form, ""), true, ""},
		{"nothing else is posted to /", plain("POST", "/", "application/xml", ""), true, ""},
		{"signed for EC2 is ours", signed("GET", "/?Action=DescribeFlowLogs", "ec2"), false, ""},
		{"other services are S3's to refuse", signed("GET", "/", "iam"), true, ""},
		{"but not their forms", func() *http.Request { r := plain("POST", "/", form, ""); b.sign(r, "iam", ""); return r }(), false, "AuthFailure"},
		{"methods are two", signed("PUT", "/?Action=DescribeFlowLogs", "ec2"), false, "InvalidRequest"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			before := b.s3
			status, body := b.serve(tt.r)
			if got := b.s3 > before; got != tt.s3 {
				t.Fatalf("handed on: %v, want %v", got, tt.s3)
			}
			if tt.s3 || tt.code == "" && status == http.StatusOK {
				return
			}
			if e := ec2.ParseError(status, []byte(body)); e.Code != tt.code || status != ec2.StatusOf(tt.code) {
				t.Errorf("%d %s, want %s", status, body, tt.code)
			}
		})
	}
}

// TestS3BodyIsNotRead: an object is as large as it likes.
func TestS3BodyIsNotRead(t *testing.T) {
	b := newBed(t)
	r := httptest.NewRequest("PUT", "/bucket/key", failingReader{t})
	b.sign(r, "s3", "")
	b.serve(r)
	if b.s3 != 1 {
		t.Error("not handed on")
	}
}

type failingReader struct{ t *testing.T }

func (f failingReader) Read([]byte) (int, error) {
	f.t.Error("the body was read")
	return 0, io.EOF
}

func TestSignaturesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		rule    string
		change  func(*bed, *http.Request)
		service string
		status  int
		code    string
		message string
	}{
		{"EC2: an unknown key", otherKey("AKIANOBODY", "secret"), "ec2", 401, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		{"EC2: a wrong secret", otherKey(testKey.ID, "guess"), "ec2", 401, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		{"EC2: a clock that is late", late, "ec2", 400, "RequestExpired", "Request has expired."},
		{"EC2: half a header", half, "ec2", 400, "IncompleteSignature", "Authorization header requires 'Signature' parameter."},
		{"STS: an unknown key", otherKey("AKIANOBODY", "secret"), "sts", 403, "InvalidClientTokenId", "The security token included in the request is invalid."},
		{"STS: a wrong secret", otherKey(testKey.ID, "guess"), "sts", 403, "SignatureDoesNotMatch", sigv4.ErrMismatch.(*sigv4.Error).Message},
		{"STS: half a header", half, "sts", 400, "IncompleteSignature", "Authorization header requires 'Signature' parameter."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			b := newBed(t)
			params := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
			if tt.service == "ec2" {
				params = values("DescribeFlowLogs", "")
			}
			r := b.request(tt.service, params)
			tt.change(b, r)
			status, body := b.serve(r)
			if e := ec2.ParseError(status, []byte(body)); status != tt.status || e.Code != tt.code || e.Message != tt.message {
				t.Errorf("got %d %s", status, body)
			}
			if sts := strings.Contains(body, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>`); sts != (tt.service == "sts") {
				t.Errorf("not the form of %s: %s", tt.service, body)
			}
		})
	}
}

func otherKey(id, secret string) func(*bed, *http.Request) {
	return func(b *bed, r *http.Request) {
		service := "ec2"
		if strings.Contains(r.Header.Get("Authorization"), "/sts/") {
			service = "sts"
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Authorization")
		keys := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(b.t.Context(), keys, r, strings.Repeat("0", 64), service, "us-east-1", b.now); err != nil {
			b.t.Fatal(err)
		}
	}
}

func late(b *bed, _ *http.Request) { b.now = b.now.Add(16 * time.Minute) }

func half(_ *bed, r *http.Request) {
	before, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
	r.Header.Set("Authorization", before)
}

func TestDispatch(t *testing.T) {
	b := newBed(t)
	for _, tt := range []struct {
		rule, raw string // the body, as it is sent
		status    int
		code      string
		message   string
	}{
		{"an action is needed", "Version=2016-11-15", 400, "MissingAction", "The request must contain the parameter Action"},
		{"and known", "Action=RunInstances&Version=2016-11-15", 400, "InvalidAction", "The action RunInstances is not valid for this web service."},
		{"and one", "Action=DescribeFlowLogs&Action=DescribeFlowLogs", 400, "InvalidParameterCombination", "The parameter Action is given 2 times"},
		{"parameters are given once", "Action=DescribeFlowLogs&MaxResults=5&MaxResults=6", 400, "InvalidParameterCombination", "The parameter MaxResults is given 2 times"},
		{"a newer version is not there", "Action=DescribeFlowLogs&Version=2016-11-16", 400, "NoSuchVersion", "The requested version (2016-11-16) of service AmazonEC2 does not exist"},
		{"a version is a date", "Action=DescribeFlowLogs&Version=latest", 400, "NoSuchVersion", "The requested version (latest) of service AmazonEC2 does not exist"},
		{"an older one was", "Action=DescribeFlowLogs&Version=2014-10-01", 200, "", ""},
		{"without one it is the present one", "Action=DescribeFlowLogs", 200, "", ""},
		{"escapes are escapes", "Action=DescribeFlowLogs&NextToken=%zz", 400, "MalformedQueryString", "The query string contains a syntax error."},
		{"questions heed DryRun", "Action=DescribeFlowLogs&DryRun=true", 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."},
		{"once they are checked", "Action=DescribeFlowLogs&DryRun=true&MaxResults=4", 400, "InvalidParameterValue", "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{"bodies end", "Action=DescribeFlowLogs&NextToken=" + strings.Repeat("x", maxBody), 413, "RequestEntityTooLarge", "The request is longer than 1048576 bytes"},
		{"so do parameters", "Action=DescribeFlowLogs" + strings.Repeat("&a=", 20_000), 400, "", ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			b.now = b.now.Add(time.Second)
			r := plain("POST", "/", "application/x-www-form-urlencoded", tt.raw)
			b.sign(r, "ec2", tt.raw)
			status, body := b.serve(r)
			e := ec2.ParseError(status, []byte(body))
			if status != tt.status || status != 200 && tt.code != "" && (e.Code != tt.code || e.Message != tt.message) {
				t.Errorf("got %d %.300s", status, body)
			}
		})
	}
}

func TestPresignedQuestion(t *testing.T) {
	b := newBed(t)
	if status, body := b.serve(b.presign("ec2", values("DescribeFlowLogs", ""))); status != 200 || !strings.Contains(body, "<flowLogSet></flowLogSet>") {
		t.Errorf("%d %s", status, body)
	}
}

// TestUnsignedBodyIsRefused: its parameters could be anybody's.
func TestUnsignedBodyIsRefused(t *testing.T) {
	b := newBed(t)
	r := b.presign("ec2", values("DescribeFlowLogs", ""))
	q := r.URL.Query()
	q.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r = plain("POST", "/?"+q.Encode(), "application/x-www-form-urlencoded", "MaxResults=5")
	if status, body := b.serve(r); status != 401 {
		t.Errorf("%d %s", status, body)
	}
}

func TestAnswersAreAmazons(t *testing.T) {
	b := newBed(t)
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, b.request("ec2", values("DescribeFlowLogs", "")))
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<DescribeFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>` + w.Header().Get("X-Amzn-Requestid") +
		`</requestId><flowLogSet></flowLogSet></DescribeFlowLogsResponse>`
	if got := w.Body.String(); got != want || w.Header().Get("Content-Type") != "text/xml;charset=UTF-8" {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestReplaysChangeNothing(t *testing.T) {
	b := newBed(t)
	params := values("CreateFlowLogs", s3Log)
	r := b.request("ec2", params)
	copyOf := func() *http.Request {
		c := r.Clone(context.Background())
		c.Body = io.NopCloser(strings.NewReader(params.Encode()))
		return c
	}
	status, first := b.serve(copyOf())
	if status != 200 || b.logs() != 1 {
		t.Fatalf("%d %s", status, first)
	}
	id := ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "").FlowLogs[0].FlowLogID
	ok[ec2.DeleteFlowLogsAnswer](b, "DeleteFlowLogs", "FlowLogId.1="+id)
	b.restart()
	b.now = b.now.Add(fresh)
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, copyOf())
	if again := w.Body.String(); w.Code != 200 || again != first {
		t.Errorf("a replay after a restart: %d %s, want %s", w.Code, again, first)
	}
	if id := w.Header().Get("X-Amzn-Requestid"); !strings.Contains(first, "<requestId>"+id+"</requestId>") {
		t.Errorf("the replay's header has the request id %s, which is not in %s", id, first)
	}
	if n := b.logs(); n != 0 {
		t.Errorf("a replay made %d flow logs", n)
	}
	b.now = b.now.Add(16 * time.Minute)
	if status, _ := b.serve(copyOf()); status != 400 {
		t.Errorf("a replay when the time is over: %d", status)
	}
}

// TestEqualCallsInOneSecond: botocore signs them alike, and means each.
func TestEqualCallsInOneSecond(t *testing.T) {
	b := newBed(t)
	for range 2 {
		made := ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log)
		if b.logs() != 1 {
			t.Fatalf("%d flow logs, want 1", b.logs())
		}
		b.refused("CreateFlowLogs", s3Log, 400, "FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
		ok[ec2.DeleteFlowLogsAnswer](b, "DeleteFlowLogs", "FlowLogId.1="+made.FlowLogIDs[0])
	}
	if b.logs() != 0 {
		t.Errorf("%d flow logs, want 0", b.logs())
	}
}

// TestReplayOfAnUnknownEnd: the process died between the change and its answer.
func TestReplayOfAnUnknownEnd(t *testing.T) {
	b := newBed(t)
	r := b.request("ec2", values("CreateFlowLogs", s3Log))
	if _, err := b.tokens.Create(t.Context(), signaturePrefix+signatureOf(r), []byte(`{"until":"2026-11-24T09:00:00Z"}`)); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(fresh)
	if status, _ := b.serve(r); status != 503 || b.logs() != 0 {
		t.Errorf("%d, %d flow logs", status, b.logs())
	}
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	b := newBed(t)
	ok[ec2.CreateFlowLogsAnswer](b, "CreateFlowLogs", s3Log+"&ClientToken=t")
	count := func() (n int) {
		_ = b.tokens.List(t.Context(), "", func(string, []byte) { n++ })
		return n
	}
	if n := count(); n != 2 {
		t.Errorf("%d values, want a signature and a token", n)
	}
	b.now = b.now.Add(48 * time.Hour)
	ok[ec2.CreateTagsAnswer](b, "CreateTags", "ResourceId.1="+testVPC+"&Tag.1.Key=k")
	if n := count(); n != 1 {
		t.Errorf("%d values after two days, want the last signature", n)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	b := newBed(t)
	for range maxAtOnce {
		b.api.slots <- struct{}{}
	}
	b.refused("DescribeFlowLogs", "", 503, "RequestLimitExceeded", "Request limit exceeded.")
	<-b.api.slots
	ok[ec2.DescribeFlowLogsAnswer](b, "DescribeFlowLogs", "")
}

func TestPanicIsAnInternalError(t *testing.T) {
	b := newBed(t)
	b.api.actions["DescribeFlowLogs"] = action{run: func(*API, context.Context, url.Values) (any, error) { panic("BUG: test") }}
	for range maxAtOnce + 1 { // each gives its slot back
		b.refused("DescribeFlowLogs", "", 500, "InternalError", "An internal error has occurred")
	}
}

func TestCallerIdentity(t *testing.T) {
	b := newBed(t)
	params := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	status, body := b.serve(b.request("sts", params))
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId><Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>`
	if status != 200 || !strings.HasPrefix(body, want) {
		t.Errorf("%d %s\nwant %s", status, body, want)
	}
	params.Set("Action", "AssumeRole")
	status, body = b.serve(b.request("sts", params))
	if e := ec2.ParseError(status, []byte(body)); status != 400 || e.Code != "InvalidAction" || e.Message != "Could not find operation AssumeRole for version 2011-06-15" {
		t.Errorf("%d %s", status, body)
	}
}
