package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"weir/internal/place"
)

// fetchOptions are the flags of weir fetch.
type fetchOptions struct {
	place   placeOptions
	dir     string
	workers int
	dryRun  bool
	json    bool
}

func newFetch() *cobra.Command {
	var o fetchOptions
	cmd := &cobra.Command{
		Use:   "fetch PLACE --dir DIR",
		Short: "Download the objects that can hold what is asked for",
		Long: `Download objects from a bucket, or streams from a log group, into a directory. Only
objects that can hold what is asked for are downloaded: their names say of which flow
log and of which five minutes they are. What is in them is not looked at, so there may
be records of other times; "weir read" leaves those out.

Each object keeps its key as its path below the directory. A file has its name only
when it is whole and checked, so after an interruption the same command goes on where it
was, and later it fetches what is new.

What was done is said on standard error; five-minute files that are missing between
others are named, too.` + placeHelp + `
Exit status: 0 done, 1 failed for some object or all, 2 wrong usage, 3 nothing found.`,
		Example: `  weir fetch s3://flow-logs --since 1h --dir logs
  weir fetch s3://flow-logs/web --account 123456789012 --region eu-west-1 \
      --since 2026-11-23T10:00Z --until 2026-11-23T12:00Z --dir logs
  weir fetch s3://flow-logs --since 2d --dry-run
  weir fetch logs://flows --since 1h --dir logs`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFetch(cmd.Context(), &o, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addPlaceFlags(cmd, &o.place)
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "directory to download into; made if it is missing")
	f.IntVar(&o.workers, "parallel", 32, "objects that are downloaded at a time")
	f.BoolVar(&o.dryRun, "dry-run", false, "list the objects and their size, and download nothing")
	f.BoolVar(&o.json, "json", false, "print what was done as JSON")
	cobra.CheckErr(cmd.MarkFlagDirname("dir"))
	cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"s3://", "logs://"}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp)
	return cmd
}

func runFetch(ctx context.Context, o *fetchOptions, from string, stdout, stderr io.Writer) error {
	switch {
	case !strings.Contains(from, "://"):
		return usageError{fmt.Errorf("fetch: %s is no bucket and no log group", from), "s3://BUCKET/PREFIX or logs://GROUP; files that are here can be read as they are"}
	case o.dir == "" && !o.dryRun:
		return usageError{errors.New("fetch: no directory to download into"), "--dir DIR, or --dry-run"}
	case o.workers < 1 || o.workers > 1000:
		return usageError{fmt.Errorf("fetch: --parallel is %d", o.workers), "1 to 1000"}
	}
	list, err := o.place.list([]string{from}, nil)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	f := place.Fetch{List: list, Dir: o.dir, Workers: o.workers, DryRun: o.dryRun}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	if o.dryRun && !o.json {
		f.Each = func(e place.Entry) { fmt.Fprintf(out, "%12s  %s\n", sizeOrNone(e.Size), printable(e.Name)) }
	}
	meter := newMeter(stderr)
	f.Progress = meter.set
	done, err := f.Run(ctx)
	meter.stop()
	r := fetchResult{o: o, from: from, done: done, account: list.Account()}
	if err == nil {
		r.missing = list.Missing()
	}
	var wrong error
	if o.json {
		wrong = printJSON(out, r.json(err))
	}
	if wrong == nil {
		wrong = out.Flush()
	}
	if wrong != nil {
		return fmt.Errorf("fetch: %w", wrong)
	}
	r.say(stderr)
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return hintError{fmt.Errorf("fetch: interrupted: %s of %s are in %s", number(done.Copied+done.Present), atLeast(done), o.dir),
			"the same command again goes on"}
	case err != nil:
		return fmt.Errorf("fetch: %w", err)
	case len(done.Failed) > 0:
		hint := "the same command again tries those"
		for _, f := range done.Failed {
			if first := hintOf(f.Err); first != "" {
				hint = first + "; " + hint
				break
			}
		}
		return hintError{fmt.Errorf("fetch: %d of %s not downloaded", len(done.Failed), count(done.Objects, "object")), hint}
	case done.Objects == 0:
		return notFound("fetch: %s: no object can hold what is asked for%s", from, r.left())
	}
	return nil
}

// atLeast says how many objects there are, as far as they were listed.
func atLeast(d place.Fetched) string {
	if d.Listed {
		return count(d.Objects, "object")
	}
	return "at least " + count(d.Objects, "object")
}

// A fetchResult is what a fetch has to say.
type fetchResult struct {
	o       *fetchOptions
	from    string
	done    place.Fetched
	account place.Account
	missing []place.Gap
}

// left says what else was seen.
func (r *fetchResult) left() string {
	switch a := r.account; {
	case a.Useless > 0 && a.Skipped > 0:
		return fmt.Sprintf(" (%d other files or folders of flow logs, %d of something else)", a.Useless, a.Skipped)
	case a.Useless > 0:
		return fmt.Sprintf(" (%d other files or folders of flow logs)", a.Useless)
	case a.Skipped > 0:
		return fmt.Sprintf(" (%d files or folders of something else)", a.Skipped)
	}
	return ""
}

// countIs is count with the verb.
func countIs(n int, what string) string {
	if n == 1 {
		return count(n, what) + " is"
	}
	return count(n, what) + " are"
}

// shownGaps is how many gaps are said one by one.
const shownGaps = 5

// say says what was done.
func (r *fetchResult) say(w io.Writer) {
	d := &r.done
	for _, f := range d.Failed {
		fmt.Fprintf(w, "weir: fetch: %s: %v\n", printable(f.Object), f.Err)
	}
	switch {
	case d.Objects == 0:
	case r.o.dryRun:
		fmt.Fprintf(w, "weir: %s, %s; nothing was downloaded\n", count(d.Objects, "object"), size(d.Bytes))
	default:
		fmt.Fprintf(w, "weir: %s downloaded, %s", count(d.Copied, "object"), size(d.Written))
		if d.Present > 0 {
			fmt.Fprintf(w, "; %d were there already", d.Present)
		}
		fmt.Fprintln(w)
	}
	if d.Hidden > 0 && !r.o.dryRun {
		fmt.Fprintf(w, "weir: %s left out when %s is read, as a part of the path begins with a dot, such as %s\n",
			countIs(d.Hidden, "object"), r.o.dir, printable(d.Example))
	}
	if a := r.account; a.Skipped > 0 && d.Objects > 0 {
		fmt.Fprintf(w, "weir: %d files or folders are no flow logs and were left out, such as %s\n", a.Skipped, printable(a.Examples[0]))
	}
	for i, g := range r.missing {
		if i == shownGaps {
			fmt.Fprintf(w, "weir: ... and %d more gaps; --json has all\n", len(r.missing)-i)
			break
		}
		fmt.Fprintf(w, "weir: %s of %s in %s: no file from %s to %s\n", g.FlowLog, g.Account, g.Region, r.time(g.From), r.time(g.To))
	}
}

func (r *fetchResult) time(t time.Time) string {
	if zone, err := r.o.place.location(); err == nil {
		t = t.In(zone)
	}
	return t.Format(time.RFC3339)
}

// What weir fetch --json prints.
type (
	fetchJSON struct {
		Place        string        `json:"Place"`
		Directory    string        `json:"Directory,omitempty"`
		Objects      int           `json:"Objects"`
		Bytes        int64         `json:"Bytes"`
		Downloaded   int           `json:"Downloaded"`
		Written      int64         `json:"DownloadedBytes"`
		Present      int           `json:"Present"`
		PresentBytes int64         `json:"PresentBytes"`
		Skipped      int           `json:"Skipped"`
		Failed       []failureJSON `json:"Failed"`
		Missing      []gapJSON     `json:"Missing"`
		Complete     bool          `json:"Complete"`
	}
	failureJSON struct {
		Object string `json:"Object"`
		Error  string `json:"Error"`
	}
	gapJSON struct {
		Account   string `json:"AccountId"`
		Region    string `json:"Region"`
		FlowLogID string `json:"FlowLogId"`
		From      string `json:"From"`
		To        string `json:"To"`
	}
)

func (r *fetchResult) json(err error) fetchJSON {
	d := &r.done
	out := fetchJSON{
		Place: r.from, Directory: r.o.dir, Objects: d.Objects, Bytes: d.Bytes, Downloaded: d.Copied, Written: d.Written,
		Present: d.Present, PresentBytes: d.PresentBytes, Skipped: r.account.Skipped, Failed: []failureJSON{},
		Missing: gapsJSON(r.missing), Complete: err == nil && len(d.Failed) == 0 && !r.o.dryRun,
	}
	for _, f := range d.Failed {
		out.Failed = append(out.Failed, failureJSON{f.Object, f.Err.Error()})
	}
	return out
}

func gapsJSON(gaps []place.Gap) []gapJSON {
	out := make([]gapJSON, 0, len(gaps))
	for _, g := range gaps {
		out = append(out, gapJSON{g.Account, g.Region, g.FlowLog, timeJSON(g.From), timeJSON(g.To)})
	}
	return out
}

// A meter shows on a terminal how far a fetch is; elsewhere it shows nothing.
type meter struct {
	w     *os.File // nil if it is no terminal
	begun time.Time
	done  chan struct{}
	wg    sync.WaitGroup

	mu  sync.Mutex
	now place.Fetched
}

func newMeter(w io.Writer) *meter {
	m := &meter{begun: time.Now(), done: make(chan struct{})}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return m
	}
	m.w = f
	m.wg.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-m.done:
				fmt.Fprint(m.w, "\r\033[K")
				return
			case <-tick.C:
				m.mu.Lock()
				now := m.now
				m.mu.Unlock()
				fmt.Fprintf(m.w, "\r\033[K%s", fit(meterLine(now, time.Since(m.begun)), max(20, widthOf(m.w)-1)))
			}
		}
	})
	return m
}

func (m *meter) set(now place.Fetched) {
	if m.w == nil {
		return
	}
	m.mu.Lock()
	m.now = now
	m.mu.Unlock()
}

func (m *meter) stop() {
	close(m.done)
	m.wg.Wait()
}

// meterLine says how far a fetch is. How long it will take is known only when all is
// listed.
func meterLine(d place.Fetched, since time.Duration) string {
	rate := float64(d.Written) / max(since.Seconds(), 0.001)
	s := fmt.Sprintf("%s of %s", number(d.Copied+d.Present), number(d.Objects))
	if !d.Listed {
		s += "+"
	}
	s += fmt.Sprintf(" objects, %s of %s, %s/s", size(d.Written+d.PresentBytes), size(d.Bytes), size(int64(rate)))
	if left := d.Bytes - d.Written - d.PresentBytes; d.Listed && rate > 0 && left > 0 {
		s += fmt.Sprintf(", %v left", (time.Duration(float64(left)/rate*float64(time.Second)) + time.Second).Truncate(time.Second))
	}
	return s
}

// number writes a number with commas.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes, in powers of a thousand.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), -1
	for v >= 999.95 && unit < 4 {
		v /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", v, "kMGTP"[unit])
}

func sizeOrNone(n int64) string {
	if n < 0 {
		return "-"
	}
	return size(n)
}
