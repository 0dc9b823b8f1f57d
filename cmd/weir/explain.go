package main

import (
	"bufio"
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"weir/internal/explain"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
	"weir/internal/source"
	"weir/record"
)

// explainOptions are the flags of weir explain.
type explainOptions struct {
	readingOptions
	rules rulesOptions
	n     int
	why   bool
	lang  string
}

func newExplain() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain [PLACE|LINE]...",
		Short: "Say in plain words what records mean",
		Long: `Say in plain words, in English or Japanese, what flow log records mean: who sent what
to whom, what the flags tell of the connection, what each code stands for, and what the
records can not tell. Without an argument, records come from standard input.

With --rules, a refusal is traced to the rule that made it, or to the one that is
missing: in security groups and network ACLs, in both directions, with the rules that
nearly let it pass, and the narrowest change as a command and for Terraform. --why
names the rule for what was allowed, too.

A line is a record in quotes. Of many records the newest are explained; the others still
tell what became of a connection before.` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir explain flow.log.gz
  weir explain '2 123456789012 eni-0a1b2c3d 203.0.113.7 10.0.1.5 40112 22 6 3 180 1764000000 1764000020 REJECT OK'
  weir explain s3://flow-logs --since 1h --where 'reject and dstport = ssh' --rules api
  weir explain flow.log --where 'addr = 10.0.1.5' --rules weir.yaml --why
  aws logs tail flow-logs | weir explain --lang ja`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExplain(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.addFlags(cmd)
	o.naming.addFlags(cmd)
	o.rules.addFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print an object on each line; what was read is told as JSON too")
	f.IntVarP(&o.n, "number", "n", 20, "explain so many records, the newest; 0 explains all, as they come")
	f.BoolVar(&o.why, "why", false, "with --rules: name the rules that let accepted traffic pass, too")
	f.StringVar(&o.lang, "lang", "", "en or ja (default: as LC_ALL, LC_MESSAGES or LANG say)")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en", "ja"}, cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", completeFormat))
	return cmd
}

func runExplain(ctx context.Context, o *explainOptions, args []string, stdout, stderr io.Writer) error {
	places, lines := recordLines(args)
	if len(places) > 0 && len(lines) > 0 {
		return usageError{errors.New("explain: records and places in one command"), "explain the one, then the other"}
	}
	if len(args) == 0 && !term.IsTerminal(int(os.Stdin.Fd())) {
		places = []string{"-"}
	}
	if err := o.check("explain", slices.Concat(places, lines)); err != nil {
		return err
	}
	o.given = givenLines(lines)
	if o.n < 0 {
		return usageError{fmt.Errorf("explain: --number %d: less than nothing", o.n), "a number of records; 0 is all"}
	}
	if o.why && !o.rules.given() {
		return usageError{errors.New("explain: --why: which rules?"), "give them with --rules"}
	}
	lang, err := language(o.lang)
	if err != nil {
		return err
	}
	network, err := o.rules.load(ctx, "explain", o.awsOptions(), stderr)
	if err != nil {
		return err
	}
	if err := o.naming.load(ctx, "explain", o.awsOptions()); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(stdout, 1<<16)
	e := &explaining{
		Explainer: explain.New(explain.Config{Words: o.words(), Network: network, Why: o.why}),
		n:         o.n, lang: lang,
		text: &explain.Printer{W: buffered, Lang: lang, Width: widthOf(stdout)},
	}
	if o.json {
		e.json = json.NewEncoder(buffered)
		e.json.SetEscapeHTML(false)
	}
	f, err := o.scan(ctx, source.Scan{Sink: o.sink, Output: e})
	var wrong error
	if err == nil {
		wrong = e.end()
	}
	if flushed := buffered.Flush(); wrong == nil {
		wrong = flushed
	}
	if err == nil && wrong != nil {
		err = fmt.Errorf("explain: %w", wrong)
	}
	if err != nil {
		return err
	}
	if left := e.seen - e.done; left > 0 && !o.quiet && !o.json {
		fmt.Fprintf(stderr, "weir: the newest %s of %s records are explained, %s are left out: choose with --where, or explain all with -n 0\n",
			show.Count(e.done), show.Count(e.seen), show.Count(left))
	}
	if o.json && !o.quiet {
		if err := show.WriteJSON(stderr, map[string]any{"account": f.json(), "explained": e.done, "left_out": e.seen - e.done}); err != nil {
			return err
		}
		o.quiet, stderr = true, io.Discard
	}
	return o.tell(stderr, f)
}

// recordLines tells records from places: what has a space in it and is no file.
func recordLines(args []string) (places, lines []string) {
	for _, a := range args {
		if _, err := os.Stat(a); err != nil && strings.ContainsAny(strings.TrimSpace(a), " \n") && !strings.Contains(a, "://") {
			lines = append(lines, a)
		} else {
			places = append(places, a)
		}
	}
	return places, lines
}

// givenLines are records of the command line as objects, each by itself, for their formats
// may differ. A header is one for those after it.
func givenLines(lines []string) []source.Object {
	if len(lines) == 0 {
		return nil
	}
	header, out := "", []source.Object{}
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if _, ok := record.ParseHeader([]byte(l)); ok {
			header = l + "\n"
			continue
		}
		text := header + l + "\n"
		out = append(out, source.Object{Name: "argument " + strconv.Itoa(i+1), Size: int64(len(text)), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text)), nil
		}})
	}
	return out
}

// language returns the language that is asked for, or else that of the locale.
func language(s string) (explain.Lang, error) {
	if s == "" {
		return explain.LocaleLang(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))), nil
	}
	l, ok := explain.ParseLang(s)
	if !ok {
		return l, usageError{fmt.Errorf("explain: --lang %q: not a language that weir speaks", s), "en or ja"}
	}
	return l, nil
}

// words are how all commands write numbers and names.
func (o *explainOptions) words() explain.Words {
	w := explain.Words{
		Protocol: func(n int64) string { return query.Word(columnOf(record.Protocol), strconv.FormatInt(n, 10)) },
		Service:  query.Service,
		Count:    show.Count,
		Bytes:    show.Bytes,
		Time:     func(unix int64) string { return show.Time(unix, o.in) },
	}
	if o.naming.on() {
		w.Name = func(f record.Field, value, vpc string, unix int64) string {
			return o.naming.of(columnOf(f), value, vpc, unix)
		}
	}
	return w
}

// What a line that a sink hands over begins with: whether it is to be explained, or only
// to be remembered.
const (
	wanted = '+'
	before = '-'
)

// sink hands all records over, below a header, each marked.
func (o *explainOptions) sink() source.Sink {
	filter := query.Compile(o.expr)
	var parser rows.Parser
	return func(w *source.Worker, b *rows.Batch) error {
		selected, bad := filter.Select(b)
		w.Refuse(b, bad)
		w.Out = append(b.Format.AppendHeader(w.Out), '\n')
		for row := range b.Rows {
			mark := byte(before)
			if len(selected) > 0 && selected[0] == int32(row) {
				mark, selected = wanted, selected[1:]
			}
			rec, wrong := parser.Parse(b, row)
			switch {
			case rec != nil:
				w.Out = append(b.AppendLine(append(w.Out, mark), row), '\n')
				if mark == wanted {
					w.Keep(1)
				}
			case mark == wanted:
				w.Refuse(b, []rows.Bad{wrong})
			}
		}
		return nil
	}
}

// explaining takes what the sinks hand over, in order.
type explaining struct {
	*explain.Explainer
	n    int // of the newest records, which are explained at the end; 0: all, at once
	lang explain.Lang
	text *explain.Printer
	json *json.Encoder // nil prints text

	header string
	format record.Format
	rec    record.Record
	newest newest
	seen   int64
	done   int64
}

// Write takes a piece: a header, and marked lines.
func (e *explaining) Write(p []byte) (int, error) {
	header, text, _ := strings.Cut(string(p), "\n")
	if header != e.header {
		f, ok := record.ParseHeader([]byte(header))
		if !ok {
			return 0, fmt.Errorf("none of the fields %s is one of Amazon's: there is nothing to explain", header)
		}
		e.header, e.format = header, f
	}
	for line := range strings.Lines(text) {
		mark, line := line[0], strings.TrimSuffix(line[1:], "\n")
		if err := e.format.Parse([]byte(line), &e.rec); err != nil {
			return 0, err
		}
		e.See(&e.rec)
		if mark != wanted {
			continue
		}
		e.seen++
		if e.n == 0 {
			if err := e.print(e.format, line); err != nil {
				return 0, err
			}
			continue
		}
		end, _ := e.rec.Int(record.End)
		k := kept{end, e.seen, e.format, line}
		switch {
		case len(e.newest) < e.n:
			k.line = strings.Clone(line)
			heap.Push(&e.newest, k)
		case e.newest[0].older(k):
			k.line = strings.Clone(line)
			e.newest[0] = k
			heap.Fix(&e.newest, 0)
		}
	}
	return len(p), nil
}

// end explains what was kept, in the order in which it came.
func (e *explaining) end() error {
	slices.SortFunc(e.newest, func(a, b kept) int { return cmp.Compare(a.seq, b.seq) })
	for _, k := range e.newest {
		if err := k.format.Parse([]byte(k.line), &e.rec); err != nil {
			return err
		}
		if err := e.print(k.format, k.line); err != nil {
			return err
		}
	}
	if e.json != nil {
		return nil
	}
	return e.text.Close()
}

// print explains the record that was parsed last.
func (e *explaining) print(f record.Format, line string) error {
	e.done++
	x := e.Explain(f, &e.rec)
	if e.json != nil {
		return e.json.Encode(explain.NewJSON(f, &e.rec, x, e.lang))
	}
	return e.text.Print(line, x)
}

// A kept record waits for its explanation.
type kept struct {
	end, seq int64
	format   record.Format
	line     string
}

// older says whether k ends before o, or came before it.
func (k kept) older(o kept) bool {
	return k.end < o.end || k.end == o.end && k.seq < o.seq
}

// newest is a heap with the oldest record on top.
type newest []kept

func (h newest) Len() int           { return len(h) }
func (h newest) Less(i, j int) bool { return h[i].older(h[j]) }
func (h newest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *newest) Push(x any)        { *h = append(*h, x.(kept)) }
func (h *newest) Pop() any          { panic("BUG: explain: nothing is taken off") }
