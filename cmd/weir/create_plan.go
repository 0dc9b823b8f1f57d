package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"weir/internal/ec2"
	"weir/internal/ec2client"
	"weir/internal/flowlog"
	"weir/record"
)

// createPlan is a command line that was understood: what to ask for.
type createPlan struct {
	requests  []ec2.CreateFlowLogs
	resources int
	to        string // as the user wrote it
	stream    string // the name of a stream whose ARN is not known yet
	role      string // the same of a role
	expires   time.Time
}

// maxTransit is how many transit gateways or attachments one call takes.
const maxTransit = 25

const createHint = "see weir create -h"

// plan makes requests of the flags: one for each kind of resource, or several if
// there are very many.
func (o *createOptions) plan(resources []string, now time.Time) (*createPlan, error) {
	if len(resources) == 0 {
		return nil, usageError{errors.New("create: which resource?"), "weir create eni-... --to s3://BUCKET; weir interfaces lists interfaces"}
	}
	p := &createPlan{to: o.to}
	common, err := o.common(p)
	if err != nil {
		return nil, err
	}
	if o.duration > 0 {
		// To the second, as the tag has it.
		p.expires = now.Add(o.duration).UTC().Round(time.Second)
	}
	tags, err := o.parseTags(p.expires)
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		common.TagSpecifications = []ec2.TagSpecification{{ResourceType: "vpc-flow-log", Tags: tags}}
	}
	groups := make(map[flowlog.ResourceType][]string)
	var order []flowlog.ResourceType
	for _, id := range resources {
		t, ok := flowlog.ResourceTypeOf(id)
		if !ok {
			return nil, usageError{fmt.Errorf("create: %q is not the id of anything that has flow logs", id), "eni-..., subnet-..., vpc-..., tgw-..., tgw-attach-... or nat-..."}
		}
		if !slices.Contains(order, t) {
			order = append(order, t)
		}
		if !slices.Contains(groups[t], id) {
			groups[t] = append(groups[t], id)
			p.resources++
		}
	}
	for _, t := range order {
		if err := o.addGroup(p, *common, t, groups[t]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// addGroup adds the requests for the resources of one type.
func (o *createOptions) addGroup(p *createPlan, r ec2.CreateFlowLogs, t flowlog.ResourceType, ids []string) error {
	r.ResourceType = string(t)
	interval := cmp.Or(o.interval, 10*time.Minute)
	most := flowlog.MaxResources
	switch t {
	case flowlog.TransitGateway, flowlog.TransitGatewayAttachment:
		interval, most = cmp.Or(o.interval, time.Minute), maxTransit
		if interval != time.Minute {
			return usageError{fmt.Errorf("create: --interval %s: flow logs of %s have 1m", o.interval, strings.Join(ids, ", ")), createHint}
		}
		if o.filter != "" {
			return usageError{fmt.Errorf("create: --filter %s: flow logs of %s always have all traffic", o.filter, strings.Join(ids, ", ")), createHint}
		}
	default:
		r.TrafficType = cmp.Or(o.filter, "ALL")
	}
	seconds := int(interval / time.Second)
	r.MaxAggregationInterval = &seconds
	for some := range slices.Chunk(ids, most) {
		r.ResourceIDs = some
		p.requests = append(p.requests, r)
	}
	return nil
}

// common makes what the requests have in common.
func (o *createOptions) common(p *createPlan) (*ec2.CreateFlowLogs, error) {
	wrong := func(hint, format string, args ...any) error {
		return usageError{fmt.Errorf("create: "+format, args...), hint}
	}
	var r ec2.CreateFlowLogs
	switch {
	case o.to == "":
		return nil, wrong("--to s3://BUCKET/FOLDER, logs://GROUP, firehose://STREAM or an ARN", "where to? --to is missing")
	case o.interval != 0 && o.interval != time.Minute && o.interval != 10*time.Minute:
		return nil, wrong(createHint, "--interval %v: want 1m or 10m", o.interval)
	case !slices.Contains([]string{"", "ALL", "ACCEPT", "REJECT"}, o.filter):
		return nil, wrong(createHint, "--filter %q: want ALL, ACCEPT or REJECT", o.filter)
	case o.duration < 0 || o.duration > 0 && o.duration < time.Second:
		return nil, wrong(createHint, "--for %v: want 1s or more", o.duration)
	case o.wait && o.dryRun:
		return nil, wrong(createHint, "--wait and --dry-run: there is nothing to wait for")
	}
	if o.format != "" {
		f, err := record.ParseFormat(o.format)
		if err != nil {
			return nil, wrong("the fields are listed in docs/formats/flow-record.md", "--format: %w", err)
		}
		r.LogFormat = f.String()
	}
	if err := o.destination(p, &r); err != nil {
		return nil, wrong(createHint, "--to: %w", err)
	}
	if o.parquet || o.hive || o.hourly {
		if r.LogDestinationType != string(flowlog.S3) {
			return nil, wrong(createHint, "--parquet, --hive and --hourly are for s3:// only")
		}
		r.DestinationOptions = &ec2.DestinationOptions{FileFormat: "plain-text", HiveCompatiblePartitions: o.hive, PerHourPartition: o.hourly}
		if o.parquet {
			r.DestinationOptions.FileFormat = "parquet"
		}
	}
	switch {
	case r.LogDestinationType == string(flowlog.CloudWatchLogs) && o.role == "":
		return nil, wrong("a role that vpc-flow-logs.amazonaws.com may assume and that may write to the group; weir serve takes any ARN",
			"CloudWatch Logs needs --role")
	case r.LogDestinationType == string(flowlog.S3) && o.role+o.crossRole != "":
		return nil, wrong("the policy of the bucket says who may deliver", "S3 takes no role")
	}
	r.DeliverCrossAccountRole = o.crossRole
	if r.DeliverLogsPermissionARN = o.role; o.role != "" && !strings.HasPrefix(o.role, "arn:") {
		p.role = o.role
	}
	return &r, nil
}

// destination reads --to.
func (o *createOptions) destination(p *createPlan, r *ec2.CreateFlowLogs) error {
	if name, ok := strings.CutPrefix(o.to, "firehose://"); ok {
		if name == "" {
			return fmt.Errorf("destination %q: names no stream", o.to)
		}
		r.LogDestinationType, r.LogDestination = string(flowlog.Firehose), name
		if !strings.HasPrefix(name, "arn:") {
			p.stream = name
		}
		return nil
	}
	kind, arn, group, err := flowlog.ParseDestination(o.to)
	if err != nil {
		return err
	}
	r.LogDestinationType, r.LogDestination, r.LogGroupName = string(kind), strings.TrimSuffix(arn, ":*"), group
	return nil
}

// parseTags reads --tag and adds the tag of --for.
func (o *createOptions) parseTags(expires time.Time) ([]ec2.Tag, error) {
	var tags []ec2.Tag
	for _, t := range o.tags {
		key, value, ok := strings.Cut(t, "=")
		if !ok || key == "" {
			return nil, usageError{fmt.Errorf("create: --tag %q: want KEY=VALUE", t), createHint}
		}
		if slices.ContainsFunc(tags, func(t ec2.Tag) bool { return t.Key == key }) {
			return nil, usageError{fmt.Errorf("create: --tag %s: given twice", key), createHint}
		}
		if key == flowlog.ExpiresTag && !expires.IsZero() {
			return nil, usageError{fmt.Errorf("create: --tag %s: --for sets it", key), createHint}
		}
		tags = append(tags, ec2.Tag{Key: key, Value: value})
	}
	if !expires.IsZero() {
		tags = append(tags, ec2.Tag{Key: flowlog.ExpiresTag, Value: expires.Format(time.RFC3339)})
	}
	return tags, nil
}

// complete makes ARNs of names, now that the region is known; those of streams and
// roles have the account, which STS is asked for.
func (p *createPlan) complete(ctx context.Context, c *ec2client.Client) error {
	partition, account := ec2client.Partition(c.Region()), ""
	if p.stream != "" || p.role != "" {
		var err error
		if account, err = c.Account(ctx); err != nil {
			return fmt.Errorf("whose account is it: %w", err)
		}
	}
	for i := range p.requests {
		r := &p.requests[i]
		if strings.HasPrefix(p.to, "s3://") {
			r.LogDestination = strings.Replace(r.LogDestination, "arn:aws:", "arn:"+partition+":", 1)
		}
		if p.stream != "" {
			r.LogDestination = fmt.Sprintf("arn:%s:firehose:%s:%s:deliverystream/%s", partition, c.Region(), account, p.stream)
		}
		if p.role != "" {
			r.DeliverLogsPermissionARN = fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, account, p.role)
		}
	}
	return nil
}

// describe says what a request asks for.
func (p *createPlan) describe(r *ec2.CreateFlowLogs) string {
	traffic := map[string]string{"": "all traffic", "ALL": "all traffic", "ACCEPT": "accepted traffic", "REJECT": "refused traffic"}[r.TrafficType]
	parts := []string{fmt.Sprintf("%s of %s, flows of up to %d minutes", traffic, listed(r.ResourceIDs), *r.MaxAggregationInterval/60)}
	if *r.MaxAggregationInterval == 60 {
		parts[0] = fmt.Sprintf("%s of %s, flows of up to 1 minute", traffic, listed(r.ResourceIDs))
	}
	if r.LogFormat != "" {
		parts = append(parts, count(strings.Count(r.LogFormat, "${"), "field"))
	} else {
		parts = append(parts, "default fields")
	}
	to := "to " + p.to
	if o := r.DestinationOptions; o != nil && o.FileFormat == "parquet" {
		to += " as Parquet files"
	} else if r.LogDestinationType == string(flowlog.S3) {
		to += " as text files"
	}
	parts = append(parts, to)
	if !p.expires.IsZero() {
		parts = append(parts, "until "+p.expires.Format(time.RFC3339))
	}
	return "recording " + strings.Join(parts, ", ")
}

// listed names a few things of many.
func listed(ids []string) string {
	const few = 4
	if len(ids) <= few {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:few-1], ", "), len(ids)-few+1)
}

// explain says how to see the records and how it ends.
func (p *createPlan) explain(c *ec2client.Client, ids []string, waits bool, stderr io.Writer) {
	r := &p.requests[0]
	switch flowlog.DestinationType(r.LogDestinationType) {
	case flowlog.S3:
		bucket, folder, _ := flowlog.BucketFolder(r.LogDestination)
		if folder != "" {
			folder += "/"
		}
		fmt.Fprintf(stderr, "weir: files come after the first interval, within ten minutes or so: aws s3 ls --recursive s3://%s/%sAWSLogs/\n", bucket, folder)
	case flowlog.CloudWatchLogs:
		group := r.LogGroupName
		if group == "" {
			_, group, _ = strings.Cut(r.LogDestination, ":log-group:")
		}
		fmt.Fprintf(stderr, "weir: records come after the first interval, within ten minutes or so: aws logs tail --follow %s\n", group)
	default:
		fmt.Fprintf(stderr, "weir: records come after the first interval, to where %s delivers\n", r.LogDestination)
	}
	switch {
	case waits && p.expires.IsZero():
		fmt.Fprintln(stderr, "weir: waiting; ^C deletes the flow logs and ends it")
	case waits:
		fmt.Fprintf(stderr, "weir: waiting until %s, then deleting the flow logs; ^C does so now\n", p.expires.Format(time.RFC3339))
	case !p.expires.IsZero():
		fmt.Fprintf(stderr, "weir: weir serve deletes it at %s; at Amazon, weir delete --expired does after that\n", p.expires.Format(time.RFC3339))
	default:
		fmt.Fprintf(stderr, "weir: to end it: weir delete %s\n", listed(ids))
	}
}
