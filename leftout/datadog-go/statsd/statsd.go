// Package statsd stands for github.com/DataDog/datadog-go, which versitygw's metrics
// import and Weir never uses: it has its own at /metrics. It declares the names that
// versitygw needs to compile; New fails with ErrLeftOut.
package statsd

import "errors"

// ErrLeftOut says that this program was built without a DogStatsD client.
var ErrLeftOut = errors.New("the DogStatsD client is left out of this program")

// Client is never made.
type Client struct{}

// Option is a setting of a Client.
type Option struct{}

// New fails with ErrLeftOut.
func New(address string, options ...Option) (*Client, error) { return nil, ErrLeftOut }

// WithMaxMessagesPerPayload is a setting without effect.
func WithMaxMessagesPerPayload(int) Option { return Option{} }

// WithNamespace is a setting without effect.
func WithNamespace(string) Option { return Option{} }

// WithTags is a setting without effect.
func WithTags([]string) Option { return Option{} }

// Count fails with ErrLeftOut.
func (*Client) Count(name string, value int64, tags []string, rate float64) error { return ErrLeftOut }

// Close does nothing.
func (*Client) Close() error { return nil }
