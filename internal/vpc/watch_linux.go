package vpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	settle      = 30 * time.Millisecond // events come in bursts: one look for each
	routePause  = 2 * time.Second       // between looks because of routes only
	resync      = 30 * time.Second      // between looks for no reason
	ownersPause = 2 * time.Second       // between readings of the engines' files, and libvirt's
	ownersAge   = 30 * time.Second      // a namespace without owner by then has none
)

// A watcher is the state of a running resolver. Only its goroutine uses it.
type watcher struct {
	r          *Resolver
	open       map[uint64]*watched
	places     []place
	remembered map[rememberKey]string
	owners     *owners
	ownersRead time.Time
	guests     string // state of libvirt's files
	guestsSeen time.Time
	failed     map[string]bool // logged already

	config  *Config // the model is made with
	touched bool    // since the model was made
}

// A watched namespace is held open, which keeps it alive. It is let go when
// nothing else refers to it any more.
type watched struct {
	place
	*space
	handle  *netnsHandle
	since   time.Time
	scanned time.Time
	nsids   map[int]uint64 // numbers of other namespaces: their inodes

	changed, rerouted atomic.Bool
}

func (r *Resolver) run(ctx context.Context) error {
	w := &watcher{r: r, open: make(map[uint64]*watched), remembered: make(map[rememberKey]string), failed: make(map[string]bool)}
	defer func() {
		for _, s := range w.open {
			s.handle.close()
		}
	}()
	if err := w.look(); err != nil {
		return fmt.Errorf("vpc: discover interfaces: %w", err)
	}
	tick := time.NewTicker(r.opts.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.wake:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(settle):
			}
		}
		began := time.Now()
		if err := w.look(); err != nil {
			return fmt.Errorf("vpc: discover interfaces: %w", err)
		}
		if took := time.Since(began); took > settle { // a large host: a tenth of the time at most
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(min(9*took, 400*time.Millisecond)):
			}
		}
	}
}

// look brings the model up to date.
func (w *watcher) look() error {
	c := w.r.config.Load()
	w.places = findNamespaces(namespacePaths(c.Namespaces))
	if len(w.places) == 0 || w.places[0].path != "" {
		return errors.New("no network namespace of this process in /proc")
	}
	present := make(map[uint64]bool, len(w.places))
	for _, p := range w.places {
		present[p.inode] = true
		s := w.open[p.inode]
		if wanted := p.path == "" || c.watches(p.name); s == nil && wanted {
			if s = w.enter(p); s == nil && p.path == "" {
				return errors.New("this process's network namespace can't be opened")
			}
		} else if s != nil {
			s.place.pid = p.pid
		}
		if s != nil {
			s.watched = p.path == "" || c.watches(p.name)
		}
	}
	for ino, s := range w.open {
		if !present[ino] {
			w.leave(s)
		}
	}
	for _, s := range w.open {
		if err := w.rescan(s); err != nil && s.own() {
			return err
		}
	}
	w.findPeers()
	w.findOwners()
	w.findGuests()
	w.rebuild(c)
	return nil
}

// watches says whether devices of a namespace may become interfaces.
func (c *Config) watches(name string) bool {
	return slices.ContainsFunc(c.Namespaces, func(n string) bool { return n == "all" || n == name || glob(n, name) })
}

// enter opens a namespace and listens to it; nil if that doesn't work.
func (w *watcher) enter(p place) *watched {
	h, err := openNetns(p.path)
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) { // it may have ended meanwhile
			w.warn("open network namespace", p.name, err)
		}
		return nil
	}
	s := &watched{
		place: p, handle: h, since: time.Now(), nsids: make(map[int]uint64),
		space: &space{cookie: h.cookie, inode: p.inode, path: p.path, name: p.name},
	}
	s.changed.Store(true)
	w.open[p.inode] = s
	go w.listen(s)
	return s
}

func (w *watcher) leave(s *watched) {
	s.handle.close()
	w.touched = true
	delete(w.open, s.place.inode)
	for _, o := range w.open {
		for n, ino := range o.nsids {
			if ino == s.place.inode {
				delete(o.nsids, n)
			}
		}
	}
	for key := range w.remembered {
		if key.cookie == s.cookie {
			delete(w.remembered, key)
		}
	}
}

func (w *watcher) warn(what, name string, err error) {
	if !w.failed[what+name] {
		w.failed[what+name] = true
		w.r.opts.Logger.Warn("network namespace left out", "operation", what, "namespace", name, "error", err)
	}
}

// listen notes that something changed until the namespace is closed. What it
// was is read anew, so events need no more than to be noticed.
func (w *watcher) listen(s *watched) {
	raw, err := s.handle.events.SyscallConn()
	if err != nil {
		return
	}
	var head [unix.SizeofNlMsghdr]byte
	for {
		var n int
		var got error
		err := raw.Read(func(fd uintptr) bool {
			n, _, got = unix.Recvfrom(int(fd), head[:], 0)
			return got != unix.EAGAIN && got != unix.EINTR
		})
		if err != nil {
			return // closed
		}
		kind := uint16(0)
		if n >= 6 {
			kind = binary.NativeEndian.Uint16(head[4:])
		}
		if got == nil && (kind == unix.RTM_NEWROUTE || kind == unix.RTM_DELROUTE) {
			s.rerouted.Store(true) // the next tick sees to it
			continue
		}
		if !s.changed.Swap(true) { // also if events were lost
			w.r.poke()
		}
	}
}

func (w *watcher) rescan(s *watched) error {
	now := time.Now()
	due := s.changed.Swap(false) || now.Sub(s.scanned) > resync
	if !due && now.Sub(s.scanned) > routePause {
		due = s.rerouted.Swap(false)
	}
	if !due {
		return nil
	}
	links, err := scan(s.handle.route)
	if err != nil {
		s.changed.Store(true) // again at the next tick
		w.warn("read", s.place.name, err)
		return err
	}
	for _, l := range links {
		l.space = s.space
	}
	s.links, s.scanned, w.touched = links, now, true
	return nil
}

// findPeers finds out which namespaces the cables of watched ones lead to, and
// has a look there.
func (w *watcher) findPeers() {
	for _, s := range w.open {
		if !s.watched {
			continue
		}
		missing := make(map[int]bool)
		for _, l := range s.links {
			if _, known := s.nsids[l.nsid]; l.kind == "veth" && l.nsid >= 0 && !known {
				missing[l.nsid] = true
			}
		}
		for _, p := range w.places {
			if len(missing) == 0 {
				break
			}
			if p.inode == s.place.inode {
				continue
			}
			n, err := s.number(p)
			if err != nil || n < 0 {
				continue
			}
			s.nsids[n] = p.inode
			delete(missing, n)
		}
	}
	for _, s := range w.open {
		for n, ino := range s.nsids {
			if w.open[ino] != nil || !s.watched || !s.leadsTo(n) {
				continue
			}
			i := slices.IndexFunc(w.places, func(p place) bool { return p.inode == ino })
			if i < 0 {
				delete(s.nsids, n)
			} else if other := w.enter(w.places[i]); other != nil {
				_ = w.rescan(other) // logged there
			}
		}
	}
}

func (s *watched) leadsTo(nsid int) bool {
	return slices.ContainsFunc(s.links, func(l *link) bool { return l.kind == "veth" && l.nsid == nsid })
}

// number returns how s numbers another namespace; -1 if it does not.
func (s *watched) number(p place) (int, error) {
	at := p.path
	if at == "" {
		at = ownNetns
	}
	fd, err := netns.GetFromPath(at)
	if err != nil {
		return -1, err
	}
	defer fd.Close()
	return s.handle.route.GetNetNsIdByFd(int(fd))
}

// findOwners tells who lives in the namespaces.
func (w *watcher) findOwners() {
	now := time.Now()
	unknown := w.owners == nil
	for _, s := range w.open {
		unknown = unknown || s.lacksOwner() && now.Sub(s.since) < ownersAge
	}
	if !unknown || now.Sub(w.ownersRead) < ownersPause && w.owners != nil {
		w.ownersOfNew()
		return
	}
	w.owners, w.ownersRead = readOwners(w.r.opts.Root), now
	w.owners.enter()
	w.ownersOfNew()
}

func (w *watcher) ownersOfNew() {
	for _, s := range w.open {
		if !s.lacksOwner() {
			continue
		}
		if o := w.owners.ownerOf(s.place); o != nil && (s.owner == nil || o.known) {
			s.owner, w.touched = o, true
		}
	}
}

// lacksOwner says whether who lives in the namespace may still be found out: of
// a container that has just begun only the control group may be known yet.
func (s *watched) lacksOwner() bool { return !s.own() && (s.owner == nil || !s.owner.known) }

// findGuests notices when libvirt's files change, if there are taps; they are
// read with the model.
func (w *watcher) findGuests() {
	now := time.Now()
	if now.Sub(w.guestsSeen) < ownersPause {
		return
	}
	w.guestsSeen = now
	for _, s := range w.open {
		if slices.ContainsFunc(s.links, func(l *link) bool { return l.tap }) {
			state := guestsState(w.r.opts.Root)
			w.touched = w.touched || state != w.guests
			w.guests = state
			return
		}
	}
}

func (w *watcher) rebuild(c *Config) {
	if !w.touched && w.config == c {
		return
	}
	w.touched, w.config = false, c
	var spaces []*space
	for _, p := range w.places { // in their order
		if s := w.open[p.inode]; s != nil {
			spaces = append(spaces, s.space)
		}
	}
	var guests map[string]*guest
	for _, s := range spaces {
		for _, l := range s.links {
			l.peer = nil
			if l.tap {
				if guests == nil {
					guests = readGuests(w.r.opts.Root)
				}
				l.guest = guests[l.name]
			}
		}
	}
	connect(spaces, func(s *space, nsid int) *space {
		if other := w.open[w.open[s.inode].nsids[nsid]]; other != nil {
			return other.space
		}
		return nil
	})
	w.r.publish(assemble(c, w.r.opts.Host, spaces, w.remembered), time.Now())
}
