package place

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/awsjson"
	"weir/internal/cloudwatch"
	"weir/internal/source"
)

// each is up to how many streams are read one by one, several at a time. Of more the
// whole group is read: that takes fewer calls, and calls are limited.
const each = 200

// A group is a log group, or streams of it.
type group struct {
	c      *logsClient
	name   string
	stream string // "" is all
	from   int64  // of events, in milliseconds since 1970; 0 is no bound
	to     int64  // exclusive
	ids    bool   // events are wanted with their ids
}

// logs names the streams of a log group, or the group as one object.
func (l *List) logs(ctx context.Context, p place, out func(Entry) bool) error {
	conf, err := l.aws(ctx)
	if err != nil {
		return err
	}
	c, err := newLogsClient(ctx, conf)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	g := group{c: c}
	// The time of an event is when its record begins.
	if s := l.cfg.Since; !s.IsZero() {
		g.from = max(1, s.Add(-window).UnixMilli())
	}
	if u := l.cfg.Until; !u.IsZero() {
		g.to = max(1, u.UnixMilli())
	}
	streams, err := g.find(ctx, p.host)
	if err != nil {
		return err
	}
	if len(streams) > each {
		g.stream = ""
		out(g.entry(time.Time{}))
		return nil
	}
	for _, s := range streams {
		// The time of the last event may be an hour behind.
		if g.to > 0 && s.FirstEventTimestamp >= g.to || g.from > 0 && max(s.LastEventTimestamp, s.LastIngestionTime) < g.from-int64(24*time.Hour/time.Millisecond) && s.LastEventTimestamp > 0 {
			l.useless()
			continue
		}
		one := g
		one.stream = s.LogStreamName
		if !out(one.entry(time.UnixMilli(s.LastIngestionTime))) {
			return nil
		}
	}
	return nil
}

// find finds out which part of what the user said is the group, and which a stream: the
// names of groups may have slashes, those of streams no colon.
func (g *group) find(ctx context.Context, said string) ([]logStream, error) {
	var stream string
	var named bool
	g.name, stream, named = strings.Cut(said, ":")
	g.name = strings.TrimSuffix(g.name, "/")
	streams, err := g.c.streams(ctx, g.name, stream)
	if i := strings.LastIndexByte(g.name, '/'); isMissing(err) && !named && i > 0 {
		shorter, last := g.name[:i], g.name[i+1:]
		if again, wrong := g.c.streams(ctx, shorter, last); wrong == nil {
			g.name, stream, streams, err = shorter, last, again, nil
		}
	}
	if err != nil {
		return nil, g.c.explain(fmt.Errorf("logs://%s: %w", g.name, err), g.name)
	}
	if stream == "" {
		return streams, nil
	}
	g.stream = stream
	for _, s := range streams {
		if s.LogStreamName == stream {
			return []logStream{s}, nil
		}
	}
	hint := "the group has no streams yet"
	all, err := g.c.streams(ctx, g.name, "")
	if err == nil && len(all) > 0 {
		hint = "there is " + all[0].LogStreamName
		if len(all) > 1 {
			hint += fmt.Sprintf(", and %d more", len(all)-1)
		}
	}
	return nil, awsconfig.Hint(fmt.Errorf("logs://%s: there is no stream %s", g.name, stream), hint)
}

func isMissing(err error) bool {
	var e *awsjson.Error
	return errors.As(err, &e) && e.Code == cloudwatch.NoSuchGroup.Code
}

// entry returns the object.
func (g *group) entry(modified time.Time) Entry {
	name, path := "logs://"+g.name, strings.Trim(g.name, "/")+"/all.log"
	if g.stream != "" {
		name += ":" + g.stream
		path = strings.Trim(g.name, "/") + "/" + g.stream + ".log"
	}
	return Entry{Path: path, Modified: modified, Object: source.Object{Name: name, Size: -1, Remote: true,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			ctx, cancel := context.WithCancel(ctx)
			return &events{group: *g, ctx: ctx, cancel: cancel}, nil
		}}}
}

// events are the messages of a stream or a group as lines.
type events struct {
	group
	ctx    context.Context
	cancel context.CancelFunc
	lines  bytes.Buffer
	token  string
	ended  bool
	err    error
}

func (e *events) Read(b []byte) (int, error) {
	for e.lines.Len() == 0 {
		switch {
		case e.err != nil:
			return 0, e.err
		case e.ended:
			return 0, io.EOF
		}
		e.err = e.page()
	}
	return e.lines.Read(b)
}

// Close ends reading.
func (e *events) Close() error {
	e.cancel()
	e.ended = true
	return nil
}

// page gets the next events.
func (e *events) page() error {
	got, next, err := e.c.events(e.ctx, &e.group, e.token)
	if err != nil {
		return e.c.explain(err, e.name) // who reads it knows which it is
	}
	for _, x := range got {
		// A message of several lines is several records, or none.
		e.lines.WriteString(strings.TrimRight(x.Message, "\n"))
		e.lines.WriteByte('\n')
	}
	// A stream's last page names itself, a group's none.
	e.ended = next == "" || next == e.token
	e.token = next
	return nil
}
