package place

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"weir/internal/awsconfig"
)

const (
	// idle is how many connections are kept open: as many as objects are opened
	// at a time, and folders listed.
	idle = 64
	// listTime bounds one attempt to list a page.
	listTime = time.Minute
	// maxPage bounds the answer: a thousand keys of a kilobyte, every byte of them
	// escaped.
	maxPage = 16 << 20

	defaultRegion = "us-east-1"
	emptyHash     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// A client reads from S3. It makes its requests itself: what the SDK's client does for
// each costs more than a small object does.
type client struct {
	cfg      *awsconfig.Config
	http     *http.Client
	endpoint string // "" is Amazon's
	signed   bool
	pays     bool

	mu      sync.Mutex
	regions map[string]string // of buckets that are elsewhere
}

func newClient(ctx context.Context, conf *awsconfig.Config, cfg *Config) (*client, error) {
	endpoint, err := conf.Endpoint(ctx, conf.Given(), "S3")
	if err != nil {
		return nil, err
	}
	return &client{
		cfg: conf, endpoint: endpoint, signed: !cfg.Anonymous, pays: cfg.RequesterPays, regions: map[string]string{},
		http: &http.Client{
			Transport: conf.Transport(idle),
			// Another host needs another signature.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func (c *client) region(bucket string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.regions[bucket]; r != "" {
		return r
	}
	if c.cfg.Region != "" {
		return c.cfg.Region
	}
	return defaultRegion
}

// address returns the URL of an object, or of the bucket if key is empty.
func (c *client) address(bucket, key, region string) (*url.URL, error) {
	base := c.endpoint
	inHost := false
	if base == "" {
		base = c.cfg.Amazon("s3", region)
		// Amazon's certificates are not for names with another dot.
		inHost = hostName(bucket)
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if inHost {
		u.Host = bucket + "." + u.Host
		u.Path += key
	} else {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + bucket
		if key != "" {
			u.Path += "/" + key
		}
	}
	u.RawPath = escape(u.Path)
	return u, nil
}

func hostName(bucket string) bool {
	return len(bucket) >= 3 && len(bucket) <= 63 && strings.Trim(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// escape escapes a path as signatures want it.
func escape(path string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
	if strings.Trim(path, plain) == "" {
		return path
	}
	var b strings.Builder
	for i := range len(path) {
		if strings.IndexByte(plain, path[i]) >= 0 {
			b.WriteByte(path[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", path[i])
		}
	}
	return b.String()
}

// do sends a GET until it is answered well, or trying again is of no use. The caller
// closes the body.
func (c *client) do(ctx context.Context, bucket, key string, query url.Values, header http.Header) (res *http.Response, err error) {
	moved := false
	for {
		region := c.region(bucket)
		err = c.cfg.Try(ctx, func() (err error) {
			res, err = c.attempt(ctx, bucket, key, region, query, header)
			return err
		})
		e, ok := err.(*Error)
		if !ok || moved || e.Region == "" || e.Region == region {
			return res, err
		}
		// The bucket is in another region than thought.
		moved = true
		c.mu.Lock()
		c.regions[bucket] = e.Region
		c.mu.Unlock()
	}
}

func (c *client) attempt(ctx context.Context, bucket, key, region string, query url.Values, header http.Header) (*http.Response, error) {
	u, err := c.address(bucket, key, region)
	if err != nil {
		return nil, err
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}).WithContext(ctx)
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "weir")
	if c.pays {
		req.Header.Set("X-Amz-Request-Payer", "requester")
	}
	if c.signed {
		req.Header.Set("X-Amz-Content-Sha256", emptyHash)
		if err := c.cfg.Sign(ctx, req, emptyHash, "s3", region); err != nil {
			return nil, err
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent {
		return res, nil
	}
	defer res.Body.Close()
	return nil, readError(res)
}

// An Error is what an S3 answers instead of what was asked for.
type Error struct {
	Status        int    // of HTTP
	Code, Message string // as S3 says them
	Region        string // of the bucket, where the answer tells
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

func readError(res *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // the status says enough
	var x struct {
		XMLName               xml.Name `xml:"Error"`
		Code, Message, Region string
	}
	e := &Error{Status: res.StatusCode, Region: res.Header.Get("X-Amz-Bucket-Region")}
	if xml.Unmarshal(body, &x) == nil {
		e.Code, e.Message = x.Code, x.Message
		if e.Region == "" {
			e.Region = x.Region
		}
	}
	if e.Code == "" {
		e.Code = http.StatusText(res.StatusCode)
	}
	return e
}

// A page is a part of a listing.
type page struct {
	Objects               []listed `xml:"Contents"`
	Folders               []common `xml:"CommonPrefixes"`
	IsTruncated           bool
	NextContinuationToken string
	EncodingType          string
}

// common is a folder of a listing.
type common struct{ Prefix string }

// listed is an object of a listing.
type listed struct {
	Key          string
	Size         int64
	ETag         string
	LastModified string
	StorageClass string
}

// list lists a page of the keys that begin with prefix: those with a slash further on
// only as the folder up to it, if folders.
func (c *client) list(ctx context.Context, bucket, prefix string, folders bool, token string) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	query := url.Values{"list-type": {"2"}, "prefix": {prefix}, "encoding-type": {"url"}}
	if folders {
		query.Set("delimiter", "/")
	}
	if token != "" {
		query.Set("continuation-token", token)
	}
	res, err := c.do(ctx, bucket, "", query, nil)
	if err != nil {
		return nil, c.explain(fmt.Errorf("s3://%s/%s: list: %w", bucket, prefix, err), bucket)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	var p page
	if err == nil {
		err = xml.Unmarshal(body, &p)
	}
	if err == nil && p.IsTruncated && (p.NextContinuationToken == "" || p.NextContinuationToken == token) {
		err = errors.New("the next page is the same page")
	}
	if err == nil && p.EncodingType == "url" {
		err = p.unescape()
	}
	if err != nil {
		return nil, awsconfig.Hint(fmt.Errorf("s3://%s/%s: list: read the answer: %w", bucket, prefix, err), c.isS3())
	}
	return &p, nil
}

func (p *page) unescape() (err error) {
	for i := range p.Objects {
		if o := &p.Objects[i]; strings.ContainsAny(o.Key, "%+") {
			if o.Key, err = url.QueryUnescape(o.Key); err != nil {
				return err
			}
		}
	}
	for i := range p.Folders {
		if f := &p.Folders[i]; strings.ContainsAny(f.Prefix, "%+") {
			if f.Prefix, err = url.QueryUnescape(f.Prefix); err != nil {
				return err
			}
		}
	}
	return nil
}
