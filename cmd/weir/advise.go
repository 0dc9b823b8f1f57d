package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/advice"
	"weir/internal/firewall"
	"weir/internal/query"
	"weir/internal/rows"
	"weir/internal/show"
)

// adviceOptions are the flags of weir rules.
type adviceOptions struct {
	readingOptions
	rules               rulesOptions
	terraform, commands bool
	most                int
}

// enough is the time that records should cover before a rule is called unused.
const enough = 14 * 24 * time.Hour

func newRules() *cobra.Command {
	var o adviceOptions
	cmd := &cobra.Command{
		Use:   "rules PLACE...",
		Short: "Propose security group rules that allow what is used",
		Long: `Propose security group rules that allow what was accepted, and no more. Of each present
rule it is said whether traffic used it, and what could stand instead of one that is
wider than that: one protocol, one port, and a group or the addresses of the other side.

Only what opened a connection counts; answers pass by themselves. A rule that is unused
in the time that the records cover may be needed once a month: read docs/rules.md before
anything is changed. Nothing is changed by this command: --commands and --terraform
print what would do it, new rules first.` + readingHelp + `

Exit status: 0 done, 1 failed or something could not be read to its end, 2 wrong
usage, 3 no record found.`,
		Example: `  weir rules s3://flow-logs --since 720h --rules api
  weir rules logs/ --rules weir.yaml --json
  weir rules logs/ --rules descriptions/ --commands > change.sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRules(cmd.Context(), &o, args, cmd.OutOrStdout(), os.Stderr)
		},
	}
	o.addFlags(cmd)
	o.rules.addFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON, with what was read")
	f.BoolVar(&o.commands, "commands", false, "print commands of the AWS CLI: rules to add, then rules to revoke")
	f.BoolVar(&o.terraform, "terraform", false, "print resources for Terraform, and which rules to take out")
	f.IntVar(&o.most, "max-rules", advice.DefaultRules, "rules that a group may have in a direction: addresses are joined to networks to have no more")
	cmd.MarkFlagsMutuallyExclusive("json", "commands", "terraform")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", completeFormat))
	return cmd
}

// An adviceAdder collects what traffic needs.
type adviceAdder struct {
	*advice.Collector
	check *query.Check
}

func (a adviceAdder) add(b *rows.Batch, selected []int32) ([]rows.Bad, error) {
	good, bad := a.check.Rows(b, selected)
	a.Add(b, good)
	return bad, nil
}

func runRules(ctx context.Context, o *adviceOptions, places []string, stdout, stderr io.Writer) error {
	if err := o.check("rules", places); err != nil {
		return err
	}
	if !o.rules.given() {
		return usageError{errors.New("rules: which rules are there now?"), "give them with --rules, such as --rules api"}
	}
	if o.most < 1 {
		return usageError{fmt.Errorf("rules: --max-rules %d: less than one", o.most), "a group's quota; Amazon's default is 60"}
	}
	network, err := o.rules.load(ctx, "rules", o.awsOptions(), stderr)
	if err != nil {
		return err
	}
	if len(network.SecurityGroups) == 0 || len(network.Interfaces) == 0 {
		return hintError{errors.New("rules: --rules: no security group, or no interface"), "describe-network-interfaces and describe-security-groups are both needed"}
	}
	a := advice.New(advice.Config{Network: network, Serves: func(port uint16) bool { return query.Service(int64(port)) != "" }})
	var wanted []query.Column
	for _, f := range advice.Fields() {
		wanted = append(wanted, columnOf(f))
	}
	_, f, err := addUp(ctx, &o.readingOptions, wanted, func() adviceAdder { return adviceAdder{a.Collector(), query.NewCheck(wanted)} })
	if err != nil {
		return err
	}
	r := a.Propose(o.most)
	if o.commands || o.terraform {
		if n := r.Counts.Beyond; n > 0 {
			return hintError{fmt.Errorf("rules: %s records need more than can be kept: rules that they use would be taken out", show.Count(n)),
				"fewer records, with --where or --since; or see the tables, without --commands or --terraform"}
		}
	}
	if f.Kept > 0 || o.json {
		if err := o.printAdvice(stdout, &r, f); err != nil {
			return fmt.Errorf("rules: %w", err)
		}
	}
	if f.Kept > 0 {
		o.warn(stderr, &r, f)
	}
	return o.tell(stderr, f)
}

func (o *adviceOptions) printAdvice(stdout io.Writer, r *advice.Report, f *found) error {
	out := bufio.NewWriter(stdout)
	switch {
	case o.json:
		if err := show.WriteJSON(out, o.adviceJSON(r, f)); err != nil {
			return err
		}
	case o.commands || o.terraform:
		o.printChanges(out, r)
	default:
		if err := o.printTables(out, r, widthOf(stdout)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// warn says what the evidence lacks. It is said with --quiet, too: who revokes rules has
// to know.
func (o *adviceOptions) warn(stderr io.Writer, r *advice.Report, f *found) {
	say := func(format string, args ...any) { fmt.Fprintf(stderr, "weir: "+format+"\n", args...) }
	if covered := span(f); covered < enough {
		say("records cover %s, less than 14 days: a rule unused in that time may be needed monthly", covered)
	}
	if o.expr != nil && o.where != "" {
		say("--where chose the records: what it left out may use rules that are called unused")
	}
	var skipped int64
	for _, g := range f.Gaps {
		skipped += g.SkipData
	}
	if skipped > 0 || len(f.missing) > 0 {
		say("records are missing (%s of SKIPDATA, %d times without a file): what they would show is not in the proposal",
			show.Count(skipped), len(f.missing))
	}
	c := r.Counts
	for _, x := range [...]struct {
		n    int64
		text string
	}{
		{c.Unexplained, "accepted records that no present rule allows: %s; rules have changed since"},
		{c.Elsewhere, "accepted records that are left out: %s; --rules does not have their interfaces, or they do not say which way they go"},
		{c.Beyond, "accepted records that need more than can be kept: %s; rules called unused may be used by them"},
	} {
		if x.n > 0 {
			say(x.text, show.Count(x.n))
		}
	}
}

// span is the time that the records cover.
func span(f *found) time.Duration {
	if f.Start == 0 || f.End < f.Start {
		return 0
	}
	return time.Duration(f.End-f.Start) * time.Second
}

// printTables prints a table for each direction of a group.
func (o *adviceOptions) printTables(out *bufio.Writer, r *advice.Report, width int) error {
	for i := range r.Sides {
		s := &r.Sides[i]
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s, %s: %s, %d proposed; %d of %s recorded\n", printable(called(s.Owner, s.OwnerName)), s.Direction,
			count(s.Before, "rule"), s.After, s.Recorded, count(s.Interfaces, "interface"))
		t := table{columns: []column{{name: "VERDICT"}, {name: "SERVICE"}, {name: "PEER"}, {name: "RULE", drop: 1}, {name: "CONNECTIONS"}, {name: "BYTES", drop: 2},
			{name: "LAST SEEN", drop: 3}, {name: "NOTE", cut: true, drop: 4}}}
		for j := range s.Rules {
			rule := &s.Rules[j]
			n, bytes, last := o.cells(rule.Sums)
			t.add(string(rule.Verdict), rule.Service(), rule.Peer.String(), rule.ID, n, bytes, last, rule.Note)
			for k := range rule.Narrower {
				p := &rule.Narrower[k]
				n, bytes, last := o.cells(p.Sums)
				t.add("+ instead", p.Service(), peerOf(p), "", n, bytes, last, noteOf(p))
			}
		}
		if err := t.write(out, width); err != nil {
			return err
		}
	}
	return nil
}

func (o *adviceOptions) cells(s advice.Sums) (n, bytes, last string) {
	if s.Connections == 0 {
		return "0", "", ""
	}
	return show.Count(s.Connections), show.Bytes(s.Bytes), show.Time(s.Last, o.in)
}

func called(id, name string) string {
	if name == "" {
		return id
	}
	return id + " (" + name + ")"
}

func peerOf(p *advice.Proposal) string { return firewall.Peer{Prefix: p.Peer, Group: p.Group}.String() }

// noteOf says what is wider in a new rule than what was seen.
func noteOf(p *advice.Proposal) string {
	var all []string
	switch {
	case p.Widened == 1:
		all = append(all, "1 address more than was seen")
	case p.Widened > 1:
		all = append(all, fmt.Sprintf("%s addresses more than were seen", show.Count(p.Widened)))
	}
	if p.ICMP != nil {
		all = append(all, "all types: records have none")
	}
	return strings.Join(all, "; ")
}

// printChanges prints what would make the proposal true: what is new first, so that
// nothing that works stops working meanwhile.
func (o *adviceOptions) printChanges(out *bufio.Writer, r *advice.Report) {
	changes := false
	for i := range r.Sides {
		s := &r.Sides[i]
		fresh, old := 0, 0
		for j := range s.Rules {
			fresh += len(s.Rules[j].Narrower)
			if s.Rules[j].Replaced() {
				old++
			}
		}
		if fresh+old == 0 {
			continue
		}
		changes = true
		fmt.Fprintf(out, "# %s, %s: %d new, %d to revoke; %d of %s recorded\n", printable(called(s.Owner, s.OwnerName)), s.Direction, fresh, old,
			s.Recorded, count(s.Interfaces, "interface"))
		if n := s.Before + fresh; n > o.most {
			fmt.Fprintf(out, "# until the old ones are revoked it has %d rules, more than --max-rules\n", n)
		}
	}
	if !changes {
		fmt.Fprintln(out, "# nothing to change")
		return
	}
	if o.commands {
		fmt.Fprintln(out, "set -e # nothing is revoked unless all that is new is there")
	}
	each(r, func(rule *advice.Rule) {
		for k := range rule.Narrower {
			if o.commands {
				fmt.Fprintln(out, rule.Narrower[k].Command())
			} else {
				fmt.Fprintf(out, "\n%s", rule.Narrower[k].Terraform())
			}
		}
	})
	if o.terraform {
		fmt.Fprint(out, "\n# When these are applied, take out the resources of:\n")
	}
	each(r, func(rule *advice.Rule) {
		switch {
		case !rule.Replaced():
		case o.commands:
			fmt.Fprintln(out, rule.Revoke())
		default:
			fmt.Fprintf(out, "#   %s (%s)\n", printable(rule.String()), rule.Verdict)
		}
	})
}

func each(r *advice.Report, fn func(*advice.Rule)) {
	for i := range r.Sides {
		for j := range r.Sides[i].Rules {
			fn(&r.Sides[i].Rules[j])
		}
	}
}

// The JSON of weir rules.
type (
	adviceSideJSON struct {
		Group      string           `json:"group"`
		Name       string           `json:"name,omitempty"`
		Direction  string           `json:"direction"`
		Interfaces int              `json:"interfaces"`
		Recorded   int              `json:"recorded"`
		Before     int              `json:"before"`
		After      int              `json:"after"`
		Rules      []adviceRuleJSON `json:"rules"`
	}
	adviceRuleJSON struct {
		ID      string `json:"id,omitempty"`
		Service string `json:"service"`
		Peer    string `json:"peer"`
		Verdict string `json:"verdict"`
		Note    string `json:"note,omitempty"`
		adviceSumsJSON
		Revoke   string               `json:"revoke,omitempty"`
		Narrower []adviceProposalJSON `json:"narrower,omitempty"`
	}
	adviceProposalJSON struct {
		Service string `json:"service"`
		Peer    string `json:"peer"`
		Widened int64  `json:"widened"`
		adviceSumsJSON
		Command string `json:"command"`
	}
	adviceSumsJSON struct {
		Connections int64  `json:"connections"`
		Bytes       int64  `json:"bytes"`
		First       string `json:"first,omitempty"`
		Last        string `json:"last,omitempty"`
	}
)

func newAdviceSumsJSON(s advice.Sums) adviceSumsJSON {
	out := adviceSumsJSON{Connections: s.Connections, Bytes: s.Bytes}
	if s.Connections > 0 {
		out.First, out.Last = show.Time(s.First, time.UTC), show.Time(s.Last, time.UTC)
	}
	return out
}

func (o *adviceOptions) adviceJSON(r *advice.Report, f *found) map[string]any {
	groups := []adviceSideJSON{}
	for i := range r.Sides {
		s := &r.Sides[i]
		side := adviceSideJSON{Group: s.Owner, Name: s.OwnerName, Direction: s.Direction.String(), Interfaces: s.Interfaces, Recorded: s.Recorded,
			Before: s.Before, After: s.After}
		for j := range s.Rules {
			x := &s.Rules[j]
			rule := adviceRuleJSON{ID: x.ID, Service: x.Service(), Peer: x.Peer.String(), Verdict: string(x.Verdict), Note: x.Note, adviceSumsJSON: newAdviceSumsJSON(x.Sums)}
			if x.Replaced() {
				rule.Revoke = x.Revoke()
			}
			for k := range x.Narrower {
				p := &x.Narrower[k]
				rule.Narrower = append(rule.Narrower, adviceProposalJSON{p.Service(), peerOf(p), p.Widened, newAdviceSumsJSON(p.Sums), p.Command()})
			}
			side.Rules = append(side.Rules, rule)
		}
		groups = append(groups, side)
	}
	c := r.Counts
	return map[string]any{"groups": groups, "seconds": int64(span(f) / time.Second), "enough": span(f) >= enough, "account": f.json(),
		"records": map[string]int64{"opened": c.Opened, "answers": c.Answers, "elsewhere": c.Elsewhere, "unfiltered": c.Free,
			"unexplained": c.Unexplained, "beyond": c.Beyond}}
}
