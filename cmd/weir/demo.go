package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/demo"
)

func newDemo() *cobra.Command {
	var asJSON bool
	interval := 5 * time.Second
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See a flow log: a small network, real traffic, its records explained",
		Long: `Build a small network in namespaces of its own (a web server behind a firewall,
a router, three clients), send traffic through it, capture it on the server's
interfaces, print the records and say what each means.

Then check that what was recorded is what was sent, as nftables counted it at
the other end, packet for packet and byte for byte.

It needs root, takes a few seconds, touches nothing of this machine's own network
and leaves nothing behind.

Exit status: 0 what was recorded equals what was sent, 1 failed, 2 wrong usage,
3 it does not equal.`,
		Example: "  sudo weir demo\n  sudo weir demo --json",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			step := func(s string) { fmt.Fprintf(os.Stderr, "weir: %s\n", s) }
			r, err := demo.Run(cmd.Context(), demo.Config{Interval: interval, Step: step})
			if err != nil {
				if os.Geteuid() != 0 {
					return hintError{err, "it needs root: sudo weir demo, or go run -exec sudo ./cmd/weir demo"}
				}
				return withCaptureHint(err)
			}
			if asJSON {
				err = demoJSON(cmd.OutOrStdout(), r)
			} else {
				err = demoText(cmd.OutOrStdout(), r)
			}
			if err == nil && len(r.Differences) > 0 {
				err = fmt.Errorf("demo: what was recorded is not what was sent: %w", errDiffer)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&interval, "interval", interval, "length of the window, 3s or more")
	return cmd
}

func demoText(w io.Writer, r *demo.Report) error {
	b := append([]byte{'\n'}, r.Format.AppendHeader(nil)...)
	b = append(b, '\n')
	for _, l := range r.Lines {
		b = fmt.Appendf(b, "%s\n", l.Record)
	}
	b = fmt.Appendf(b, "\nLine by line:\n\n")
	for i, l := range r.Lines {
		b = fmt.Appendf(b, "%3d  %s\n", i+1, l.Says)
	}
	b = append(b, '\n')
	if len(r.Differences) == 0 {
		b = fmt.Appendf(b, "Check: all %d packets in %d flows, %d of them refused, are recorded exactly as they were sent.\n",
			r.Packets, r.Flows, r.Refused)
	}
	for _, d := range r.Differences {
		b = fmt.Appendf(b, "DIFFERENT: %s\n", d)
	}
	_, err := w.Write(b)
	return err
}

func demoJSON(w io.Writer, r *demo.Report) error {
	type line struct {
		Record json.RawMessage `json:"record"`
		Line   string          `json:"line"`
		Says   string          `json:"says"`
	}
	doc := struct {
		Format      string   `json:"format"`
		Features    string   `json:"features"`
		Records     []line   `json:"records"`
		Flows       uint64   `json:"flows"`
		Packets     uint64   `json:"packets"`
		Refused     uint64   `json:"refused"`
		Differences []string `json:"differences"`
	}{
		Format: r.Format.String(), Features: r.Features, Flows: r.Flows, Packets: r.Packets, Refused: r.Refused,
		Differences: append([]string{}, r.Differences...),
	}
	for _, l := range r.Lines {
		if !json.Valid([]byte(l.JSON)) {
			return errors.New("demo: a record is not valid JSON")
		}
		doc.Records = append(doc.Records, line{json.RawMessage(l.JSON), l.Record, l.Says})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}
