package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// stall is how long a connection may send nothing.
	stall = time.Minute
	// tries is how often a download goes on after a connection that brought
	// nothing.
	tries = 5
)

// A remote is an object in a bucket.
type remote struct {
	c           *client
	bucket, key string
	size        int64                             // of the listing
	away        func(context.Context, error) bool // see List
}

// again reports whether to try again what has failed with err, or tells that it works.
func (r *remote) again(ctx context.Context, err error) bool {
	return r.away != nil && r.away(ctx, err)
}

func (r *remote) name() string { return "s3://" + r.bucket + "/" + r.key }

// open begins to read the object. What it returns goes on where it was when a
// connection breaks, as long as the object is the same.
func (r *remote) open(ctx context.Context) (io.ReadCloser, error) {
	d := &download{remote: r, ctx: ctx, size: -1}
	if err := d.reach(); err != nil {
		return nil, err
	}
	return d, nil
}

// A download is an object that is being read.
type download struct {
	*remote
	ctx    context.Context
	etag   string
	off    int64
	size   int64 // -1 if nobody says it
	body   io.ReadCloser
	cancel context.CancelFunc
	watch  *time.Timer
	failed int // connections that brought nothing, one after the other
}

// reach asks for what is left, for as long as that may help.
func (d *download) reach() error {
	for {
		err := d.connect()
		if err == nil {
			d.again(d.ctx, nil)
			return nil
		}
		if !d.again(d.ctx, err) {
			return err
		}
	}
}

// connect asks for what is left.
func (d *download) connect() error {
	ctx, cancel := context.WithCancel(d.ctx)
	// A connection that sends nothing is given up.
	watch := time.AfterFunc(stall, cancel)
	header := http.Header{}
	if d.off > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", d.off))
		if d.etag != "" {
			header.Set("If-Match", d.etag)
		}
	}
	res, err := d.c.do(ctx, d.bucket, d.key, nil, header)
	if err == nil && d.off > 0 && res.StatusCode == http.StatusOK {
		// It does not know ranges.
		if _, err = io.CopyN(io.Discard, res.Body, d.off); err != nil {
			res.Body.Close()
		}
	}
	if err != nil {
		watch.Stop()
		cancel()
		return d.c.explain(replaced(err), d.bucket)
	}
	if d.off == 0 {
		d.etag, d.size = res.Header.Get("ETag"), res.ContentLength
	}
	d.body, d.cancel, d.watch = res.Body, cancel, watch
	return nil
}

// replaced says in our words that the object is another one now.
func replaced(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusPreconditionFailed {
		return fmt.Errorf("it was replaced while it was read: %w", err)
	}
	return err
}

func (d *download) Read(b []byte) (int, error) {
	for {
		if d.body == nil {
			return 0, io.ErrClosedPipe
		}
		n, err := d.body.Read(b)
		d.off += int64(n)
		if n > 0 {
			d.failed = 0
			d.watch.Reset(stall)
		}
		switch {
		case err == nil:
			return n, nil
		case err == io.EOF && (d.size < 0 || d.off >= d.size):
			return n, io.EOF
		case n > 0:
			return n, nil // the error comes again
		case d.ctx.Err() != nil:
			return 0, d.ctx.Err()
		}
		if d.failed++; d.failed > tries {
			if d.again(d.ctx, err) {
				d.failed = 1
			}
		}
		if d.failed > tries {
			return 0, fmt.Errorf("after %d of %d bytes, %d times: %w", d.off, d.size, d.failed, err)
		}
		d.Close()
		select {
		case <-time.After(time.Duration(d.failed-1) * time.Second):
		case <-d.ctx.Done():
			return 0, d.ctx.Err()
		}
		if err := d.reach(); err != nil {
			return 0, fmt.Errorf("go on after %d of %d bytes: %w", d.off, d.size, err)
		}
	}
}

// Close lets go of the connection.
func (d *download) Close() error {
	if d.body == nil {
		return nil
	}
	d.watch.Stop()
	err := d.body.Close()
	d.cancel()
	d.body = nil
	return err
}

// md5 returns the MD5 of the object, "" if nobody has said it: the ETag of an object
// that was put in one piece, and is not encrypted by another's key, is one.
func md5Of(etag string) string {
	s := strings.Trim(etag, `"`)
	if len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" {
		return s
	}
	return ""
}
