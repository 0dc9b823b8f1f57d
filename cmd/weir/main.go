// Command weir is VPC Flow Logs for every network: it captures what network
// interfaces carry and writes it as Amazon's flow log records.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses, the same for every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitDiffer = 3 // nothing found, or a check did not hold
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(os.Stderr, "weir: %v\n", err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", hint)
	}
	return statusOf(err)
}

// hintOf returns what to do about an error, "" if nothing is known.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// statusOf returns the exit status of a command that ended with err.
func statusOf(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.Is(err, errDiffer):
		return exitDiffer
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "VPC Flow Logs for every network",
		Long: `Weir captures IP traffic on network interfaces and writes it as Amazon writes VPC
Flow Logs: who talked to whom, and whether a firewall let it through.

New here? "weir demo" builds a small network, captures its traffic and explains
the records. It needs root and leaves nothing behind.`,
		Example:       "  sudo weir demo\n  sudo weir capture eth0 --interval 60s",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usage(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// What cobra finds by itself later is no usage error to it.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return usageError{err, "see " + cmd.CommandPath() + " -h"}
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{err, "see " + cmd.CommandPath() + " -h"}
	})
	root.SetOut(os.Stdout)
	root.AddCommand(newCapture(), newDemo(), newKeys(), newServe(), newInterfaces(), newCreate(), newList(), newDelete(),
		newFetch(), newRead(), newTop(), newSummary(), newTimeline(), newExplain(), newRules(), newDDL(), newVersion())
	root.InitDefaultCompletionCmd()
	return root
}

// usageError is a command line that makes no sense.
type usageError struct {
	err  error
	hint string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }
func (e usageError) Hint() string  { return e.hint }

// hintError is an error with what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e hintError) Error() string { return e.err.Error() }
func (e hintError) Unwrap() error { return e.err }
func (e hintError) Hint() string  { return e.hint }

// errDiffer says that a command did its work and found what it checks to be
// otherwise.
var errDiffer = errors.New("the check did not hold")

// usage makes what an argument check finds a usage error.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			if len(args) > 0 && cmd.HasSubCommands() {
				err = fmt.Errorf("unknown command %q", strings.Join(args, " "))
			}
			return usageError{err, "see " + cmd.CommandPath() + " -h"}
		}
		return nil
	}
}

// exitHelp is the end of every command's help.
const exitHelp = `
Exit status: 0 done, 1 failed, 2 wrong usage.`
