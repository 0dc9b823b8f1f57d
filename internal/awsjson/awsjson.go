// Package awsjson is a client of those of Amazon's services that speak JSON 1.1, as
// CloudWatch Logs and Firehose do: a request is POST / with the action in X-Amz-Target
// and its parameters in the body. What an action's parameters mean is its caller's.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"weir/internal/awsconfig"
)

// ContentType is that of requests and of answers.
const ContentType = "application/x-amz-json-1.1"

// Config configures [New]. AWS, Service, ID and Target are required.
type Config struct {
	AWS     *awsconfig.Config
	Service string // in signatures and in the names of Amazon's hosts, such as "logs"
	ID      string // in names of variables and files, such as "CloudWatch Logs"
	Target  string // before the name of an action, such as "Logs_20140328."

	Timeout time.Duration // of one attempt; default 1m
	Idle    int           // connections that are kept; default 4
}

const (
	defaultTimeout = time.Minute
	defaultIdle    = 4
	maxAnswer      = 16 << 20
)

// A Client calls one service. It may be used from several goroutines.
type Client struct {
	cfg  Config
	http *http.Client

	// Endpoint is the URL of the service, which is Amazon's own if Amazon is true.
	Endpoint string
	Amazon   bool
}

// New returns a client. It calls nothing.
func New(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Idle == 0 {
		cfg.Idle = defaultIdle
	}
	if cfg.AWS.Region == "" {
		return nil, awsconfig.Hint(errors.New("no region"), "say --region, or set AWS_REGION or the profile's region")
	}
	endpoint, err := cfg.AWS.Endpoint(ctx, cfg.AWS.Given(), cfg.ID)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, http: &http.Client{
		Transport: cfg.AWS.Transport(cfg.Idle),
		// It would make a GET of a POST, and another host needs another signature.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, Endpoint: endpoint}
	if endpoint == "" {
		c.Amazon, c.Endpoint = true, cfg.AWS.Amazon(cfg.Service, cfg.AWS.Region)
	}
	return c, nil
}

// Call calls an action, again where that may help, and reads its answer into out; nil
// is for answers that say nothing. What the service answers instead is an [*Error].
func (c *Client) Call(ctx context.Context, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	var answer []byte
	err = c.cfg.AWS.Try(ctx, func() (err error) {
		answer, err = c.attempt(ctx, action, body)
		return err
	})
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

func (c *Client) attempt(ctx context.Context, action string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", ContentType)
	req.Header.Set("X-Amz-Target", c.cfg.Target+action)
	req.Header.Set("User-Agent", "weir")
	hash := sha256.Sum256(body)
	if err := c.cfg.AWS.Sign(ctx, req, hex.EncodeToString(hash[:]), c.cfg.Service, c.cfg.AWS.Region); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return answer, nil
	}
	return nil, ParseError(res.StatusCode, res.Header.Get("X-Amzn-ErrorType"), answer)
}

// An Error is what a service answers instead of what was asked for.
type Error struct {
	Status  int    // of HTTP
	Code    string // the service's own; the status in words if the answer has none
	Message string // empty if the answer has none
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// HTTPStatusCode and ErrorCode are what the SDK judges by whether to try again.
func (e *Error) HTTPStatusCode() int { return e.Status }

// ErrorCode returns the code.
func (e *Error) ErrorCode() string { return e.Code }

// ParseError reads an answer that is an error: its status, its header X-Amzn-ErrorType
// and its body. Some write the name of a schema before the code, or a URL behind it, and
// the message with another initial ("AWS JSON 1.1 protocol", Smithy 2.0, read 2026-11-24).
func ParseError(status int, kind string, body []byte) *Error {
	e := &Error{Status: status}
	var x struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // in either case
	}
	if json.Unmarshal(body, &x) == nil {
		e.Message = x.Message
	}
	for _, code := range []string{kind, x.Type, x.Code} {
		code, _, _ = strings.Cut(code, ":")
		if code = code[strings.LastIndexByte(code, '#')+1:]; code != "" {
			e.Code = code
			return e
		}
	}
	if e.Code = http.StatusText(status); e.Code == "" {
		e.Code = fmt.Sprintf("status %d", status)
	}
	e.Message = "" // of something else
	return e
}
