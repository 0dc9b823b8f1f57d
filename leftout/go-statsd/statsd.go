// Package statsd stands for github.com/smira/go-statsd, which versitygw's metrics
// import and Weir never uses: it has its own at /metrics. It declares the names that
// versitygw needs to compile; what is counted goes nowhere.
package statsd

// Client sends nothing.
type Client struct{}

// Option is a setting of a Client.
type Option struct{}

// Tag is a name and its value.
type Tag struct{}

// TagFormat is a way to write tags.
type TagFormat struct{}

// TagFormatInfluxDB is InfluxDB's way to write tags.
var TagFormatInfluxDB = &TagFormat{}

// NewClient returns a Client.
func NewClient(string, ...Option) *Client { return &Client{} }

// MetricPrefix is a setting without effect.
func MetricPrefix(string) Option { return Option{} }

// TagStyle is a setting without effect.
func TagStyle(*TagFormat) Option { return Option{} }

// DefaultTags is a setting without effect.
func DefaultTags(...Tag) Option { return Option{} }

// StringTag returns a Tag.
func StringTag(name, value string) Tag { return Tag{} }

// Incr does nothing.
func (*Client) Incr(name string, n int64, tags ...Tag) {}

// Close does nothing.
func (*Client) Close() error { return nil }
