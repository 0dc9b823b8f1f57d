package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Try calls attempt until it succeeds, or trying again is of no use. An error of a
// service has the methods HTTPStatusCode() int and ErrorCode() string for the SDK to
// judge it by.
func (c *Config) Try(ctx context.Context, attempt func() error) error {
	release := func(error) error { return nil }
	for n := 1; ; n++ {
		done, err := c.retryer.GetAttemptToken(ctx)
		if err != nil {
			return err
		}
		err = attempt()
		// A token that can't be given back makes later retries fewer, no more.
		_, _ = done(err), release(err)
		if err == nil || ctx.Err() != nil || n >= c.retryer.MaxAttempts() || !c.retryer.IsErrorRetryable(err) {
			return err
		}
		if release, _ = c.retryer.GetRetryToken(ctx, err); release == nil {
			return err // too many failed lately
		}
		delay, wrong := c.retryer.RetryDelay(n, err)
		if wrong != nil {
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return err
		}
	}
}

// Sign signs a request whose body has the given SHA-256, in hexadecimal. Without
// credentials the error is a [*CredentialsError].
func (c *Config) Sign(ctx context.Context, req *http.Request, hash, service, region string) error {
	keys, err := c.credentials(ctx)
	if err != nil {
		return err
	}
	err = c.signer.SignHTTP(ctx, keys, req, hash, service, region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = service == "s3"
	})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return nil
}

// credentials returns the keys to sign with.
func (c *Config) credentials(ctx context.Context) (aws.Credentials, error) {
	if c.aws.Credentials == nil {
		return aws.Credentials{}, &CredentialsError{errors.New("there are none")}
	}
	keys, err := c.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return keys, &CredentialsError{err}
	}
	return keys, nil
}

// newRetryer returns what the configuration asks for: standard or adaptive, and the
// number of attempts.
func newRetryer(cfg *aws.Config) aws.RetryerV2 {
	var r aws.RetryerV2 = retry.NewStandard()
	if cfg.RetryMode == aws.RetryModeAdaptive {
		r = retry.NewAdaptiveMode()
	}
	if n := cfg.RetryMaxAttempts; n > 0 {
		r = retry.AddWithMaxAttempts(r, n).(aws.RetryerV2)
	}
	return r
}
