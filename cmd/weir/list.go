package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/ec2"
	"weir/internal/eni"
	"weir/internal/flowlog"
)

// listOptions are the flags of weir list.
type listOptions struct {
	aws         awsOptions
	resource    string
	destination string
	failed      bool
}

func newList() *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list [ID...]",
		Short: "List flow logs, and how their delivery is doing",
		Long: `List flow logs: those with the given ids, or all of the region. Every option narrows
the list.

STATUS is that of the flow log, and DELIVERY that of its delivery: SUCCESS also
before the first one, or what fails. LAST is when something was delivered last, where
the service tells ("weir serve" does, Amazon does not); EXPIRES is the time of "weir
create --for". Times are UTC.

On a narrow terminal columns are left out and long values cut; a pipe gets all, and
--json what the API answers.` + awsHelp + `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing found.`,
		Example: `  weir list
  weir list --resource vpc-0a1b2c3d
  weir list --destination s3://flow-logs --failed --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runList(cmd.Context(), &o, args, cmd.OutOrStdout())
		},
	}
	o.aws.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.resource, "resource", "", "only those of this interface, subnet, VPC, ...")
	f.StringVar(&o.destination, "destination", "", "only those that deliver there: s3://BUCKET/FOLDER or below, logs://GROUP, firehose://STREAM, or an ARN")
	f.BoolVar(&o.failed, "failed", false, "only those whose delivery fails")
	cmd.ValidArgsFunction = completeFlowLogs(&o.aws)
	return cmd
}

func runList(ctx context.Context, o *listOptions, ids []string, stdout io.Writer) error {
	for _, id := range ids {
		if !strings.HasPrefix(id, "fl-") {
			return usageError{fmt.Errorf("list: %q is not the id of a flow log", id), "fl-...; --resource takes other ids"}
		}
	}
	c, err := o.aws.client(ctx, "list")
	if err != nil {
		return err
	}
	var filters []ec2.Filter
	if o.resource != "" {
		filters = []ec2.Filter{{Name: "resource-id", Values: []string{o.resource}}}
	}
	logs, err := c.FlowLogs(ctx, ids, filters...)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	logs = slices.DeleteFunc(logs, func(f ec2.FlowLog) bool { return !o.wants(&f) })
	slices.SortStableFunc(logs, func(a, b ec2.FlowLog) int {
		return cmp.Or(a.CreationTime.Compare(b.CreationTime.Time), cmp.Compare(a.FlowLogID, b.FlowLogID))
	})
	if o.aws.json {
		if err := printJSON(stdout, flowLogsToJSON(logs)); err != nil {
			return err
		}
	} else if len(logs) > 0 {
		if err := flowLogsTable(logs).write(stdout, widthOf(stdout)); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(logs, func(f ec2.FlowLog) bool { return f.FlowLogID == id }) {
			return notFound("list: %s: there is no such flow log in region %s", id, c.Region())
		}
	}
	if len(logs) == 0 {
		return notFound("list: no flow log in region %s%s", c.Region(), narrowed(o.resource+o.destination != "" || o.failed))
	}
	return nil
}

// narrowed ends what says that nothing was found.
func narrowed(is bool) string {
	if is {
		return " is like that"
	}
	return ""
}

// wants reports whether a flow log is one of those asked for.
func (o *listOptions) wants(f *ec2.FlowLog) bool {
	if o.failed && f.DeliverLogsStatus != "FAILED" {
		return false
	}
	if o.resource != "" && f.ResourceID != o.resource {
		return false
	}
	if o.destination == "" {
		return true
	}
	where := destinationOf(f)
	if strings.HasPrefix(o.destination, "arn:") {
		where = f.LogDestination
	}
	where, want := strings.TrimSuffix(where, "/"), strings.TrimSuffix(o.destination, "/")
	return where == want || strings.HasPrefix(where, want+"/")
}

// destinationOf writes a destination as weir create --to takes it.
func destinationOf(f *ec2.FlowLog) string {
	switch flowlog.DestinationType(f.LogDestinationType) {
	case flowlog.S3:
		if bucket, folder, err := flowlog.BucketFolder(f.LogDestination); err == nil {
			return strings.TrimSuffix("s3://"+bucket+"/"+folder, "/")
		}
	case flowlog.CloudWatchLogs:
		if f.LogGroupName != "" {
			return "logs://" + f.LogGroupName
		}
		if _, group, ok := strings.Cut(f.LogDestination, ":log-group:"); ok {
			return "logs://" + strings.TrimSuffix(group, ":*")
		}
	case flowlog.Firehose:
		if _, name, ok := strings.Cut(f.LogDestination, ":deliverystream/"); ok {
			return "firehose://" + name
		}
	}
	return f.LogDestination
}

// expiry returns when a flow log is to be deleted, if its tags say so.
func expiry(f *ec2.FlowLog) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, eni.Tag(f.Tags, flowlog.ExpiresTag))
	return at, err == nil
}

func flowLogsTable(logs []ec2.FlowLog) *table {
	t := &table{columns: []column{
		{"ID", false, 0}, {"NAME", true, 8}, {"RESOURCE", false, 1}, {"TRAFFIC", false, 5}, {"INTERVAL", false, 7},
		{"DESTINATION", true, 2}, {"STATUS", false, 6}, {"DELIVERY", true, 3}, {"LAST", false, 9}, {"EXPIRES", false, 4},
	}}
	for i := range logs {
		f := &logs[i]
		delivery := f.DeliverLogsStatus
		if f.DeliverLogsErrorMessage != "" {
			delivery += ": " + f.DeliverLogsErrorMessage
		}
		last, expires := "", ""
		if f.LastDeliveryTime != nil {
			last = f.LastDeliveryTime.UTC().Format(time.RFC3339)
		}
		if at, ok := expiry(f); ok {
			expires = at.UTC().Format(time.RFC3339)
		}
		interval := fmt.Sprintf("%ds", f.MaxAggregationInterval)
		if f.MaxAggregationInterval%60 == 0 {
			interval = fmt.Sprintf("%dm", f.MaxAggregationInterval/60)
		}
		t.add(f.FlowLogID, eni.Tag(f.Tags, "Name"), f.ResourceID, f.TrafficType, interval,
			destinationOf(f), f.FlowLogStatus, delivery, last, expires)
	}
	return t
}
