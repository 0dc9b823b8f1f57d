package place

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"weir/internal/awsconfig"
	"weir/internal/source"
)

// maxPipe is more than a line may have.
const maxPipe = 2 << 20

// pipe reads what comes, in parts of whole lines, until it ends. What is compressed is
// one object.
func (f *follower) pipe(ctx context.Context, name string, in io.Reader) error {
	type chunk struct {
		b   []byte
		err error
	}
	// Reading a pipe does not end with ctx.
	read := make(chan chunk)
	go func() {
		for {
			b := make([]byte, 256<<10)
			n, err := in.Read(b)
			select {
			case read <- chunk{b[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	s := &source.Stream{}
	var left []byte
	for begun := false; ; {
		var c chunk
		select {
		case c = <-read:
		case <-ctx.Done():
			return nil
		}
		left = append(left, c.b...)
		if !begun && c.err == nil && len(left) < 4 {
			continue
		}
		if !begun && packed(left[:min(4, len(left))]) {
			return awsconfig.Hint(fmt.Errorf("%s: what is compressed can't be followed", name), "zcat FILE | weir read - --follow")
		}
		begun = true
		end := bytes.LastIndexByte(left, '\n') + 1
		if c.err != nil || end == 0 && len(left) > maxPipe {
			end = len(left) // the last line need not end, and one that long is none
		}
		if end > 0 {
			lines := left[:end]
			f.part(ctx, name, s, int64(end), func() (io.Reader, error) { return bytes.NewReader(lines), nil })
			f.wait(ctx)
			left = bytes.Clone(left[end:])
		}
		switch {
		case c.err == io.EOF:
			return nil
		case c.err != nil:
			return fmt.Errorf("%s: %w", name, c.err)
		}
	}
}
