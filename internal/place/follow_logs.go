package place

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"weir/internal/source"
)

// A logsFollower follows a log group, or a stream of it.
type logsFollower struct {
	*follower
	group   group
	seen    map[string]int64 // events by their ids, with their time; nil before the first look
	streams map[string]*source.Stream
}

// behind is how much older than the newest an event may be that comes after it: its
// time is when its record begins.
const behind = window + delivery

// look asks for the events since shortly before the newest, and hands out those that
// were not there.
func (g *logsFollower) look(ctx context.Context) error {
	first := g.seen == nil
	if first {
		if err := g.find(ctx); err != nil {
			return err
		}
	}
	old := g.own.cfg.Since.IsZero()
	if g.group.from == 0 {
		g.group.from = g.own.cfg.Now().Add(-behind).UnixMilli()
	}
	ask := g.group
	if first {
		g.seen = map[string]int64{}
	}
	newest := int64(0)
	for token := ""; ; {
		begun := time.Now()
		got, next, err := ask.c.events(ctx, &ask, token)
		g.looked += time.Since(begun)
		if err != nil {
			return ask.c.explain(fmt.Errorf("logs://%s: %w", ask.name, err), ask.name)
		}
		var order []string
		text := map[string]*bytes.Buffer{}
		for _, e := range got {
			_, again := g.seen[e.ID]
			g.seen[e.ID] = e.Time
			newest = max(newest, e.Time)
			if again || first && old {
				continue
			}
			if text[e.Stream] == nil {
				order, text[e.Stream] = append(order, e.Stream), &bytes.Buffer{}
			}
			text[e.Stream].WriteString(strings.TrimRight(e.Message, "\n") + "\n")
		}
		for _, stream := range order {
			lines := text[stream]
			if g.streams[stream] == nil {
				g.streams[stream] = &source.Stream{}
			}
			g.part(ctx, "logs://"+ask.name+":"+stream, g.streams[stream], int64(lines.Len()), func() (io.Reader, error) { return lines, nil })
		}
		g.wait(ctx)
		if next == "" || next == token || ctx.Err() != nil {
			break
		}
		token = next
	}
	// The next look begins shortly before the newest event, and needs no older ids.
	if from := newest - behind.Milliseconds(); from > g.group.from {
		g.group.from = from
	}
	for id, at := range g.seen {
		if at < g.group.from {
			delete(g.seen, id)
		}
	}
	return nil
}

// find finds the group.
func (g *logsFollower) find(ctx context.Context) error {
	conf, err := g.own.aws(ctx)
	if err != nil {
		return err
	}
	c, err := newLogsClient(ctx, conf)
	if err != nil {
		return fmt.Errorf("%s: %w", g.p.name, err)
	}
	g.group = group{c: c, ids: true}
	if s := g.own.cfg.Since; !s.IsZero() {
		g.group.from = max(1, s.Add(-window).UnixMilli())
	}
	if _, err := g.group.find(ctx, g.p.host); err != nil {
		return err
	}
	g.streams = map[string]*source.Stream{}
	return nil
}
