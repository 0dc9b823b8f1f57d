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

	"weir/internal/awsconfig"
	"weir/internal/ec2"
)

// Bounds of one attempt.
const (
	attemptTime = time.Minute
	idle        = 4        // connections that are kept
	maxAnswer   = 64 << 20 // a page of a thousand interfaces is 3 MB
)

// A Client calls EC2. It may be used from several goroutines.
type Client struct {
	cfg      *awsconfig.Config
	http     *http.Client
	endpoint string // of EC2
}

// Options are what a user said; what is empty comes from the environment and the
// files that every AWS tool reads.
type Options = awsconfig.Options

// Partition returns the name that ARNs of a region's resources have, such as "aws".
func Partition(region string) string { return awsconfig.Partition(region) }

// New returns a client. It reads configuration but calls nothing.
func New(ctx context.Context, o Options) (*Client, error) {
	cfg, err := awsconfig.Load(ctx, o)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, awsconfig.Hint(errors.New("no region"), "say --region, or set AWS_REGION or the profile's region")
	}
	c := &Client{cfg: cfg, http: &http.Client{Transport: cfg.Transport(idle)}}
	if c.endpoint, err = c.find(ctx, cfg.Given(), "EC2"); err != nil {
		return nil, err
	}
	return c, nil
}

// find returns the endpoint of a service, by its id in the SDK: what is given or
// configured, else Amazon's.
func (c *Client) find(ctx context.Context, given, service string) (string, error) {
	endpoint, err := c.cfg.Endpoint(ctx, given, service)
	if endpoint == "" && err == nil {
		endpoint = c.cfg.Amazon(strings.ToLower(service), c.cfg.Region)
	}
	return endpoint, err
}

// Endpoint returns the URL that calls go to.
func (c *Client) Endpoint() string { return c.endpoint }

// Region returns the region that calls are about.
func (c *Client) Region() string { return c.cfg.Region }

// Amazon reports whether calls go to Amazon itself: no other endpoint was said or
// configured.
func (c *Client) Amazon() bool { return c.endpoint == c.cfg.Amazon("ec2", c.cfg.Region) }

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
	var answer []byte
	err := c.cfg.Try(ctx, func() (err error) {
		answer, err = c.attempt(ctx, service, endpoint, body)
		return err
	})
	return answer, err
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
	hash := sha256.Sum256(body)
	if err := c.cfg.Sign(ctx, req, hex.EncodeToString(hash[:]), service, c.cfg.Region); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
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

// attemptError tells the SDK's retryer what it wants to know of an error.
type attemptError struct{ cause *ec2.Error }

func (e *attemptError) Error() string       { return e.cause.Error() }
func (e *attemptError) Unwrap() error       { return e.cause }
func (e *attemptError) HTTPStatusCode() int { return e.cause.Status }
func (e *attemptError) ErrorCode() string   { return e.cause.Code }
