package ec2client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// Options are what a user said; what is empty comes from the environment and the
// files that every AWS tool reads.
type Options struct {
	Endpoint string // a URL
	Region   string
	Profile  string
}

// New returns a client. It reads configuration but calls nothing.
func New(ctx context.Context, o Options) (*Client, error) {
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, hinted{errors.New("no region"), "say --region, or set AWS_REGION or the profile's region"}
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	c := &Client{cfg: cfg, given: o.Endpoint, retryer: newRetryer(&cfg), signer: v4.NewSigner()}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok && !c.dual {
			state, _, _ := s.GetUseDualStackEndpoint(ctx)
			c.dual = state == aws.DualStackEndpointStateEnabled
		}
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok && !c.fips {
			state, _, _ := s.GetUseFIPSEndpoint(ctx)
			c.fips = state == aws.FIPSEndpointStateEnabled
		}
	}
	if c.endpoint, err = c.find(ctx, "EC2"); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads the configuration. The instance metadata service is asked only if the
// user wants that: elsewhere it takes seconds to find that there is none.
func load(ctx context.Context, o Options) (aws.Config, error) {
	options := func(more ...func(*config.LoadOptions) error) []func(*config.LoadOptions) error {
		return append(more, config.WithRegion(o.Region), config.WithSharedConfigProfile(o.Profile))
	}
	metadata := os.Getenv("AWS_EC2_METADATA_DISABLED") != ""
	if !metadata {
		cfg, err := config.LoadDefaultConfig(ctx, options(config.WithEC2IMDSClientEnableState(imds.ClientDisabled))...)
		if err != nil {
			return cfg, loadError(err)
		}
		if !usesMetadata(&cfg) {
			return cfg, nil
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, options()...)
	if err != nil {
		return cfg, loadError(err)
	}
	return cfg, nil
}

// usesMetadata reports whether the profile names the metadata service.
func usesMetadata(cfg *aws.Config) bool {
	for _, source := range cfg.ConfigSources {
		if profile, ok := source.(config.SharedConfig); ok {
			for p := &profile; p != nil; p = p.Source {
				if strings.EqualFold(p.CredentialSource, "Ec2InstanceMetadata") {
					return true
				}
			}
		}
	}
	return false
}

func loadError(err error) error {
	if errors.As(err, new(config.SharedConfigProfileNotExistError)) {
		return hinted{fmt.Errorf("configuration: %w", err), "aws configure list-profiles shows which there are"}
	}
	return fmt.Errorf("configuration: %w", err)
}

// find returns the endpoint of a service, by its id in the SDK: what the user said,
// else what is configured for the service, else for all, else Amazon's.
func (c *Client) find(ctx context.Context, service string) (string, error) {
	endpoint := c.given
	if service != "EC2" {
		endpoint = "" // --endpoint-url is EC2's; see Account
	}
	if endpoint == "" {
		endpoint = configured(ctx, &c.cfg, service)
	}
	if endpoint == "" {
		return amazon(strings.ToLower(service), c.cfg.Region, c.dual, c.fips), nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", hinted{fmt.Errorf("endpoint %q is not a URL", endpoint), "such as http://127.0.0.1:7979"}
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}

// configured returns the endpoint that the environment or the profile gives a
// service. As in the SDK's clients AWS_ENDPOINT_URL is before the profile's services.
func configured(ctx context.Context, cfg *aws.Config, service string) string {
	general := aws.ToString(cfg.BaseEndpoint)
	if os.Getenv("AWS_ENDPOINT_URL") != "" && os.Getenv("AWS_ENDPOINT_URL_"+service) == "" {
		return general
	}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignore, _, _ := s.GetIgnoreConfiguredEndpoints(ctx); ignore {
				return ""
			}
		}
	}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if url, found, err := s.GetServiceBaseEndpoint(ctx, service); err == nil && found {
				return url
			}
		}
	}
	return general
}

// partitions are the parts of Amazon's cloud that have names of their own, by what
// regions begin with; the last is the rest ("AWS service endpoints", AWS General
// Reference, and the partitions file of the AWS SDKs, read 2026-11-24).
var partitions = []struct{ region, name, suffix, dual string }{
	{"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws"},
	{"us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	{"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	{"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"},
	{"", "aws", "amazonaws.com", "api.aws"},
}

// Partition returns the name that ARNs of a region's resources have, such as "aws".
func Partition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.region) {
			return p.name
		}
	}
	panic("BUG: no partition is the rest")
}

// amazon returns the URL of one of Amazon's services.
func amazon(service, region string, dual, fips bool) string {
	for _, p := range partitions {
		if !strings.HasPrefix(region, p.region) {
			continue
		}
		suffix := p.suffix
		if dual {
			suffix = p.dual
		}
		// Those of the government's regions are all FIPS's.
		if fips && (p.name != "aws-us-gov" || dual) {
			service += "-fips"
		}
		return "https://" + service + "." + region + "." + suffix + "/"
	}
	panic("BUG: no partition is the rest")
}
