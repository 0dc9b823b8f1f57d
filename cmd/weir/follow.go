package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"weir/internal/place"
	"weir/internal/source"
)

// patience is how long output waits for that of an object that was found before it.
const patience = 5 * time.Second

// follow prepares a scan for what comes to places. What it returns ends with ctx, when
// the scan's output can't be written or is enough, and with end.
func follow(ctx context.Context, list *place.List, s *source.Scan) (objects iter.Seq2[source.Object, error], end func()) {
	ctx, end = context.WithCancel(ctx)
	s.Patience, s.Output = patience, &endingWriter{s.Output, end}
	return list.Follow(ctx, place.Follow{Tell: func(place string, err error) {
		if err == nil {
			fmt.Fprintf(os.Stderr, "weir: %s works again\n", printable(place))
			return
		}
		fmt.Fprintf(os.Stderr, "weir: %v; it is tried again\n", err)
	}}), end
}

// An endingWriter tells that nothing more can be written.
type endingWriter struct {
	io.Writer
	end func()
}

func (w *endingWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.end()
	}
	return n, err
}
