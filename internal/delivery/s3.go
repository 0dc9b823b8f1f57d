package delivery

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
)

// An ObjectStore takes objects. Its methods may be called from several
// goroutines. When ctx ends they return its error soon; every other error is a
// [*Failure].
type ObjectStore interface {
	// Put stores an object whole; putting the same key again replaces it. It
	// returns nil only when the object is durable. After an error the object may
	// be there or not, but never in part, and Put may be called again. The body
	// is not kept or changed.
	Put(ctx context.Context, bucket, key string, body []byte, contentType string) error

	// Check reports whether objects can be put into the bucket, as far as that
	// can be known without putting one.
	Check(ctx context.Context, bucket string) error
}

// S3Config configures [NewS3]. The zero value is Amazon's S3 with the
// credentials of the environment.
type S3Config struct {
	// Endpoint is the URL of the store, such as "https://minio.example:9000";
	// empty is Amazon's, or that of AWS_ENDPOINT_URL_S3.
	Endpoint string
	// Region is what requests are signed for; empty is that of the environment
	// or profile, then us-east-1. A bucket elsewhere is found by its answer.
	Region string

	// AccessKey and SecretKey, and a token if they are temporary, or a profile
	// of the shared configuration files; if neither is given, the SDK's order:
	// environment, files, web identity, container.
	AccessKey, SecretKey, SessionToken string
	Profile                            string
	// IMDS also asks the metadata service of an EC2 instance for credentials;
	// otherwise no request ever goes to it.
	IMDS bool

	PathStyle bool // bucket in the path, not in the host name; always so if the host is an address
	NoACL     bool // leave out bucket-owner-full-control, which Amazon's delivery sends to Amazon

	// Sync makes an object durable that the store has taken, for stores that do
	// not do so themselves; nil does nothing.
	Sync func(bucket, key string) error

	Timeout  time.Duration // of one Put or Check with its retries; default 5m
	Attempts int           // of one Put or Check; default 4

	// HTTPClient sends the requests to the store; default one that takes proxies
	// from the environment.
	HTTPClient *http.Client
}

// String leaves the secrets out.
func (c S3Config) String() string {
	return fmt.Sprintf("{Endpoint:%s Region:%s AccessKey:%s Profile:%s IMDS:%t PathStyle:%t Timeout:%v}",
		c.Endpoint, c.Region, c.AccessKey, c.Profile, c.IMDS, c.PathStyle, c.Timeout)
}

// GoString is String.
func (c S3Config) GoString() string { return c.String() }

// LogValue is String.
func (c S3Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

const (
	// attempts and maxBackoff bound what one Put retries by itself: what takes
	// longer is for the caller, who has the patience and knows what else waits.
	attempts   = 4
	maxBackoff = 5 * time.Second

	appID = "weir" // in User-Agent

	// answerTime is how long a store may think when it has all of a request.
	answerTime = time.Minute
)

// S3 is an [ObjectStore] that speaks to any S3 by the SDK of Amazon.
type S3 struct {
	cfg     S3Config
	client  *s3.Client
	host    string // for messages
	amazon  bool
	regions sync.Map // bucket to region, where that is not the configured one
}

var _ ObjectStore = (*S3)(nil)

// NewS3 returns a store. It reads the environment and the shared configuration
// files where cfg leaves something to them, but sends nothing.
func NewS3(cfg S3Config) (*S3, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Minute)
	cfg.Attempts = cmp.Or(cfg.Attempts, attempts)
	if (cfg.AccessKey == "") != (cfg.SecretKey == "") || cfg.SessionToken != "" && cfg.AccessKey == "" {
		return nil, errors.New("s3: an access key and a secret key have to be given together")
	}
	if cfg.AccessKey != "" && cfg.Profile != "" {
		return nil, errors.New("s3: keys and a profile are given, want one of them")
	}
	loaded, err := cfg.load()
	if err != nil {
		return nil, fmt.Errorf("s3: read the configuration: %w", err)
	}
	loaded.Region = cmp.Or(loaded.Region, "us-east-1")
	// Every S3 understands Content-MD5 and a signed digest of the body; the newer
	// checksums are only sent by those who need them.
	loaded.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	loaded.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired

	s := &S3{cfg: cfg}
	s.client = s3.NewFromConfig(loaded, func(o *s3.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
		}
		o.UsePathStyle = cfg.PathStyle
		if cfg.HTTPClient != nil {
			c := *cfg.HTTPClient
			// As the SDK's own does: it would make a GET of a PUT.
			c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			o.HTTPClient = &c
		}
	})
	base := s.client.Options().BaseEndpoint
	if base == nil {
		s.host, s.amazon = "Amazon S3", true
		return s, nil
	}
	u, err := url.Parse(*base)
	switch {
	case err != nil:
		return nil, fmt.Errorf("s3: endpoint: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("s3: endpoint %s: want http:// or https:// and a host", u.Redacted())
	}
	s.host = u.Host
	s.amazon = strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn")
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || u.Hostname() == "localhost" {
		s.client = s3.New(s.client.Options(), func(o *s3.Options) { o.UsePathStyle = true })
	}
	return s, nil
}

// load returns the SDK's configuration.
func (c S3Config) load() (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = answerTime
	})
	static := credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, c.SessionToken)
	if c.AccessKey != "" && c.Endpoint != "" {
		// Nothing is left to the files and variables of whoever started us, so no
		// mistake in them reaches a store that is described whole; but for whom
		// to trust, which Endpoint does not say.
		roots, err := caBundle()
		if err != nil {
			return aws.Config{}, err
		}
		return aws.Config{Region: c.Region, Credentials: static, Retryer: c.retryer, Logger: logging.Nop{}, AppID: appID,
			HTTPClient: client.WithTransportOptions(func(t *http.Transport) {
				if roots != nil {
					t.TLSClientConfig.RootCAs = roots
				}
			})}, nil
	}
	opts := []func(*config.LoadOptions) error{
		config.WithAppID(appID),
		config.WithLogger(logging.Nop{}),
		config.WithRegion(c.Region),
		config.WithSharedConfigProfile(c.Profile),
		config.WithHTTPClient(client),
		config.WithRetryer(c.retryer),
	}
	if c.AccessKey != "" {
		opts = append(opts, config.WithCredentialsProvider(static))
	}
	if !c.IMDS {
		opts = append(opts, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	return config.LoadDefaultConfig(context.Background(), opts...)
}

// caBundle reads the certificates that the SDK's variable names; nil are the
// system's.
func caBundle() (*x509.CertPool, error) {
	name := os.Getenv("AWS_CA_BUNDLE")
	if name == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", name)
	}
	return pool, nil
}

func (c S3Config) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = c.Attempts
		o.MaxBackoff = maxBackoff
		// The SDK's own budget would stop retries for all flow logs because one
		// bucket is slow.
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: damagedCodes})
	})
}

// String names the store, without secrets.
func (s *S3) String() string { return s.host }

// GoString is String.
func (s *S3) GoString() string { return s.host }

// LogValue is String.
func (s *S3) LogValue() slog.Value { return slog.StringValue(s.host) }

// Put implements [ObjectStore].
func (s *S3) Put(ctx context.Context, bucket, key string, body []byte, contentType string) error {
	sum := md5.Sum(body)
	in := &s3.PutObjectInput{
		Bucket:        &bucket,
		Key:           &key,
		ContentLength: aws.Int64(int64(len(body))),
		ContentMD5:    aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}
	if contentType != "" {
		in.ContentType = &contentType
	}
	if s.amazon && !s.cfg.NoACL {
		in.ACL = types.ObjectCannedACLBucketOwnerFullControl
	}
	err := s.call(ctx, bucket, func(ctx context.Context, o func(*s3.Options)) error {
		in.Body = bytes.NewReader(body)
		_, err := s.client.PutObject(ctx, in, o)
		return err
	})
	if err != nil || s.cfg.Sync == nil {
		return err
	}
	if err := s.cfg.Sync(bucket, key); err != nil {
		return &Failure{Kind: UnknownError, Message: err.Error(), Err: err}
	}
	return nil
}

// Check implements [ObjectStore]. It asks whether the bucket exists for these
// credentials (HeadBucket), which at Amazon needs permission to list the bucket.
func (s *S3) Check(ctx context.Context, bucket string) error {
	err := s.call(ctx, bucket, func(ctx context.Context, o func(*s3.Options)) error {
		_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket}, o)
		return err
	})
	if f := (*Failure)(nil); !errors.As(err, &f) || f.status < 400 || f.status == http.StatusNotFound || f.status >= 500 {
		return err
	}
	// The answer to HEAD has no body and so no reason; that of a list has.
	return s.call(ctx, bucket, func(ctx context.Context, o func(*s3.Options)) error {
		_, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(1)}, o)
		return err
	})
}

// call does a request in the region of the bucket; where that is not known yet
// and the store names it, the request is done again there.
func (s *S3) call(ctx context.Context, bucket string, do func(context.Context, func(*s3.Options)) error) error {
	limited, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	in := func(o *s3.Options) {
		if region, ok := s.regions.Load(bucket); ok {
			o.Region = region.(string)
		}
	}
	err := do(limited, in)
	if region := regionOf(err); region != "" {
		if known, _ := s.regions.Swap(bucket, region); known != region {
			err = do(limited, in)
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return s.failure(err, limited.Err() != nil)
}
