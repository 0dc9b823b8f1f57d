package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"weir/internal/awsconfig"
)

// A Kind is what DescribeFlowLogs says of a failed delivery, in Amazon's words
// (deliverLogsErrorMessage in "FlowLog", Amazon EC2 API Reference, read
// 2026-11-23).
type Kind string

// The kinds. An AccessError lasts until somebody repairs the bucket, what may be
// done with it, or the credentials.
const (
	AccessError  Kind = "Access error"
	RateLimited  Kind = "Rate limited"
	UnknownError Kind = "Unknown error"
)

// A Failure is why a store did not take an object.
type Failure struct {
	Kind    Kind
	Code    string // the store's own, such as "NoSuchBucket"; empty if it did not answer with one
	Message string // the store's own, or what is wrong and where

	// Permanent reports that the same request will fail again until somebody
	// changes something.
	Permanent bool

	Err error // what was returned by the layers below; never nil

	status int // of the HTTP answer; 0 if there was none
}

// Error returns kind, code and message.
func (f *Failure) Error() string {
	text := strings.ToLower(string(f.Kind))
	for _, part := range []string{f.Code, f.Message} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// kinds are the codes whose kind the HTTP status does not tell ("Error
// responses", Amazon S3 API Reference, read 2026-11-24; the Read and Write forms
// are MinIO's, XAdminUserNotFound the Versity gateway's).
var kinds = map[string]Kind{
	"NoSuchBucket":             AccessError,
	"InvalidBucketName":        AccessError,
	"ExpiredToken":             AccessError,
	"InvalidToken":             AccessError,
	"XAdminUserNotFound":       AccessError,
	"TokenRefreshRequired":     AccessError,
	"KMS.DisabledException":    AccessError,
	"KMS.NotFoundException":    AccessError,
	"SlowDown":                 RateLimited,
	"SlowDownRead":             RateLimited,
	"SlowDownWrite":            RateLimited,
	"ServiceUnavailable":       RateLimited,
	"Throttling":               RateLimited,
	"ThrottlingException":      RateLimited,
	"RequestLimitExceeded":     RateLimited,
	"BandwidthLimitExceeded":   RateLimited,
	"TooManyRequestsException": RateLimited,
}

// damagedCodes say that a body did not arrive as it was sent.
var damagedCodes = map[string]struct{}{
	"BadDigest": {}, "XAmzContentSHA256Mismatch": {}, "IncompleteBody": {},
}

// ofHead are the codes for answers that have no body, from their status.
var ofHead = map[int][2]string{
	http.StatusNotFound:  {"NoSuchBucket", "The specified bucket does not exist"},
	http.StatusForbidden: {"AccessDenied", "Access Denied"},
}

// failure turns what the SDK returned into a Failure; late says that the time
// for the request was over.
func (s *S3) failure(err error, late bool) *Failure {
	f := &Failure{Kind: UnknownError, Err: err}
	if re := (*awshttp.ResponseError)(nil); errors.As(err, &re) {
		f.status = re.HTTPStatusCode()
	}
	if ae := smithy.APIError(nil); errors.As(err, &ae) {
		f.Code, f.Message = ae.ErrorCode(), ae.ErrorMessage()
	}
	if head, ok := ofHead[f.status]; ok && (f.Message == "" || f.Message == http.StatusText(f.status)) {
		f.Code, f.Message = head[0], head[1]
	}
	kind, known := kinds[f.Code]
	switch {
	case f.status == 0:
		f.Code = ""
		f.Message = unreachable(err, s.host, s.cfg.Timeout, late)
		if noCredentials(err) {
			f.Kind, f.Permanent = AccessError, true
		}
		return f
	case known:
		f.Kind = kind
	case f.status == http.StatusTooManyRequests:
		f.Kind = RateLimited
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		f.Kind = AccessError
	}
	_, damaged := damagedCodes[f.Code]
	passes := damaged || f.Code == "RequestTimeout" || f.status == http.StatusRequestTimeout || f.status == http.StatusConflict
	f.Permanent = f.Kind == AccessError || f.Kind == UnknownError && f.status >= 300 && f.status < 500 && !passes
	// Without an error in XML the SDK makes a code of the status.
	if f.Code == "" || f.Code == "UnknownError" || f.Message == http.StatusText(f.status) {
		f.Code, f.Message = "", fmt.Sprintf("%s answered %d %s, which is not S3's form of an error",
			s.host, f.status, http.StatusText(f.status))
	}
	return f
}

func noCredentials(err error) bool {
	if errors.As(err, new(*awsconfig.CredentialsError)) {
		return true
	}
	return strings.Contains(err.Error(), "get identity:") || strings.Contains(err.Error(), "failed to refresh cached credentials")
}

// unreachable says in words why there was no answer of a host within timeout; late says
// that this time was over.
func unreachable(err error, host string, timeout time.Duration, late bool) string {
	var (
		dns      *net.DNSError
		op       *net.OpError
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		untls    tls.RecordHeaderError
		deadline = late || errors.Is(err, context.DeadlineExceeded)
	)
	switch {
	case noCredentials(err):
		return fmt.Sprintf("no credentials for %s: give keys or a profile", host)
	case errors.As(err, &dns):
		return fmt.Sprintf("cannot find host %s: %s", dns.Name, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s refuses connections: is it running, and is the port right?", host)
	case errors.As(err, &unknown), errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is not trusted: %v", host, err)
	case errors.As(err, &untls):
		return fmt.Sprintf("%s does not speak TLS: is the endpoint http://?", host)
	case deadline:
		return fmt.Sprintf("no answer from %s in %v", host, timeout)
	case errors.As(err, &op):
		// Without the addresses: the same failure reads the same each time.
		return fmt.Sprintf("connection to %s broke: %s: %v", host, op.Op, op.Err)
	}
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		return fmt.Sprintf("no answer from %s", host)
	}
	if ue := (*url.Error)(nil); errors.As(err, &ue) {
		err = ue.Err
	}
	return fmt.Sprintf("request to %s: %v", host, err)
}

var expecting = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)

// regionOf returns the region that an error says the bucket is in, or "".
func regionOf(err error) string {
	re := (*awshttp.ResponseError)(nil)
	if !errors.As(err, &re) {
		return ""
	}
	switch re.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest:
	default:
		return ""
	}
	if re.Response != nil {
		if region := re.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	if m := expecting.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}
