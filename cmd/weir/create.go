package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/ec2"
	"weir/internal/ec2client"
	"weir/internal/flowlog"
)

// createOptions are the flags of weir create.
type createOptions struct {
	aws       awsOptions
	to        string
	role      string
	crossRole string
	interval  time.Duration
	filter    string
	format    string
	parquet   bool
	hive      bool
	hourly    bool
	tags      []string
	duration  time.Duration
	wait      bool
	dryRun    bool
}

func newCreate() *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create RESOURCE...",
		Short: "Create flow logs on interfaces, subnets, VPCs",
		Long: `Create a flow log for each resource: from now on what its interfaces carry is
recorded and delivered to the destination. RESOURCE is the id of an interface
(eni-), a subnet, a VPC, a transit gateway (tgw-) or an attachment of one, or a
regional NAT gateway; several of several kinds will do.

Where records go, --to:

  s3://BUCKET/FOLDER     files, in text or --parquet
  logs://GROUP           CloudWatch Logs; needs --role
  firehose://STREAM      Amazon Data Firehose; a name, or an ARN
  arn:...                the same as an ARN

--for makes a flow log that ends: it gets the tag ` + flowlog.ExpiresTag + ` with the time. "weir
serve" deletes it then. Amazon does not: with --wait the command stays and deletes it,
also when it is interrupted; else "weir delete --expired" does, when somebody runs it.

Ids are printed on standard output, everything else on standard error.` + awsHelp + `
Exit status: 0 done, 1 failed for some resource or all, 2 wrong usage.`,
		Example: `  weir create eni-0a1b2c3d4e5f67890 --to s3://flow-logs/web --for 30m --wait
  weir create vpc-0a1b2c3d --to s3://flow-logs --parquet --hourly --format default+tcp-flags+vpc-id
  weir create subnet-1 subnet-2 --to logs://flows --role flow-logs --interval 1m --filter REJECT
  weir create vpc-0a1b2c3d --to s3://flow-logs --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.setDefaults(cmd)
			return runCreate(cmd.Context(), &o, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.aws.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "destination: s3://BUCKET/FOLDER, logs://GROUP, firehose://STREAM or an ARN")
	f.StringVar(&o.role, "role", "", "role that delivers, a name or an ARN: needed for logs://, and to another account's stream")
	f.StringVar(&o.crossRole, "cross-account-role", "", "role in the account of another account's stream, an ARN")
	f.DurationVar(&o.interval, "interval", 10*time.Minute, "aggregation interval: 1m or 10m (transit gateways: 1m)")
	f.StringVar(&o.filter, "filter", "ALL", "traffic to record: ALL, ACCEPT or REJECT (transit gateways: no such choice)")
	f.StringVar(&o.format, "format", "", "fields: Amazon's ${...} string, names, or default, default+FIELD, v3, v5, all (default: the service's default)")
	f.BoolVar(&o.parquet, "parquet", false, "deliver Parquet files instead of text (S3)")
	f.BoolVar(&o.hive, "hive", false, "name folders as Hive does, year=2026/month=11/... (S3)")
	f.BoolVar(&o.hourly, "hourly", false, "a folder for each hour instead of each day (S3)")
	f.StringArrayVar(&o.tags, "tag", nil, "tag of the flow log, KEY=VALUE; may be repeated")
	f.DurationVar(&o.duration, "for", 0, "delete it after this time (default: it stays)")
	f.BoolVar(&o.wait, "wait", false, "stay until the time of --for is over, or until interrupted, then delete it")
	f.BoolVar(&o.dryRun, "dry-run", false, "ask the service whether it would, and create nothing")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("filter", cobra.FixedCompletions([]string{"ALL", "ACCEPT", "REJECT"}, cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("interval", cobra.FixedCompletions([]string{"1m", "10m"}, cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", completeFormat))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions([]string{"s3://", "logs://", "firehose://"}, cobra.ShellCompDirectiveNoSpace)))
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

// setDefaults empties the flags that nobody set and that not every resource takes.
func (o *createOptions) setDefaults(cmd *cobra.Command) {
	if !cmd.Flags().Changed("interval") {
		o.interval = 0
	}
	if !cmd.Flags().Changed("filter") {
		o.filter = ""
	}
}

// created is what came of a create.
type created struct {
	ids    []string
	failed []ec2.Unsuccessful
}

func runCreate(ctx context.Context, o *createOptions, resources []string, stdout, stderr io.Writer) error {
	p, err := o.plan(resources, time.Now())
	if err != nil {
		return err
	}
	c, err := o.aws.client(ctx, "create")
	if err != nil {
		return err
	}
	if err := p.complete(ctx, c); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	for i := range p.requests {
		fmt.Fprintf(stderr, "weir: %s\n", p.describe(&p.requests[i]))
	}
	done, err := p.send(ctx, c, o.dryRun)
	if o.dryRun && err == nil && len(done.failed) == 0 {
		fmt.Fprintln(stderr, "weir: it would; nothing was created")
		return nil
	}
	if wrong := done.print(o.aws.json, stdout); wrong != nil {
		return errors.Join(err, wrong)
	}
	for _, f := range done.failed {
		fmt.Fprintf(stderr, "weir: create: %s: %s: %s\n", f.ResourceID, f.Code, f.Message)
	}
	if err == nil && len(done.failed) > 0 {
		err = fmt.Errorf("create: %d of %d flow logs not created", len(done.failed), p.resources)
		if hint := p.missingBucket(c, done.failed); hint != "" {
			err = hintError{err, hint}
		}
	}
	if len(done.ids) > 0 {
		p.explain(c, done.ids, o.wait, stderr)
		if o.wait {
			return errors.Join(err, p.stay(ctx, c, done.ids, stderr))
		}
	}
	return err
}

// missingBucket returns the command that makes the bucket, if that is what a flow log
// failed for.
func (p *createPlan) missingBucket(c *ec2client.Client, failed []ec2.Unsuccessful) string {
	bucket, _, err := flowlog.BucketFolder(p.requests[0].LogDestination)
	missing := slices.ContainsFunc(failed, func(f ec2.Unsuccessful) bool {
		return strings.TrimSuffix(f.Message, ".") == "LogDestination: "+bucket+" does not exist"
	})
	switch {
	case err != nil || !missing:
		return ""
	case c.Amazon():
		return "aws s3 mb s3://" + bucket
	}
	return "aws s3 mb s3://" + bucket + " --endpoint-url " + strings.TrimSuffix(c.Endpoint(), "/")
}

// send creates what the requests ask for. Of an error of a whole call it says what
// was created before.
func (p *createPlan) send(ctx context.Context, c *ec2client.Client, dryRun bool) (done created, err error) {
	for i := range p.requests {
		r := &p.requests[i]
		r.DryRun = dryRun
		a, err := c.CreateFlowLogs(ctx, *r)
		if dryRun && codeOf(err) == "DryRunOperation" {
			continue
		}
		var e *ec2.Error
		if errors.As(err, &e) && e.Status == http.StatusBadRequest && len(p.requests) > 1 {
			// What is wrong with these need not be wrong with others.
			for _, id := range r.ResourceIDs {
				done.failed = append(done.failed, ec2.Unsuccessful{ResourceID: id, Code: e.Code, Message: e.Message})
			}
			continue
		}
		if err != nil {
			return done, fmt.Errorf("create: %s: %w", strings.Join(r.ResourceIDs, ", "), err)
		}
		done.ids = append(done.ids, a.FlowLogIDs...)
		done.failed = append(done.failed, a.Unsuccessful...)
	}
	return done, nil
}

func (d *created) print(asJSON bool, stdout io.Writer) error {
	if asJSON {
		return printJSON(stdout, createdJSON{append([]string{}, d.ids...), unsuccessfulToJSON(d.failed)})
	}
	for _, id := range d.ids {
		if _, err := fmt.Fprintln(stdout, id); err != nil {
			return err
		}
	}
	return nil
}

// createdJSON is what weir create --json prints, of all calls together.
type createdJSON struct {
	FlowLogIDs   []string           `json:"FlowLogIds"`
	Unsuccessful []unsuccessfulJSON `json:"Unsuccessful"`
}

// stay waits until the flow logs are to end, then deletes them, whatever ended the
// waiting, and waits a minute for what they still deliver.
func (p *createPlan) stay(ctx context.Context, c *ec2client.Client, ids []string, stderr io.Writer) error {
	var over <-chan time.Time
	if !p.expires.IsZero() {
		over = time.After(time.Until(p.expires))
	}
	select {
	case <-over:
	case <-ctx.Done():
	}
	fmt.Fprintf(stderr, "weir: deleting %s\n", count(len(ids), "flow log"))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	failed, err := deleteFlowLogs(ctx, c, ids)
	for _, f := range failed {
		err = errors.Join(err, fmt.Errorf("%s: %s: %s", f.ResourceID, f.Code, f.Message))
	}
	if err != nil {
		return hintError{fmt.Errorf("create: delete: %w", err), "weir delete " + strings.Join(ids, " ")}
	}
	return waitForLast(ctx, c, ids, time.Minute, stderr)
}
