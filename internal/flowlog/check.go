package flowlog

import (
	"slices"
	"strings"
	"time"

	"weir/record"
)

// Limits of the API.
const (
	MaxResources    = 300
	MaxPerResource  = 250
	MaxTagFields    = 3
	MaxTagFieldKeys = 2
)

// idPrefixes are what ids of each resource type begin with.
var idPrefixes = map[ResourceType]string{
	VPC:                      "vpc-",
	Subnet:                   "subnet-",
	NetworkInterface:         "eni-",
	TransitGateway:           "tgw-",
	TransitGatewayAttachment: "tgw-attach-",
	RegionalNATGateway:       "nat-",
}

// tagFieldTypes are the resource types a tag field can show tags of, and the
// fields that need them.
var tagFieldTypes = map[string][]record.Field{
	"network-interface":  {record.InterfaceTag, record.InterfaceTag2},
	"instance":           {record.InstanceTag, record.InstanceTag2},
	"auto-scaling-group": {record.ASGTag, record.ASGTag2},
}

// Check completes parameters with their defaults and reports the first thing
// that is wrong with them, an [*Error] with Amazon's code and text.
func (p *Params) Check() error {
	for _, check := range []func(*Params) error{
		(*Params).checkResource, (*Params).checkTraffic, (*Params).checkDestination,
		(*Params).checkFormat, (*Params).checkTagFields,
	} {
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

func (p *Params) ofTransitGateway() bool {
	return p.ResourceType == TransitGateway || p.ResourceType == TransitGatewayAttachment
}

func (p *Params) checkResource() error {
	if p.ResourceType == "" {
		return missing("ResourceType")
	}
	prefix, ok := idPrefixes[p.ResourceType]
	if !ok {
		return invalidValue("Value (%s) for parameter resourceType is invalid.", p.ResourceType)
	}
	if p.ResourceID == "" {
		return missing("ResourceId")
	}
	attachment := strings.HasPrefix(p.ResourceID, idPrefixes[TransitGatewayAttachment])
	if !strings.HasPrefix(p.ResourceID, prefix) || attachment != (p.ResourceType == TransitGatewayAttachment) {
		return invalid("Invalid Resource id %s for resource-type %s", p.ResourceID, p.ResourceType)
	}
	return nil
}

func (p *Params) checkTraffic() error {
	if p.Interval == 0 {
		p.Interval = 10 * time.Minute
	}
	if p.Interval != time.Minute && p.Interval != 10*time.Minute {
		return invalid("Invalid Flow Log Max Aggregation Interval")
	}
	if p.ofTransitGateway() {
		if p.Interval != time.Minute {
			return invalid("max-aggregation-interval other than 60 sec / 1 min is not supported when the resource-type is TransitGateway or TransitGatewayAttachment")
		}
		if p.TrafficType != "" {
			return invalid("TrafficType is not applicable for resource-type %s", p.ResourceType)
		}
		return nil
	}
	switch p.TrafficType {
	case "ALL", "ACCEPT", "REJECT":
		return nil
	case "":
		return missing("TrafficType")
	}
	return invalidValue("Value (%s) for parameter trafficType is invalid.", p.TrafficType)
}

func (p *Params) checkDestination() error {
	if p.DestinationType == "" {
		p.DestinationType = CloudWatchLogs
	}
	if (p.PermissionRole == "") != (p.CrossAccountRole == "") && p.CrossAccountRole+p.PermissionRole != "" &&
		p.DestinationType != CloudWatchLogs && p.DestinationType != S3 {
		return invalid("When providing a role for cross-account delivery, both the DeliverLogsPermissionArn and DeliverCrossAccountRole fields must be set.")
	}
	if p.Destination == "" && p.LogGroup == "" {
		return invalid("LogDestination can't be empty if LogGroupName is not provided.")
	}
	if p.LogGroup != "" && p.DestinationType != CloudWatchLogs {
		return invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
	}
	switch p.DestinationType {
	case CloudWatchLogs:
		if p.PermissionRole == "" {
			return invalid("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
		}
	case S3:
		if p.PermissionRole != "" {
			return invalid("DeliverLogsPermissionArn is not applicable for s3 delivery")
		}
		_, folder, err := BucketFolder(p.Destination)
		if err != nil {
			return invalidValue("Value (%s) for parameter logDestination is invalid: %v", p.Destination, err)
		}
		if slices.Contains(strings.Split(folder, "/"), "AWSLogs") {
			return invalidValue("Value (%s) for parameter logDestination is invalid: AWSLogs is a reserved folder name", p.Destination)
		}
	case Firehose:
	default:
		return invalidValue("Value (%s) for parameter logDestinationType is invalid.", p.DestinationType)
	}
	return nil
}

func (p *Params) checkFormat() error {
	if p.Format == "" {
		p.Format = record.Default().String()
		if p.ofTransitGateway() {
			p.Format = record.TransitGateway().String()
		}
		return nil
	}
	f, err := record.ParseLogFormat(p.Format)
	if err != nil {
		return invalidValue("1 validation error detected: Value '%s' at 'logFormat' has an invalid format: %v", p.Format, err)
	}
	for i, field := range f.Fields() {
		switch {
		case field == record.None:
			return invalidValue("1 validation error detected: Value '%s' at 'logFormat' has an invalid format: unknown field %q", p.Format, f.Name(i))
		case p.ofTransitGateway() && !field.InTransitGateway(), !p.ofTransitGateway() && !field.InVPC():
			return invalidValue("Field %s is not supported for resource-type %s", field, p.ResourceType)
		}
	}
	return nil
}

func (p *Params) checkTagFields() error {
	if len(p.TagFields) > MaxTagFields {
		return invalidValue("TagFieldSpecifications: %d given, at most %d are allowed", len(p.TagFields), MaxTagFields)
	}
	seen := make(map[string]bool)
	for _, t := range p.TagFields {
		if tagFieldTypes[t.ResourceType] == nil {
			return invalidValue("Value (%s) for parameter resourceType is invalid.", t.ResourceType)
		}
		if seen[t.ResourceType] {
			return invalidValue("TagFieldSpecifications: resource type %s is given twice", t.ResourceType)
		}
		seen[t.ResourceType] = true
		if len(t.Keys) == 0 || len(t.Keys) > MaxTagFieldKeys {
			return invalidValue("TagFieldSpecifications: %d tag keys for %s, want 1 or 2", len(t.Keys), t.ResourceType)
		}
	}
	f, err := record.ParseLogFormat(p.Format)
	if err != nil {
		return invalidValue("%v", err)
	}
	for resource, fields := range tagFieldTypes {
		for n, field := range fields {
			if f.Has(field) && p.TagKey(resource, n) == "" {
				return invalid("Field %s needs a tag key for %s in TagFieldSpecifications", field, resource)
			}
		}
	}
	return nil
}
