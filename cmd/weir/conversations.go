package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"time"

	"weir/internal/conversation"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/record"
)

// A conversationAdder joins records to conversations.
type conversationAdder struct{ *conversation.Table }

func (c conversationAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	return c.Add(b, selected)
}

// converse prints conversations instead of records.
func (o *readOptions) converse(ctx context.Context, stdout, stderr io.Writer) error {
	var wanted []query.Column
	for _, f := range conversation.Columns() {
		wanted = append(wanted, columnOf(f))
	}
	most := cmp.Or(o.maxConversations, conversation.MaxConversations)
	all, f, err := addUp(ctx, &o.readingOptions, wanted, func() conversationAdder {
		return conversationAdder{conversation.NewTable(most)}
	})
	if err == nil {
		for _, c := range all[1:] {
			if err = all[0].Merge(c.Table); err != nil {
				err = fmt.Errorf("read: %w", err)
				break
			}
			all[0].Left += c.Left
		}
	}
	if errors.Is(err, conversation.ErrTooMany) {
		return hintError{fmt.Errorf("%w: more than %s", err, show.Count(int64(most))), "choose records --where, or a shorter time with --since and --until"}
	}
	if err != nil {
		return err
	}
	if err := o.printConversations(stdout, all[0].Table, f); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if n := all[0].Left; n > 0 && !o.quiet {
		fmt.Fprintf(stderr, "weir: %s records have no addresses, and so are of no conversation\n", show.Count(n))
	}
	return o.tell(stderr, f)
}

func (o *readOptions) printConversations(stdout io.Writer, t *conversation.Table, f *found) error {
	n := -1
	if o.limit > 0 {
		n = int(o.limit)
	}
	var name func(netip.Addr, int64) string
	if o.naming.on() {
		name = o.naming.addr
	}
	each := func(yield func(show.Conversation) bool) {
		for row := range t.Rows(conversation.ByTime, n) {
			if !yield(show.NewConversation(&row, name)) {
				return
			}
		}
	}
	switch {
	case o.json:
		all := []show.Conversation{}
		for c := range each {
			all = append(all, c)
		}
		return show.WriteJSON(stdout, map[string]any{"conversations": all, "account": f.json()})
	case o.csv:
		return show.Conversations(stdout, each, show.CSV)
	case o.tsv:
		return show.Conversations(stdout, each, show.TSV)
	case f.Kept == 0:
		return nil
	}
	shown := o.conversationsTable(each)
	if len(shown.rows) == 0 {
		return nil
	}
	return shown.write(stdout, widthOf(stdout))
}

func (o *readOptions) conversationsTable(all iter.Seq[show.Conversation]) *table {
	t := &table{columns: []column{{name: "START", drop: 2}, {name: "TOOK", drop: 5}, {name: "CLIENT", cut: true}, {name: "SERVER", cut: true},
		{name: "PROTOCOL", drop: 3}, {name: "SENT"}, {name: "ANSWERED"}, {name: "VERDICT"}, {name: "ENDING"}, {name: "DECIDED", drop: 4}, {name: "SEEN AT", cut: true, drop: 6}}}
	for c := range all {
		start := ""
		if at, err := time.Parse(time.RFC3339, c.Start); err == nil {
			start = at.In(o.in).Format("2006-01-02 15:04:05")
		}
		protocol := ""
		if c.Protocol != nil {
			protocol = query.Word(columnOf(record.Protocol), strconv.Itoa(*c.Protocol))
		}
		seen := fmt.Sprintf("%d interfaces", len(c.Interfaces))
		if len(c.Interfaces) == 1 {
			seen = c.Interfaces[0]
		}
		t.add(start, (time.Duration(c.Seconds) * time.Second).String(), end(c.Client, c.ClientPort, c.ClientName), end(c.Server, c.ServerPort, c.ServerName),
			protocol, show.Bytes(c.ToServer.Bytes), show.Bytes(c.ToClient.Bytes), c.Verdict, c.Ending, c.Decided, seen)
	}
	return t
}

// end writes one end of a conversation.
func end(addr string, port int, name string) string {
	if port > 0 {
		if a, err := netip.ParseAddr(addr); err == nil {
			addr = netip.AddrPortFrom(a, uint16(port)).String()
		}
	}
	if name != "" {
		addr += " " + name
	}
	return addr
}
