package place

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"weir/internal/awsconfig"
)

// hints are what to do about codes of S3 and of CloudWatch Logs.
var hints = map[string]string{
	"NoSuchKey":                    "it was deleted after it was listed",
	"InvalidObjectState":           "it is archived: it must be restored first (aws s3api restore-object)",
	"InvalidAccessKeyId":           "the access key is not known there; with weir serve, the lines that it prints set the right one",
	"SignatureDoesNotMatch":        "the secret access key does not belong to the access key",
	"ExpiredToken":                 "the session's token has expired: aws sso login, or new credentials",
	"ExpiredTokenException":        "the session's token has expired: aws sso login, or new credentials",
	"InvalidToken":                 "the session's token does not belong to the access key",
	"UnrecognizedClientException":  "the access key is not known there, or its session has ended",
	"RequestTimeTooSkewed":         "this machine's clock is wrong",
	"SlowDown":                     "wait a moment, or set AWS_MAX_ATTEMPTS",
	"ThrottlingException":          "wait a moment, or set AWS_MAX_ATTEMPTS",
	"PermanentRedirect":            "the bucket is in another region; set AWS_REGION to it",
	"AuthorizationHeaderMalformed": "set AWS_REGION to the region that it names",
}

// explain adds what to do about an error of a request to a bucket.
func (c *client) explain(err error, bucket string) error {
	var e *Error
	if errors.As(err, &e) {
		switch e.Code {
		case "NoSuchBucket":
			if c.endpoint == "" {
				return awsconfig.Hint(err, "aws s3 ls shows the buckets that there are; one at another endpoint needs --endpoint-url")
			}
			return awsconfig.Hint(err, fmt.Sprintf("aws s3 ls shows the buckets that there are at %s; see --endpoint-url", c.endpoint))
		case "AccessDenied", "Forbidden", "AllAccessDisabled":
			if !c.signed {
				return awsconfig.Hint(err, "not everybody may read it; leave out --no-sign-request")
			}
			return awsconfig.Hint(err, fmt.Sprintf("the policy must allow s3:ListBucket on arn:aws:s3:::%[1]s and s3:GetObject on arn:aws:s3:::%[1]s/*; a bucket where the reader pays needs --requester-pays", bucket))
		}
		if hint := hints[e.Code]; hint != "" {
			return awsconfig.Hint(err, hint)
		}
		return awsconfig.Hint(err, c.isS3())
	}
	return unreachable(c.cfg, err, c.endpoint)
}

func (c *client) isS3() string {
	if c.endpoint == "" {
		return ""
	}
	return fmt.Sprintf("is there an S3 at %s? See --endpoint-url", c.endpoint)
}

// unreachable adds what to do if there was no answer.
func unreachable(cfg *awsconfig.Config, err error, endpoint string) error {
	switch { // where there are no keys, the error itself has a hint
	case errors.Is(err, syscall.ECONNREFUSED):
		return awsconfig.Hint(err, fmt.Sprintf("nothing listens at %s; is weir serve running there? See --endpoint-url and AWS_ENDPOINT_URL", endpoint))
	case errors.As(err, new(*net.DNSError)):
		return awsconfig.Hint(err, "is the name right? See AWS_REGION and --endpoint-url")
	}
	return err
}
