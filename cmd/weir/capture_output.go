package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/capture"
	"weir/internal/flow"
	"weir/internal/recorder"
	"weir/internal/vpc"
	"weir/record"
	"weir/recordfile"
)

type flowWindow = flow.Window

// An output takes the records of windows that end together.
type output interface {
	begin(end time.Time, sequence uint64) error
	write(*record.Record) error
	// end makes what was written since begin last, or undoes it.
	end() error
}

func (o *captureOptions) output(stdout io.Writer, f record.Format, args []string) (output, error) {
	if o.out == "" {
		return &printer{w: bufio.NewWriterSize(stdout, 1<<16), format: f, json: o.json}, nil
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return nil, err
	}
	what := append(slices.Clone(args), o.netns...)
	return &files{
		dir:    o.out,
		format: f,
		name: recordfile.Name{
			Account: vpc.DefaultAccount,
			Region:  vpc.DefaultRegion,
			FlowLog: vpc.NewHost().ID("fl", append(what, f.String(), o.filter)...),
		},
	}, nil
}

// printer prints records as they come.
type printer struct {
	w      *bufio.Writer
	format record.Format
	json   bool
	line   []byte
	headed bool
}

func (p *printer) begin(time.Time, uint64) error {
	if p.headed || p.json {
		return nil
	}
	p.headed = true
	_, err := p.w.Write(append(p.format.AppendHeader(p.line[:0]), '\n'))
	return err
}

func (p *printer) write(r *record.Record) error {
	if p.json {
		p.line = p.format.AppendJSON(p.line[:0], r)
	} else {
		p.line = p.format.Append(p.line[:0], r)
	}
	p.line = append(p.line, '\n')
	_, err := p.w.Write(p.line)
	return err
}

func (p *printer) end() error { return p.w.Flush() }

// files writes a file for each window, under a name that is the same if the
// window is written again.
type files struct {
	dir    string
	format record.Format
	name   recordfile.Name

	file *os.File
	text *recordfile.TextWriter
	path string
}

func (f *files) begin(end time.Time, sequence uint64) (err error) {
	h := fnv.New32a()
	h.Write([]byte(strconv.FormatInt(end.UnixNano(), 10) + "/" + strconv.FormatUint(sequence, 10)))
	f.name.Time, f.name.Hash = end, h.Sum32()
	f.path = filepath.Join(f.dir, f.name.String())
	if f.file, err = os.CreateTemp(f.dir, ".weir-*"); err != nil {
		return err
	}
	f.text, err = recordfile.NewTextWriter(f.file, f.format)
	return err
}

func (f *files) write(r *record.Record) error { return f.text.Write(r) }

func (f *files) end() error {
	err := errors.Join(f.text.Close(), f.file.Chmod(0o644), f.file.Sync(), f.file.Close())
	if err == nil {
		err = os.Rename(f.file.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.file.Name()))
	}
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// hostNames remembers what interfaces are, since one that is gone can't be
// asked any more.
type hostNames struct {
	host  *vpc.Host
	known map[deviceID]*vpc.Stamp
}

type deviceID struct {
	netns uint64
	index int
}

func newHostNames() *hostNames {
	return &hostNames{host: vpc.NewHost(), known: make(map[deviceID]*vpc.Stamp)}
}

// of returns what is known of the interface a device is. It has no addresses: a
// capture shows those that packets have, not those of Amazon's rules.
func (h *hostNames) of(i flow.Interface) *vpc.Stamp {
	key := deviceID{i.Netns, i.Index}
	known := h.known[key]
	if known == nil {
		d := vpc.Device{Space: i.NetnsName, Name: i.Name, Index: i.Index}
		if i.NetnsName != "" {
			d.Netns = capture.NamespacePath(i.NetnsName)
		}
		found, _ := h.host.Interface(d) // if it is gone already its name is left
		known = vpc.NewIndex(vpc.Network{}).Stamp(&found, nil)
		known.Addrs = nil
		h.known[key] = known
	}
	return known
}

// windowWriter writes windows as records.
type windowWriter struct {
	recorder *recorder.Recorder
	out      output
	progress *progress
	host     *hostNames

	records, noData, skipData uint64
}

func (w *windowWriter) write(windows []flow.Window) error {
	if len(windows) == 0 {
		return nil
	}
	w.progress.hide()
	if err := w.out.begin(windows[0].End, windows[0].Sequence); err != nil {
		return err
	}
	for i := range windows {
		win := &windows[i]
		slices.SortFunc(win.Flows, inOrder)
		err := w.recorder.Each(win, w.host.of(win.Interface), func(rec *record.Record) error {
			switch rec.Status() {
			case record.NoData:
				w.noData++
			case record.SkipData:
				w.skipData++
			default:
				w.records++
			}
			return w.out.write(rec)
		})
		if err != nil {
			return errors.Join(err, w.out.end())
		}
	}
	return w.out.end()
}

// inOrder sorts flows by time, and both directions of a conversation together
// as far as time allows.
func inOrder(a, b flow.Flow) int {
	return cmp.Or(
		cmp.Compare(a.First, b.First),
		cmp.Compare(min(a.SrcPort, a.DstPort), min(b.SrcPort, b.DstPort)),
		cmp.Compare(max(a.SrcPort, a.DstPort), max(b.SrcPort, b.DstPort)),
		cmp.Compare(a.Direction, b.Direction),
		a.SrcAddr().Compare(b.SrcAddr()),
		a.DstAddr().Compare(b.DstAddr()),
	)
}

// account says on standard error what the capture recorded and what it did not.
func (o *captureOptions) account(s *capture.Source, w *windowWriter) error {
	t, err := s.Totals()
	if err != nil {
		return err
	}
	parts := []string{fmt.Sprintf("%d flow records", w.records)}
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(w.noData, "NODATA")
	add(w.skipData, "SKIPDATA")
	add(t.Skipped.Packets, "packets skipped because the table was full (see --max-flows)")
	var excluded uint64
	for _, c := range t.Excluded {
		excluded += c.Packets
	}
	add(excluded, "packets left out (see --exclude)")
	add(t.NotIP.Packets, "packets not IP")
	add(t.OtherHost.Packets, "packets for other hosts")
	add(t.Truncated.Packets+t.BadHeader.Packets+t.TooManyHeaders.Packets, "packets unreadable")
	add(t.Unattributed.Packets, "refused packets without an interface")
	fmt.Fprintf(os.Stderr, "weir: %s\n", strings.Join(parts, ", "))
	return nil
}

func listExclusions(w io.Writer) error {
	for _, e := range capture.DefaultExclusions.All() {
		if _, err := fmt.Fprintf(w, "%-20s %s\n", e, e.Doc()); err != nil {
			return err
		}
	}
	return nil
}
