package ec2client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"weir/internal/ec2"
)

// Bounds of one attempt.
const (
	attemptTime = time.Minute
	maxAnswer   = 64 << 20 // a page of a thousand interfaces is 3 MB
)

// A Client calls EC2. It may be used from several goroutines.
type Client struct {
	cfg      aws.Config
	endpoint string // of EC2
	given    string // Options.Endpoint
	dual     bool
	fips     bool
	retryer  aws.RetryerV2
	signer   *v4.Signer
}

// Endpoint returns the URL that calls go to.
func (c *Client) Endpoint() string { return c.endpoint }

// Region returns the region that calls are about.
func (c *Client) Region() string { return c.cfg.Region }

// Amazon reports whether calls go to Amazon itself: no other endpoint was said or
// configured.
func (c *Client) Amazon() bool { return c.endpoint == amazon("ec2", c.cfg.Region, c.dual, c.fips) }

// Do calls an action: it sends the request, again if that may help, and reads the
// answer, a pointer to a struct for encoding/xml. An error of the service is an
// [*ec2.Error]; if something is known to do about an error it has a method
// Hint() string.
func (c *Client) Do(ctx context.Context, action string, request, answer any) error {
	body, err := c.call(ctx, "ec2", c.endpoint, ec2.Encode(action, request))
	if err == nil {
		err = decode(body, answer)
	}
	if err != nil {
		return c.explain(action, fmt.Errorf("%s: %w", action, err))
	}
	return nil
}

func decode(body []byte, answer any) error {
	if err := xml.Unmarshal(body, answer); err != nil {
		const shown = 80
		return &answerError{fmt.Errorf("read the answer %.*q: %w", shown, body, err)}
	}
	return nil
}

// answerError is an answer that is not one of EC2's.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// call sends parameters to a service until an answer is good, or trying again is of
// no use.
func (c *Client) call(ctx context.Context, service, endpoint string, params url.Values) ([]byte, error) {
	body := []byte(params.Encode())
	release := func(error) error { return nil }
	for attempt := 1; ; attempt++ {
		done, err := c.retryer.GetAttemptToken(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := c.attempt(ctx, service, endpoint, body)
		// A token that can't be given back makes later retries fewer, no more.
		_, _ = done(err), release(err)
		if err == nil || ctx.Err() != nil || attempt >= c.retryer.MaxAttempts() || !c.retryer.IsErrorRetryable(err) {
			return answer, err
		}
		if release, _ = c.retryer.GetRetryToken(ctx, err); release == nil {
			return nil, err // too many failed lately
		}
		delay, wrong := c.retryer.RetryDelay(attempt, err)
		if wrong != nil {
			return nil, err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// attempt sends one request, signed anew: signatures are good for minutes.
func (c *Client) attempt(ctx context.Context, service, endpoint string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("User-Agent", "weir")
	keys, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(hash[:]), service, c.cfg.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	res, err := c.cfg.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(answer) > maxAnswer:
		return nil, &answerError{fmt.Errorf("the answer is longer than %d bytes", maxAnswer)}
	case res.StatusCode != http.StatusOK:
		return nil, &attemptError{ec2.ParseError(res.StatusCode, answer)}
	}
	return answer, nil
}

// credentials returns the keys to sign with.
func (c *Client) credentials(ctx context.Context) (aws.Credentials, error) {
	if c.cfg.Credentials == nil {
		return aws.Credentials{}, &credentialsError{errors.New("there are none")}
	}
	keys, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return keys, &credentialsError{err}
	}
	return keys, nil
}

// attemptError tells the SDK's retryer what it wants to know of an error.
type attemptError struct{ cause *ec2.Error }

func (e *attemptError) Error() string       { return e.cause.Error() }
func (e *attemptError) Unwrap() error       { return e.cause }
func (e *attemptError) HTTPStatusCode() int { return e.cause.Status }
func (e *attemptError) ErrorCode() string   { return e.cause.Code }

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
