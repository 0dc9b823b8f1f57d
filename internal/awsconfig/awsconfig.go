package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// Options are what a user said; what is empty comes from the environment and the
// files that every AWS tool reads.
type Options struct {
	Endpoint string // a URL
	Region   string
	Profile  string

	// AccessKey and SecretKey are used instead of what is found, with a SessionToken if
	// they are temporary.
	AccessKey, SecretKey, SessionToken string

	// Attempts is how often a call is made before its error counts; 0 is what is
	// configured, and 3 without that.
	Attempts int
}

// String leaves the secrets out.
func (o Options) String() string {
	return fmt.Sprintf("{Endpoint:%s Region:%s Profile:%s AccessKey:%s}", o.Endpoint, o.Region, o.Profile, o.AccessKey)
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

// A Config is where calls go, and who calls. It may be used from several goroutines.
type Config struct {
	Region string // "" if nobody says one

	aws        aws.Config
	given      string // Options.Endpoint
	dual, fips bool
	retryer    aws.RetryerV2
	signer     *v4.Signer
}

// Load reads the configuration. It calls nothing.
func Load(ctx context.Context, o Options) (*Config, error) {
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &Config{Region: cfg.Region, aws: cfg, given: o.Endpoint, retryer: newRetryer(&cfg), signer: v4.NewSigner()}
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
	return c, nil
}

// Transport returns what requests are sent with: the profile's certificates, the
// environment's proxies. It keeps up to idle connections to a host for later. Each
// call returns another one.
func (c *Config) Transport(idle int) http.RoundTripper {
	if b, ok := c.aws.HTTPClient.(*awshttp.BuildableClient); ok {
		t := b.GetTransport()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, idle
		// What is compressed is an object's own business.
		t.DisableCompression = true
		return t
	}
	t := awshttp.NewBuildableClient().GetTransport()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, idle
	t.DisableCompression = true
	return t
}

// load reads the configuration. The instance metadata service is asked only if the
// user wants that: elsewhere it takes seconds to find that there is none.
func load(ctx context.Context, o Options) (aws.Config, error) {
	options := func(more ...func(*config.LoadOptions) error) []func(*config.LoadOptions) error {
		if o.AccessKey != "" {
			more = append(more, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, o.SessionToken)))
		}
		if o.Attempts > 0 {
			more = append(more, config.WithRetryMaxAttempts(o.Attempts))
		}
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
		return Hint(fmt.Errorf("configuration: %w", err), "aws configure list-profiles shows which there are")
	}
	return fmt.Errorf("configuration: %w", err)
}

// Given returns the endpoint that the user said, "" if none.
func (c *Config) Given() string { return c.given }

// Endpoint returns the URL of a service, by the service's id in the SDK, such as
// "EC2": the one that is given, else what is configured for the service, else for
// all. It is "" if there is none: then Amazon's is meant, see [Config.Amazon].
func (c *Config) Endpoint(ctx context.Context, given, service string) (string, error) {
	endpoint := given
	if endpoint == "" {
		endpoint = configured(ctx, &c.aws, service)
	}
	if endpoint == "" {
		return "", nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", Hint(fmt.Errorf("endpoint %q is not a URL", endpoint), "such as http://127.0.0.1:7979")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}

// Amazon returns the URL of one of Amazon's own services, by its name in host names,
// such as "ec2".
func (c *Config) Amazon(service, region string) string {
	return amazon(service, region, c.dual, c.fips)
}

// configured returns the endpoint that the environment or the profile gives a
// service. As in the SDK's clients AWS_ENDPOINT_URL is before the profile's services.
func configured(ctx context.Context, cfg *aws.Config, service string) string {
	general := aws.ToString(cfg.BaseEndpoint)
	variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_"))
	if os.Getenv("AWS_ENDPOINT_URL") != "" && os.Getenv(variable) == "" {
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

// amazon returns the URL of one of Amazon's services. S3 names its kinds of endpoints
// in another order than all others.
func amazon(service, region string, dual, fips bool) string {
	for _, p := range partitions {
		if !strings.HasPrefix(region, p.region) {
			continue
		}
		suffix := p.suffix
		if dual && service == "s3" {
			service += ".dualstack"
		} else if dual {
			suffix = p.dual
		}
		// Those of the government's regions are all FIPS's.
		if name, rest, _ := strings.Cut(service, "."); fips && (p.name != "aws-us-gov" || dual || name == "s3") {
			service = name + "-fips"
			if rest != "" {
				service += "." + rest
			}
		}
		return "https://" + service + "." + region + "." + suffix + "/"
	}
	panic("BUG: no partition is the rest")
}
