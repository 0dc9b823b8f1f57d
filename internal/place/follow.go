package place

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"sync"
	"time"

	"weir/internal/source"
)

// Follow configures [List.Follow].
type Follow struct {
	// Tell is told, from any goroutine, of an error on the way at a place: it is
	// tried again, and not told again. nil as error tells that it is over.
	Tell func(place string, err error)
	// Every is how often a place is looked at: the least, where looking takes long.
	// 0 is a second for files, and five for what is remote.
	Every time.Duration

	after func() // of tests: called after each look
}

const (
	everyFiles  = time.Second
	everyRemote = 5 * time.Second
	// share is which part of the time looking may take.
	share = 20
	// longest is the longest between two looks because of that.
	longest = time.Minute
	// back is how late objects of a bucket may be: the folders of so much time are
	// listed each time.
	back = 6 * time.Hour
)

// Follow returns the objects that come to places from now on; where Since is set, also
// those that are there, which hold what is wanted. Of what grows a part is an object.
// It ends with ctx, or when all places have ended, as only standard input does. An error
// is the last of it: the first look at a place has to work.
func (l *List) Follow(outer context.Context, f Follow) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		ctx, cancel := context.WithCancelCause(outer)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel(nil)
		found := make(chan source.Object)
		for _, p := range l.places {
			w := &follower{Follow: f, l: l, p: p, found: found}
			running.Go(func() {
				if err := w.run(ctx); err != nil {
					cancel(err)
				}
			})
		}
		go func() {
			running.Wait()
			cancel(io.EOF)
		}()
		for {
			select {
			case o := <-found:
				if !yield(o, nil) {
					return
				}
			case <-ctx.Done():
				if err := context.Cause(ctx); err != io.EOF && outer.Err() == nil {
					yield(source.Object{}, err)
				}
				return
			}
		}
	}
}

// A follower looks at one place again and again.
type follower struct {
	Follow
	l     *List
	p     place
	found chan<- source.Object

	own    *List // of this place alone
	looked time.Duration
	parts  []<-chan struct{} // closed when they have been read

	mu               sync.Mutex
	missing, failing bool // what was told: of the place, and of an object of it
}

// run looks at the place until it or ctx ends.
func (f *follower) run(ctx context.Context) error {
	cfg := f.l.cfg
	cfg.Places = []string{f.p.name}
	var err error
	if f.own, err = New(cfg); err != nil {
		return err
	}
	every := everyRemote
	var look func(context.Context) error
	switch f.p.kind {
	case inStdin:
		return f.pipe(ctx, "-", cfg.Stdin)
	case inFiles:
		if fi, err := os.Stat(f.p.name); err == nil && !fi.IsDir() && !fi.Mode().IsRegular() {
			in, err := os.Open(f.p.name)
			if err != nil {
				return err
			}
			return f.pipe(ctx, f.p.name, in)
		}
		files := &fileFollower{follower: f, wrong: map[string]bool{}}
		defer files.end()
		every, look = everyFiles, files.look
	case inBucket:
		look = (&bucketFollower{follower: f}).look
	case inLogs:
		look = (&logsFollower{follower: f}).look
	}
	every = cmp.Or(f.Every, every)
	for first := true; ; first = false {
		begun := time.Now()
		f.looked = 0
		err := look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && first {
			return err
		}
		f.say(&f.missing, err)
		if f.looked == 0 {
			f.looked = time.Since(begun)
		}
		f.wait(ctx)
		if err != nil {
			f.looked = 0
		}
		if f.after != nil {
			f.after()
		}
		sleep(ctx, max(every, min(share*f.looked, longest)))
	}
}

// round returns a list for one look at the place: its own account is nobody's.
func (f *follower) round() *List {
	return &List{cfg: f.own.cfg, places: f.own.places, aws: f.own.aws, client: f.own.client, away: f.away, seen: map[flowLog]slots{}}
}

// adopt takes over what a look has left out: the first, because all see the same.
func (f *follower) adopt(round *List) {
	a := round.Account()
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	f.l.account.Useless += a.Useless
	f.l.account.Skipped += a.Skipped
	f.l.account.Examples = append(f.l.account.Examples, a.Examples...)
}

// say tells of an error once, and when it is over.
func (f *follower) say(was *bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if is := err != nil; is != *was {
		*was = is
		f.Tell(f.p.name, err)
	}
}

// away decides about an error of reading an object, see List. What the other side
// means stays as it is; but sessions are renewed.
func (f *follower) away(ctx context.Context, err error) bool {
	if err == nil {
		f.say(&f.failing, nil)
		return false
	}
	if status, code := answered(err); status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout &&
		code != "ExpiredToken" && code != "ExpiredTokenException" && code != "RequestTimeTooSkewed" {
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	f.say(&f.failing, err)
	return sleep(ctx, cmp.Or(f.Every, everyRemote))
}

// answered returns the status of HTTP and the code that S3 or CloudWatch Logs answered
// with, 0 and "" if neither did.
func answered(err error) (status int, code string) {
	var e interface {
		error
		HTTPStatusCode() int
		ErrorCode() string
	}
	if errors.As(err, &e) {
		return e.HTTPStatusCode(), e.ErrorCode()
	}
	return 0, ""
}

// sleep reports whether ctx has not ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// offer hands out an object.
func (f *follower) offer(ctx context.Context, e Entry) bool {
	f.l.note(&e)
	select {
	case f.found <- e.Object:
		return true
	case <-ctx.Done():
		return false
	}
}

// part hands out a part of a stream. The next part of the same stream may follow after
// wait.
func (f *follower) part(ctx context.Context, name string, s *source.Stream, size int64, open func() (io.Reader, error)) {
	done := make(chan struct{})
	f.parts = append(f.parts, done)
	o := source.Object{Name: name, Size: size, Stream: s, Open: func(context.Context) (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			close(done)
			return nil, err
		}
		return &part{r, sync.OnceFunc(func() { close(done) })}, nil
	}}
	select {
	case f.found <- o:
	case <-ctx.Done():
	}
}

// wait waits until all parts that were handed out have been read.
func (f *follower) wait(ctx context.Context) {
	for _, done := range f.parts {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	f.parts = f.parts[:0]
}

// A part tells when it has been read.
type part struct {
	io.Reader
	done func()
}

func (p *part) Close() error {
	defer p.done()
	if c, ok := p.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
