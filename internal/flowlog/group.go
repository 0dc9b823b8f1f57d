package flowlog

import (
	"fmt"
	"regexp"
	"strings"

	"weir/internal/ec2"
)

// groupName is what log groups are called ("CreateLogGroup", Amazon CloudWatch Logs API
// Reference, read 2026-11-24).
var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

// GroupName returns the log group that a destination in CloudWatch Logs names, with its
// name or its ARN: arn:aws:logs:REGION:ACCOUNT:log-group:NAME, with or without :* behind
// it.
func (p *Params) GroupName() (string, error) {
	name := p.LogGroup
	if name == "" {
		parts := strings.SplitN(p.Destination, ":", 7)
		if len(parts) != 7 || parts[0] != "arn" || parts[2] != "logs" || parts[5] != "log-group" {
			return "", fmt.Errorf("%q is not the ARN of a log group, arn:aws:logs:REGION:ACCOUNT:log-group:NAME", p.Destination)
		}
		name = strings.TrimSuffix(parts[6], ":*")
	}
	if !groupName.MatchString(name) {
		return "", fmt.Errorf("%q is no log group's name", name)
	}
	return name, nil
}

// CheckGroup reports that the ARN of a log group names another account or region than the
// flow log's own, whose group of that name would get the records.
func (p *Params) CheckGroup(account, region string) error {
	if p.DestinationType != CloudWatchLogs || p.Destination == "" {
		return nil
	}
	parts := strings.SplitN(p.Destination, ":", 6)
	if len(parts) == 6 && (parts[3] != region || parts[4] != account) {
		return ec2.WrongDestination.With(p.Destination, fmt.Sprintf("the log group has to be in region %s and account %s", region, account))
	}
	return nil
}

// LogStream returns the name of the log stream that takes the flow log's records of an
// interface: the interface's id, and which traffic it has. Flow logs that go to one group
// and cover one interface share a stream, so the name also depends on all others. That it
// is the one for all traffic when they differ is a guess: Amazon only says that the stream
// is a combined one ("Publish flow logs to CloudWatch Logs", Amazon VPC User Guide, read
// 2026-11-24).
func (f *FlowLog) LogStream(r Resources, others []FlowLog) string {
	traffic := f.TrafficType
	group, err := f.GroupName()
	for i := range others {
		o := &others[i]
		if err != nil || o.ID == f.ID || o.DestinationType != CloudWatchLogs || !o.Active() || !o.Covers(r) || o.TrafficType == traffic {
			continue
		}
		if name, err := o.GroupName(); err == nil && name == group {
			traffic = "ALL"
		}
	}
	if traffic == "" { // a transit gateway's
		traffic = "ALL"
	}
	return r.Interface + "-" + strings.ToLower(traffic)
}
