package awsapi

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"weir/internal/ec2"
	"weir/internal/flowlog"
)

// maxFlowLogIDs is how many ids a call may have.
const maxFlowLogIDs = 1000

// A shownLog is a flow log with how its delivery is doing.
type shownLog struct {
	*flowlog.FlowLog
	failure string    // deliverLogsErrorMessage
	last    time.Time // of the last delivery; zero before the first
}

// filterStatus is a filter that Amazon has not. A call with it sees the flow logs
// that were deleted, too, until they are done.
const filterStatus = "flow-log-status"

// flowLogFilters are the filters of DescribeFlowLogs. The name of deliver-log-status
// really lacks the s that the member has.
var flowLogFilters = map[string]func(*shownLog) []string{
	"deliver-log-status":   func(d *shownLog) []string { return []string{d.status()} },
	"log-destination-type": func(d *shownLog) []string { return []string{string(d.DestinationType)} },
	"flow-log-id":          func(d *shownLog) []string { return []string{d.ID} },
	"log-group-name":       func(d *shownLog) []string { return some(d.logGroup()) },
	"resource-id":          func(d *shownLog) []string { return []string{d.ResourceID} },
	"traffic-type":         func(d *shownLog) []string { return some(d.TrafficType) },
	filterStatus:           func(d *shownLog) []string { return []string{d.state()} },
}

// some returns a value unless there is none.
func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func (a *API) describeFlowLogs(ctx context.Context, in *ec2.DescribeFlowLogs) (*ec2.DescribeFlowLogsAnswer, error) {
	if n := len(in.FlowLogIDs); n > maxFlowLogIDs {
		return nil, ec2.TooManyValues.With("FlowLogId", n, maxFlowLogIDs)
	}
	m, err := newMatcher(in.Filters, flowLogFilters, func(d *shownLog) []ec2.Tag { return ec2Tags(d.Tags) })
	if err != nil {
		return nil, err
	}
	ending := slices.ContainsFunc(in.Filters, func(f ec2.Filter) bool { return f.Name == filterStatus })
	all, err := a.shownLogs(ctx, in.FlowLogIDs, ending)
	if err != nil {
		return nil, err
	}
	var wanted []shownLog
	for i := range all {
		if m.match(&all[i]) {
			wanted = append(wanted, all[i])
		}
	}
	id := func(d *shownLog) string { return d.ID }
	wanted, next, err := page(wanted, id, in.MaxResults, in.NextToken, minResults, maxResults)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeFlowLogsAnswer{NextToken: next}
	for i := range wanted {
		out.FlowLogs = append(out.FlowLogs, wanted[i].describe())
	}
	return out, nil
}

// shownLogs returns the flow logs that have not been deleted: all, or those of the
// ids that there are. Those that are ending are among them if they are asked for.
func (a *API) shownLogs(ctx context.Context, ids []string, ending bool) ([]shownLog, error) {
	logs, err := a.cfg.Logs.List(ctx, ids...)
	if err != nil {
		return nil, err
	}
	statuses, err := a.cfg.Logs.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]shownLog, 0, len(logs))
	for i := range logs {
		if !logs[i].Active() && !ending {
			continue
		}
		st := statuses[logs[i].ID]
		out = append(out, shownLog{&logs[i], st.Error, st.Last})
	}
	return out, nil
}

func (d *shownLog) state() string {
	if d.Active() {
		return "ACTIVE"
	}
	return ec2.Deleting
}

func (d *shownLog) status() string {
	if d.failure != "" {
		return "FAILED"
	}
	return "SUCCESS"
}

// logGroup returns the log group, which a flow log also has if it was made with
// the group's ARN.
func (d *shownLog) logGroup() string {
	if d.DestinationType != flowlog.CloudWatchLogs || d.LogGroup != "" {
		return d.LogGroup
	}
	_, name, _ := strings.Cut(d.Destination, ":log-group:")
	return strings.TrimSuffix(name, ":*")
}

func (d *shownLog) describe() ec2.FlowLog {
	out := ec2.FlowLog{
		CreationTime:             ec2.Time{Time: d.Created},
		DeliverCrossAccountRole:  d.CrossAccountRole,
		DeliverLogsErrorMessage:  d.failure,
		DeliverLogsPermissionARN: d.PermissionRole,
		DeliverLogsStatus:        d.status(),
		FlowLogID:                d.ID,
		FlowLogStatus:            d.state(),
		LogDestination:           d.Destination,
		LogDestinationType:       string(d.DestinationType),
		LogFormat:                d.Format,
		LogGroupName:             d.logGroup(),
		MaxAggregationInterval:   int(d.Interval / time.Second),
		ResourceID:               d.ResourceID,
		Tags:                     ec2Tags(d.Tags),
		TrafficType:              d.TrafficType,
	}
	if !d.last.IsZero() {
		out.LastDeliveryTime = &ec2.Time{Time: d.last}
	}
	if d.DestinationType == flowlog.CloudWatchLogs {
		out.LogDestination = strings.TrimSuffix(d.Destination, ":*")
	}
	if d.DestinationType == flowlog.S3 || d.DestinationOptions {
		out.DestinationOptions = &ec2.DestinationOptions{FileFormat: "plain-text", HiveCompatiblePartitions: d.Hive, PerHourPartition: d.PerHour}
		if d.Parquet {
			out.DestinationOptions.FileFormat = "parquet"
		}
	}
	for _, f := range d.TagFields {
		out.TagFieldSpecifications = append(out.TagFieldSpecifications, ec2.TagFieldSpecification{ResourceType: f.ResourceType, TagKeys: f.Keys})
	}
	return out
}

func ec2Tags(tags []flowlog.Tag) (out []ec2.Tag) {
	for _, t := range tags {
		out = append(out, ec2.Tag(t))
	}
	return out
}

const maxFlowLogID = 67 // bytes

// flowLogID is what ids look like, ours and those that somebody has declared.
var flowLogID = regexp.MustCompile(`^fl-[0-9A-Za-z-]+$`)

func (a *API) deleteFlowLogs(ctx context.Context, in *ec2.DeleteFlowLogs) (*ec2.DeleteFlowLogsAnswer, error) {
	n := len(in.FlowLogIDs)
	switch {
	case n == 0:
		return nil, ec2.MissingParameter.With("FlowLogId")
	case n > maxFlowLogIDs:
		return nil, ec2.TooManyValues.With("FlowLogId", n, maxFlowLogIDs)
	}
	var missing []string
	for _, id := range in.FlowLogIDs {
		if err := checkFlowLogID(id); err != nil {
			return nil, err
		}
		there, err := a.hasFlowLog(ctx, id)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, ec2.FlowLogNotFound.With(len(missing), strings.Join(missing, " "))
	}
	if in.DryRun {
		return nil, ec2.DryRunOperation.With()
	}
	out := new(ec2.DeleteFlowLogsAnswer)
	for _, id := range in.FlowLogIDs {
		err := a.cfg.Logs.Delete(ctx, id, a.cfg.Now())
		if ec2.FlowLogNotFound.Is(err) {
			continue // gone meanwhile
		}
		if err != nil {
			a.cfg.Logger.Error("flow log could not be deleted", "flowlog", id, "err", err)
			out.Unsuccessful = append(out.Unsuccessful, unsuccessful(id, ec2.InternalError.With()))
		}
	}
	return out, nil
}

func checkFlowLogID(id string) error {
	if id == "" {
		return ec2.FlowLogIDMalformed.With("null")
	}
	if len(id) > maxFlowLogID || !flowLogID.MatchString(id) {
		return ec2.FlowLogIDMalformed.With("'" + id + "'")
	}
	return nil
}

// hasFlowLog reports whether there is a flow log that has not been deleted.
func (a *API) hasFlowLog(ctx context.Context, id string) (bool, error) {
	f, err := a.cfg.Logs.Get(ctx, id)
	if ec2.FlowLogNotFound.Is(err) {
		return false, nil
	}
	return err == nil && f.Active(), err
}

func unsuccessful(id string, e *ec2.Error) ec2.Unsuccessful {
	return ec2.Unsuccessful{ResourceID: id, Code: e.Code, Message: e.Message}
}
