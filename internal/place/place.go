package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/source"
	"weir/recordfile"
)

// Config configures [New]. Places is required.
type Config struct {
	// Places are what a user calls them: a file, a directory, "-" for Stdin,
	// s3://BUCKET/PREFIX, logs://GROUP or logs://GROUP:STREAM.
	Places []string
	Selection

	AWS           awsconfig.Options // for buckets and log groups
	Anonymous     bool              // requests to buckets are not signed
	RequesterPays bool              // who reads pays for it, and knows

	Stdin io.Reader
	Now   func() time.Time // default time.Now
}

// A List is the objects of some places. It can be gone through once.
type List struct {
	cfg    Config
	places []place

	aws    func(context.Context) (*awsconfig.Config, error)
	client func(context.Context) (*client, error) // of S3

	// away is told that a request for a part of an object has failed, and reports
	// whether to try again; nil does not. No error tells that it works again.
	away func(ctx context.Context, err error) bool

	mu      sync.Mutex
	account Account
	seen    map[flowLog]slots
}

// An Account says what a list has named, and what it has left out.
type Account struct {
	Objects int
	Bytes   int64 // of those whose size is known
	// Useless are objects that were seen and whose name says that they hold
	// nothing that is wanted. Whole folders of them are not looked at, and count
	// as one.
	Useless int
	// Again are objects that are in several of the places, and are named once.
	Again int
	// Unnamed are those of Objects whose names do not say of which account, region
	// and flow log they are, if only some of these are wanted: what is in them may
	// be of others.
	Unnamed int
	// Skipped are objects and folders that do not look like flow logs, beside
	// some that do. Examples are the first of them.
	Skipped  int
	Examples []string
}

// maxExamples is how many skipped objects are named.
const maxExamples = 5

// An Entry is an object, and what those want to know who copy it.
type Entry struct {
	source.Object
	Path     string    // in its place, with slashes: of a bucket, the key
	ETag     string    // with its quotation marks; "" if there is none
	Modified time.Time // zero if it is not known
}

// A place is one that a user has named.
type place struct {
	name string
	kind kind
	// of a bucket: its name and the prefix; of a log group: what follows the
	// scheme, and nothing
	host, path string
}

type kind int

const (
	inFiles kind = iota
	inStdin
	inBucket
	inLogs
)

// New returns the list of what is at places. It looks at no place yet: the error is
// that of a name that makes no sense.
func New(cfg Config) (*List, error) {
	if len(cfg.Places) == 0 {
		return nil, errors.New("place: Places is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &List{cfg: cfg, seen: map[flowLog]slots{}}
	stdin := 0
	for _, name := range cfg.Places {
		p, err := parse(name)
		if err != nil {
			return nil, err
		}
		if p.kind == inStdin {
			stdin++
		}
		l.places = append(l.places, p)
	}
	if stdin > 1 {
		return nil, awsconfig.Hint(errors.New("standard input (-) can be read once"), "name - once")
	}
	// Several places share one client; sync.OnceValues would keep the context of
	// the first caller, and need not: all come from one range over the list.
	var conf *awsconfig.Config
	l.aws = func(ctx context.Context) (c *awsconfig.Config, err error) {
		if conf == nil {
			if c, err = awsconfig.Load(ctx, cfg.AWS); err != nil {
				return nil, err
			}
			conf = c
		}
		return conf, nil
	}
	var s3 *client
	l.client = func(ctx context.Context) (*client, error) {
		if s3 != nil {
			return s3, nil
		}
		conf, err := l.aws(ctx)
		if err != nil {
			return nil, err
		}
		s3, err = newClient(ctx, conf, &cfg)
		return s3, err
	}
	return l, nil
}

func parse(name string) (place, error) {
	scheme, rest, ok := strings.Cut(name, "://")
	switch {
	case name == "":
		return place{}, awsconfig.Hint(errors.New("a place without a name"), "a file, a directory, -, s3://BUCKET/PREFIX or logs://GROUP; is a variable of the shell empty?")
	case name == "-":
		return place{name: name, kind: inStdin}, nil
	case !ok || strings.ContainsAny(scheme, `/\.`):
		return place{name: name, kind: inFiles}, nil
	case scheme == "s3" || scheme == "s3a":
		bucket, key, _ := strings.Cut(rest, "/")
		if strings.HasPrefix(bucket, "arn:") {
			return place{}, awsconfig.Hint(fmt.Errorf("%s: not the name of a bucket", name), "an access point has an alias, which can be used as one")
		}
		if bucket == "" {
			return place{}, awsconfig.Hint(fmt.Errorf("%s: no bucket", name), "s3://BUCKET/PREFIX")
		}
		return place{name, inBucket, bucket, key}, nil
	case scheme == "logs":
		group, _, _ := strings.Cut(rest, ":")
		if strings.Trim(group, "/") == "" {
			return place{}, awsconfig.Hint(fmt.Errorf("%s: no log group", name), "logs://GROUP, or logs://GROUP:STREAM")
		}
		return place{name, inLogs, rest, ""}, nil
	}
	return place{}, awsconfig.Hint(fmt.Errorf("%s: no place that records can be read from", name),
		"a file, a directory, -, s3://BUCKET/PREFIX or logs://GROUP")
}

// Objects returns the objects that may hold what is wanted: place by place, in each in
// the order of names. An error is the last of it.
func (l *List) Objects(ctx context.Context) iter.Seq2[source.Object, error] {
	return func(yield func(source.Object, error) bool) {
		for e, err := range l.Entries(ctx) {
			if !yield(e.Object, err) {
				return
			}
		}
	}
}

// Entries is Objects with more about each.
func (l *List) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		named := map[string]bool{}
		for _, p := range l.places {
			more := true
			out := func(e Entry) bool {
				if len(l.places) > 1 {
					id := identity(p.kind, e.Name)
					if named[id] {
						l.again()
						return true
					}
					named[id] = true
				}
				l.note(&e)
				more = yield(e, nil)
				return more
			}
			var err error
			switch p.kind {
			case inStdin:
				out(Entry{Object: source.Object{Name: "-", Size: -1, Open: func(ctx context.Context) (io.ReadCloser, error) {
					return interruptible(ctx, l.cfg.Stdin), nil
				}}})
			case inFiles:
				err = l.files(ctx, p.name, out)
			case inBucket:
				err = l.bucket(ctx, p, out)
			case inLogs:
				err = l.logs(ctx, p, out)
			}
			if !more {
				return
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}

// identity is the same for one object, whatever it is called.
func identity(k kind, name string) string {
	if k != inFiles {
		return name
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	return name
}

// again books an object that another place has named before.
func (l *List) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account.Again++
}

// note books an object that is named.
func (l *List) note(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account.Objects++
	l.account.Bytes += max(0, e.Size)
	if f := e.File; f != nil {
		of := flowLog{f.Account, f.Region, f.FlowLog}
		have := l.seen[of]
		if n := slot(f.Time); len(have) == 0 || have[len(have)-1] != n {
			l.seen[of] = append(have, n)
		}
	} else if s := &l.cfg.Selection; len(s.Accounts)+len(s.FlowLogs) > 0 || len(s.Regions) > 0 && !strings.HasPrefix(e.Name, "logs://") {
		l.account.Unnamed++ // a log group is in the region
	}
}

func (l *List) useless() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account.Useless++
}

func (l *List) skip(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account.Skipped++
	if len(l.account.Examples) < maxExamples {
		l.account.Examples = append(l.account.Examples, name)
	}
}

// Account returns what was named so far, and what was left out.
func (l *List) Account() Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account
	a.Examples = append([]string(nil), a.Examples...)
	return a
}

// file returns what a name says, nil if it is not that of a flow log file.
func file(name string) *recordfile.Name {
	n, err := recordfile.ParseName(name)
	if err != nil {
		return nil
	}
	return &n
}
