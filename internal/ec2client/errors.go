package ec2client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"weir/internal/awsconfig"
	"weir/internal/ec2"
)

// hints are what to do about codes of EC2.
var hints = map[string]string{
	"AuthFailure":                 "the access key is not known there or the secret is wrong, or this machine's clock is",
	"InvalidClientTokenId":        "the access key is not known there, or its session has ended",
	"SignatureDoesNotMatch":       "the secret access key does not belong to the access key",
	"RequestExpired":              "the session's token has expired, or this machine's clock is wrong",
	"OptInRequired":               "the account has to enable the region first",
	"FlowLogAlreadyExists":        "weir list --resource ID shows it; another destination or folder makes another one",
	"FlowLogsLimitExceeded":       "weir list shows those that there are, weir delete ends one",
	"RequestLimitExceeded":        "wait a moment, or set AWS_MAX_ATTEMPTS",
	"InvalidVpcID.NotFound":       "is it in this region? See --region",
	"InvalidSubnetID.NotFound":    "is it in this region? See --region",
	"IdempotentParameterMismatch": "",
}

// explain adds what to do about an error of an action.
func (c *Client) explain(action string, err error) error {
	var failed *ec2.Error
	var keys *awsconfig.CredentialsError
	switch {
	case errors.As(err, &keys):
		return awsconfig.Hint(err, keys.Hint())
	case errors.As(err, &failed):
		return awsconfig.Hint(err, c.hint(action, failed))
	case errors.As(err, new(*answerError)):
		return awsconfig.Hint(err, fmt.Sprintf("is %s EC2's API? See --endpoint-url", c.endpoint))
	case errors.Is(err, syscall.ECONNREFUSED):
		return awsconfig.Hint(err, fmt.Sprintf("nothing listens at %s; is weir serve running there? See --endpoint-url and AWS_ENDPOINT_URL", c.endpoint))
	case errors.As(err, new(*net.DNSError)):
		return awsconfig.Hint(err, fmt.Sprintf("does the region %s exist? See --region and --endpoint-url", c.cfg.Region))
	}
	return err
}

func (c *Client) hint(action string, e *ec2.Error) string {
	switch {
	case e.Code == "UnauthorizedOperation" || e.Code == "AccessDenied":
		need := "ec2:" + action
		if action == "CreateFlowLogs" {
			need += ", ec2:CreateTags for tags, logs:CreateLogDelivery and logs:DeleteLogDelivery, and iam:PassRole for a role"
		}
		return "the policy must allow " + need
	case strings.HasPrefix(e.Code, "InvalidNetworkInterface"):
		return "weir interfaces lists those of region " + c.cfg.Region
	case e.Code == http.StatusText(e.Status):
		return fmt.Sprintf("is %s EC2's API? See --endpoint-url", c.endpoint)
	}
	return hints[e.Code]
}
