package flowlog

import (
	"slices"
	"time"

	"weir/record"
)

// ResourceType says what a flow log watches.
type ResourceType string

// Resource types of the API. A host has none of the last three.
const (
	VPC                      ResourceType = "VPC"
	Subnet                   ResourceType = "Subnet"
	NetworkInterface         ResourceType = "NetworkInterface"
	TransitGateway           ResourceType = "TransitGateway"
	TransitGatewayAttachment ResourceType = "TransitGatewayAttachment"
	RegionalNATGateway       ResourceType = "RegionalNatGateway"
)

// DestinationType says where records go.
type DestinationType string

// Destination types of the API; CloudWatch Logs is the default.
const (
	CloudWatchLogs DestinationType = "cloud-watch-logs"
	S3             DestinationType = "s3"
	Firehose       DestinationType = "kinesis-data-firehose"
)

// A FlowLog is one flow log. It does not change once made, but for its tags, for
// Owners and for Deleted.
type FlowLog struct {
	ID      string    `json:"id"`      // "fl-…"
	Account string    `json:"account"` // its owner's, 12 digits
	Region  string    `json:"region"`
	Created time.Time `json:"created"`

	// Deleted is when it was asked to end; zero while it is active. It is gone
	// once everything captured until then has been delivered.
	Deleted time.Time `json:"deleted,omitzero"`

	// Declared says that it stands in configuration files: those of Owners, the
	// hosts that declare it. It goes with the last of them. One that no host
	// owns was stored before flow logs had owners.
	Declared bool     `json:"declared,omitempty"`
	Owners   []string `json:"owners,omitempty"` // sorted

	Params
}

// Params are the parameters of one flow log, as CreateFlowLogs takes them, for
// one resource.
type Params struct {
	ResourceType ResourceType `json:"resourceType"`
	ResourceID   string       `json:"resourceId"`

	TrafficType string        `json:"trafficType"` // ALL, ACCEPT or REJECT
	Interval    time.Duration `json:"interval"`    // 1m or 10m
	Format      string        `json:"format"`      // as Amazon writes it, ${…} …

	DestinationType DestinationType `json:"destinationType"`
	Destination     string          `json:"destination,omitempty"` // ARN
	LogGroup        string          `json:"logGroup,omitempty"`    // CloudWatch Logs only

	Parquet bool `json:"parquet,omitempty"` // S3 only, with the next two
	Hive    bool `json:"hive,omitempty"`
	PerHour bool `json:"perHour,omitempty"`

	// DestinationOptions says that the three were given at all.
	DestinationOptions bool `json:"destinationOptions,omitempty"`

	PermissionRole   string `json:"permissionRole,omitempty"`
	CrossAccountRole string `json:"crossAccountRole,omitempty"`

	Tags      []Tag      `json:"tags,omitempty"`
	TagFields []TagField `json:"tagFields,omitempty"`

	ClientToken string `json:"clientToken,omitempty"`
}

// A Tag is a key and its value.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// A TagField says which tags of a kind of resource the tag fields of a format
// show: the first key in instance-tag, the second in instance-tag-2.
type TagField struct {
	ResourceType string   `json:"resourceType"` // network-interface, instance, auto-scaling-group
	Keys         []string `json:"keys"`         // 1 or 2
}

// TagKey returns the key the nth tag field (0 or 1) of a resource type shows,
// empty if none was asked for.
func (p *Params) TagKey(resourceType string, n int) string {
	for _, f := range p.TagFields {
		if f.ResourceType == resourceType && n < len(f.Keys) {
			return f.Keys[n]
		}
	}
	return ""
}

// RecordFormat returns the compiled format of a flow log whose parameters have
// been checked.
func (p *Params) RecordFormat() (record.Format, error) { return record.ParseLogFormat(p.Format) }

// Resources are the ids under which an interface can be asked for.
type Resources struct{ VPC, Subnet, Interface string }

// Covers reports whether the flow log watches an interface.
func (p *Params) Covers(r Resources) bool {
	switch p.ResourceType {
	case VPC:
		return r.VPC == p.ResourceID
	case Subnet:
		return r.Subnet == p.ResourceID
	case NetworkInterface:
		return r.Interface == p.ResourceID
	}
	return false
}

// Wants reports whether a window that began at start is of interest: one that began
// before the flow log was made holds what nobody asked for, and one that began after
// it was to end is not. Whoever makes a flow log sees to it that a window begins soon.
func (f *FlowLog) Wants(start time.Time) bool {
	return !start.Before(f.Created) && (f.Deleted.IsZero() || start.Before(f.Deleted))
}

// Active reports whether the flow log has not been asked to end.
func (f *FlowLog) Active() bool { return f.Deleted.IsZero() }

// clone returns a flow log that has nothing in common with f.
func (f *FlowLog) clone() FlowLog {
	c := *f
	c.Owners, c.Tags, c.TagFields = slices.Clone(f.Owners), slices.Clone(f.Tags), slices.Clone(f.TagFields)
	for i := range c.TagFields {
		c.TagFields[i].Keys = slices.Clone(c.TagFields[i].Keys)
	}
	return c
}

// Interval returns the shortest interval that any of the flow logs asks for, 0
// if there is none.
func Interval(logs []FlowLog) time.Duration {
	var shortest time.Duration
	for i := range logs {
		if d := logs[i].Params.Interval; shortest == 0 || d < shortest {
			shortest = d
		}
	}
	return shortest
}
