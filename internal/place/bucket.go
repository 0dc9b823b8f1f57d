package place

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/source"
)

const (
	// ahead is how many pages are listed or kept before it is their turn.
	ahead = 32
	// perFolder is how many folders after the one whose turn it is are looked at
	// for something to list ahead.
	perFolder = 16
)

// bucket names the objects of a bucket, in the order of their keys. The layout is gone
// down folder by folder, and folders that cannot match are left out.
func (l *List) bucket(ctx context.Context, p place, out func(Entry) bool) error {
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bucketWalk{l: l, ctx: ctx, c: c, name: p.host, tokens: make(chan struct{}, ahead)}
	defer b.listing.Wait()
	defer cancel()

	prefix, open := strings.CutSuffix(p.path, "*")
	dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
	first := &node{prefix: prefix, folder: at(dir, &l.cfg.Selection)}
	switch {
	case open:
		first.only = func(string) bool { return true }
	case prefix != dir:
		// Without a slash at its end it may be an object or a folder, and is
		// not the beginning of other names.
		first.only = func(key string) bool { return key == prefix || key == prefix+"/" }
	}
	first.flat = first.only == nil && first.folder.settled(&l.cfg.Selection)
	if err := b.walk(first, out); err != nil {
		return err
	}
	if !b.found && prefix != "" {
		return awsconfig.Hint(fmt.Errorf("s3://%s/%s: %w", p.host, p.path, errNothing), b.others(first))
	}
	return nil
}

// errNothing is a prefix that no key has.
var errNothing = errors.New("nothing is there")

// at returns the folder of the layout that a path of folders leads to.
func at(dir string, s *Selection) folder {
	var f folder
	all := Selection{Since: s.Since, Until: s.Until}
	for name := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		in, v := f.enter(name, &all)
		if v == unknown {
			in = folder{}
		}
		f = in
	}
	return f
}

// bucketWalk is a walk through a bucket.
type bucketWalk struct {
	l       *List
	ctx     context.Context
	c       *client
	name    string
	tokens  chan struct{} // of pages that are listed ahead
	listing sync.WaitGroup
	found   bool // anything at all
}

// A node is a part of the bucket that is listed: a page, what was found in it and what
// comes after it.
type node struct {
	prefix string
	token  string
	folder folder
	flat   bool              // all that is below, not folder by folder
	only   func(string) bool // nil: everything

	done chan struct{} // nil until somebody lists it ahead
	held bool          // has a token
	err  error
	any  bool // there is something, wanted or not
	next []item
}

// An item is what a page has: an object, or a node.
type item struct {
	object *listed
	node   *node
	key    string
}

// walk goes through a node and everything below, in the order of keys.
func (b *bucketWalk) walk(first *node, out func(Entry) bool) error {
	stack := []item{{node: first}}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.object != nil {
			if !b.object(top.object, out) {
				return nil
			}
			continue
		}
		n := top.node
		if n.done != nil {
			<-n.done
		} else {
			b.list(n)
		}
		if n.held {
			<-b.tokens
		}
		if n.err != nil {
			return n.err
		}
		for _, i := range slices.Backward(n.next) {
			stack = append(stack, i)
		}
		b.found = b.found || n.any
		n.next = nil
		looked := 0
		for i := len(stack) - 1; i >= 0 && looked < perFolder && len(stack)-i < 4000; i-- {
			if next := stack[i].node; next != nil {
				b.ahead(next)
				looked++
			}
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// ahead lists a node before it is its turn, if there is memory for it, and then what
// is in it. Only the walk, or who lists what the node is in, may call it.
func (b *bucketWalk) ahead(n *node) {
	if n.done != nil {
		return
	}
	select {
	case b.tokens <- struct{}{}:
	default:
		return
	}
	n.held, n.done = true, make(chan struct{})
	b.listing.Go(func() {
		defer close(n.done)
		b.list(n)
		for _, i := range n.next {
			if i.node != nil {
				b.ahead(i.node)
			}
		}
	})
}

// list lists a page, and decides what of it to go into.
func (b *bucketWalk) list(n *node) {
	narrow := ""
	if n.only == nil && n.token == "" {
		narrow = b.l.cfg.start(n.folder)
	}
	p, err := b.c.list(b.ctx, b.name, n.prefix+narrow, !n.flat, n.token)
	if err == nil && narrow != "" && len(p.Objects) == 0 {
		// The files of a day may be in folders of its hours.
		narrow = ""
		p, err = b.c.list(b.ctx, b.name, n.prefix, !n.flat, "")
	}
	n.prefix += narrow
	if err != nil {
		n.err = err
		return
	}
	n.any = len(p.Objects)+len(p.Folders) > 0
	if n.only != nil {
		n.any = slices.ContainsFunc(p.Objects, func(o listed) bool { return n.only(o.Key) }) ||
			slices.ContainsFunc(p.Folders, func(f common) bool { return n.only(f.Prefix) })
	}
	if n.folder.level == above && n.only == nil {
		for _, f := range p.Folders {
			if strings.HasSuffix(f.Prefix, "/AWSLogs/") || f.Prefix == "AWSLogs/" {
				n.folder.foreign = true
			}
		}
	}
	for i := range p.Objects {
		o := &p.Objects[i]
		if n.only == nil || n.only(o.Key) {
			if b.wants(n, o) {
				n.next = append(n.next, item{object: o, key: o.Key})
			}
		}
	}
	for _, f := range p.Folders {
		if n.only == nil || n.only(f.Prefix) {
			if in := b.enter(n, f.Prefix); in != nil {
				n.next = append(n.next, item{node: in, key: f.Prefix})
			}
		}
	}
	slices.SortFunc(n.next, func(x, y item) int { return cmp.Compare(x.key, y.key) })
	if p.IsTruncated {
		n.next = append(n.next, item{node: &node{prefix: n.prefix, token: p.NextContinuationToken, folder: n.folder, flat: n.flat, only: n.only}})
	}
}

// enter returns the node of a folder, nil if there is nothing for us in it.
func (b *bucketWalk) enter(n *node, prefix string) *node {
	in, v := n.folder.enter(path.Base(prefix), &b.l.cfg.Selection)
	switch v {
	case useless:
		b.l.useless()
		return nil
	case unknown:
		b.l.skip("s3://" + b.name + "/" + prefix)
		return nil
	}
	return &node{prefix: prefix, folder: in, flat: in.settled(&b.l.cfg.Selection)}
}

// wants decides by its name about an object.
func (b *bucketWalk) wants(n *node, o *listed) bool {
	if strings.HasSuffix(o.Key, "/") {
		return false // a folder that somebody has made by hand
	}
	if f := file(path.Base(o.Key)); f != nil {
		if !b.l.cfg.wants(f) {
			b.l.useless()
			return false
		}
		return true
	}
	// What is named itself, and what lies in a folder that has no flow logs, is
	// read although nobody knows what it is.
	if n.only != nil || n.folder.level == above && !n.folder.foreign {
		return true
	}
	b.l.skip("s3://" + b.name + "/" + o.Key)
	return false
}

func (b *bucketWalk) object(o *listed, out func(Entry) bool) bool {
	modified, _ := time.Parse(time.RFC3339, o.LastModified)
	r := &remote{c: b.c, bucket: b.name, key: o.Key, size: o.Size, away: b.l.away}
	return out(Entry{Path: o.Key, ETag: o.ETag, Modified: modified, Object: source.Object{
		Name: r.name(), File: file(path.Base(o.Key)), Size: o.Size, Remote: true,
		Open: r.open, OpenAt: r.openAt,
	}})
}

// others says what is where nothing was found.
func (b *bucketWalk) others(n *node) string {
	dir := n.prefix
	for dir != "" {
		dir = strings.TrimSuffix(dir, "/")
		dir = dir[:strings.LastIndexByte(dir, '/')+1]
		p, err := b.c.list(b.ctx, b.name, dir, true, "")
		if err != nil {
			return ""
		}
		var names []string
		for _, f := range p.Folders {
			names = append(names, path.Base(f.Prefix)+"/")
		}
		for _, o := range p.Objects {
			if o.Key != dir {
				names = append(names, path.Base(o.Key))
			}
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		const shown = 5
		if len(names) > shown {
			names = append(names[:shown], "…")
		}
		return fmt.Sprintf("in s3://%s/%s there is %s", b.name, dir, strings.Join(names, ", "))
	}
	return "the bucket is empty"
}
