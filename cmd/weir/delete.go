package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/ec2"
	"weir/internal/ec2client"
)

// flowLogNotFound is EC2's code for an id that no flow log has.
const flowLogNotFound = "InvalidFlowLogId.NotFound"

// deleteOptions are the flags of weir delete.
type deleteOptions struct {
	aws      awsOptions
	expired  bool
	resource string
	timeout  time.Duration
}

func newDelete() *cobra.Command {
	var o deleteOptions
	cmd := &cobra.Command{
		Use:   "delete {ID... | --expired | --resource ID}",
		Short: "Delete flow logs",
		Long: `Delete flow logs: those with the given ids, those whose time of "weir create --for"
is over, or all of a resource. Nothing is asked; records that were delivered stay
where they are. The ids of what is deleted are printed.

What was captured before is still delivered. Where the service tells when that is
done ("weir serve" does, Amazon does not) the command waits for it.` + awsHelp + `
Exit status: 0 done, 1 failed for some id or all, 2 wrong usage.`,
		Example: `  weir delete fl-0a1b2c3d4e5f67890
  weir delete --expired
  weir delete --resource eni-0a1b2c3d4e5f67890 --timeout 0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDelete(cmd.Context(), &o, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.aws.addFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.expired, "expired", false, "delete those whose time is over")
	f.StringVar(&o.resource, "resource", "", "delete those of this interface, subnet, VPC, ...")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "how long to wait for the last delivery; 0 not at all")
	cmd.ValidArgsFunction = completeFlowLogs(&o.aws)
	return cmd
}

func (o *deleteOptions) check(ids []string) error {
	given := 0
	for _, is := range []bool{len(ids) > 0, o.expired, o.resource != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usageError{errors.New("delete: which flow logs? Want ids, --expired or --resource, one of them"), "weir list shows what there is"}
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, "fl-") {
			return usageError{fmt.Errorf("delete: %q is not the id of a flow log", id), "fl-...; --resource takes other ids"}
		}
	}
	if o.timeout < 0 {
		return usageError{fmt.Errorf("delete: --timeout %v: want a positive time or 0", o.timeout), "see weir delete -h"}
	}
	return nil
}

// deleted is what came of a delete.
type deleted struct {
	ids    []string
	failed []ec2.Unsuccessful
}

func runDelete(ctx context.Context, o *deleteOptions, ids []string, stdout, stderr io.Writer) error {
	if err := o.check(ids); err != nil {
		return err
	}
	c, err := o.aws.client(ctx, "delete")
	if err != nil {
		return err
	}
	done, err := o.delete(ctx, c, ids, stderr)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if o.aws.json {
		err = printJSON(stdout, createdJSON{append([]string{}, done.ids...), unsuccessfulToJSON(done.failed)})
	} else if len(done.ids) > 0 {
		_, err = fmt.Fprintln(stdout, strings.Join(done.ids, "\n"))
	}
	if err != nil {
		return err
	}
	for _, f := range done.failed {
		fmt.Fprintf(stderr, "weir: delete: %s: %s: %s\n", f.ResourceID, f.Code, f.Message)
	}
	if o.timeout > 0 {
		err = waitForLast(ctx, c, done.ids, o.timeout, stderr)
	}
	if n := len(done.failed); n > 0 {
		err = errors.Join(err, fmt.Errorf("delete: %d of %d flow logs not deleted", n, n+len(done.ids)))
	}
	return err
}

// delete deletes what the flags say.
func (o *deleteOptions) delete(ctx context.Context, c *ec2client.Client, ids []string, stderr io.Writer) (done deleted, err error) {
	var filters []ec2.Filter
	if o.resource != "" {
		filters = []ec2.Filter{{Name: "resource-id", Values: []string{o.resource}}}
	}
	found, err := c.FlowLogs(ctx, ids, filters...)
	if err != nil {
		return done, err
	}
	var want []string
	for i := range found {
		f := &found[i]
		if at, ok := expiry(f); o.expired && (!ok || at.After(time.Now())) || o.expired && f.FlowLogStatus == ec2.Deleting ||
			o.resource != "" && f.ResourceID != o.resource {
			continue
		}
		want = append(want, f.FlowLogID)
		if o.expired || o.resource != "" {
			fmt.Fprintf(stderr, "weir: deleting %s of %s to %s\n", f.FlowLogID, f.ResourceID, destinationOf(f))
		}
	}
	for _, id := range ids {
		if !slices.Contains(want, id) && !slices.ContainsFunc(done.failed, func(u ec2.Unsuccessful) bool { return u.ResourceID == id }) {
			done.failed = append(done.failed, ec2.Unsuccessful{ResourceID: id, Code: flowLogNotFound, Message: "there is no such flow log in region " + c.Region()})
		}
	}
	if len(want) == 0 {
		if len(ids) == 0 {
			fmt.Fprintln(stderr, "weir: there is nothing to delete")
		}
		return done, nil
	}
	failed, err := deleteFlowLogs(ctx, c, want)
	if err != nil {
		return done, err
	}
	done.failed = append(done.failed, failed...)
	for _, id := range want {
		if !slices.ContainsFunc(failed, func(u ec2.Unsuccessful) bool { return u.ResourceID == id }) {
			done.ids = append(done.ids, id)
		}
	}
	return done, nil
}

// deleteFlowLogs deletes flow logs that there were a moment ago, and returns those
// that are left. Somebody else may delete them too: what is gone is gone.
func deleteFlowLogs(ctx context.Context, c *ec2client.Client, ids []string) ([]ec2.Unsuccessful, error) {
	failed, err := c.DeleteFlowLogs(ctx, ids)
	if codeOf(err) != flowLogNotFound {
		return slices.DeleteFunc(failed, func(u ec2.Unsuccessful) bool { return u.Code == flowLogNotFound }), err
	}
	left, wrong := c.FlowLogs(ctx, ids)
	if wrong != nil {
		return nil, wrong
	}
	failed = nil
	for i := range left {
		if left[i].FlowLogStatus != ec2.Deleting {
			failed = append(failed, ec2.Unsuccessful{ResourceID: left[i].FlowLogID, Code: codeOf(err), Message: "it is still there"})
		}
	}
	return failed, nil
}

// pollEvery is how often to look whether the last windows are delivered.
const pollEvery = 2 * time.Second

// waitForLast waits until no flow log delivers any more, as far as the service tells:
// ours has a filter for those that were deleted and are not done, which others refuse.
func waitForLast(ctx context.Context, c *ec2client.Client, ids []string, timeout time.Duration, stderr io.Writer) error {
	if len(ids) == 0 || c.Amazon() {
		return nil
	}
	ending := ec2.Filter{Name: "flow-log-status", Values: []string{ec2.Deleting}}
	limit := time.Now().Add(timeout)
	for told := false; ; told = true {
		left, err := c.FlowLogs(ctx, ids, ending)
		if errors.As(err, new(*ec2.Error)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("delete: they are deleted; wait for the last delivery: %w", err)
		}
		if len(left) == 0 {
			return nil
		}
		if !told {
			fmt.Fprintf(stderr, "weir: waiting until the last records of %s are delivered\n", count(len(left), "flow log"))
		}
		if time.Now().After(limit) {
			return hintError{fmt.Errorf("delete: %s deleted, but not all is delivered after %v", count(len(left), "flow log"), timeout),
				"it goes on; weir list shows what fails"}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("delete: they are deleted; wait for the last delivery: %w", ctx.Err())
		case <-time.After(pollEvery):
		}
	}
}
