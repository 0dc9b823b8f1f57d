package place

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"weir/internal/awsconfig"
	"weir/internal/source"
)

const (
	// maxPipe is more than a line may have.
	maxPipe = 2 << 20
	// pipeSize is how much is read at a time.
	pipeSize = 256 << 10
)

// interruptible returns what reads in, and fails when ctx ends: reading a pipe or a
// terminal itself ends when somebody writes or closes it.
func interruptible(ctx context.Context, in io.Reader) io.ReadCloser {
	p := &interrupted{ctx: ctx, read: make(chan chunk), back: make(chan []byte, 2)}
	p.back <- make([]byte, pipeSize)
	p.back <- make([]byte, pipeSize)
	go func() {
		for b := range p.back {
			n, err := in.Read(b)
			select {
			case p.read <- chunk{b, b[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

type interrupted struct {
	ctx  context.Context
	read chan chunk
	back chan []byte // memory that nobody uses
	now  chunk
}

// A chunk is what was read once.
type chunk struct {
	all, left []byte
	err       error
}

func (p *interrupted) Read(b []byte) (int, error) {
	for len(p.now.left) == 0 {
		if p.now.err != nil {
			return 0, p.now.err
		}
		if p.now.all != nil {
			p.back <- p.now.all
			p.now.all = nil
		}
		select {
		case p.now = <-p.read:
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(b, p.now.left)
	p.now.left = p.now.left[n:]
	return n, nil
}

// Close does nothing: whoever opened the pipe closes it.
func (p *interrupted) Close() error { return nil }

// pipe reads what comes, in parts of whole lines, until it ends. What is compressed is
// one object.
func (f *follower) pipe(ctx context.Context, name string, in io.Reader) error {
	r := interruptible(ctx, in)
	buf := make([]byte, pipeSize)
	s := &source.Stream{}
	var left []byte
	for begun := false; ; {
		n, err := r.Read(buf)
		if ctx.Err() != nil {
			return nil
		}
		left = append(left, buf[:n]...)
		if !begun && err == nil && len(left) < 4 {
			continue
		}
		if !begun && packed(left[:min(4, len(left))]) {
			return awsconfig.Hint(fmt.Errorf("%s: what is compressed can't be followed", name), "zcat FILE | weir read - --follow")
		}
		begun = true
		end := bytes.LastIndexByte(left, '\n') + 1
		if err != nil || end == 0 && len(left) > maxPipe {
			end = len(left) // the last line need not end, and one that long is none
		}
		if end > 0 {
			lines := left[:end]
			f.part(ctx, name, s, int64(end), func() (io.Reader, error) { return bytes.NewReader(lines), nil })
			f.wait(ctx)
			left = bytes.Clone(left[end:])
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}
