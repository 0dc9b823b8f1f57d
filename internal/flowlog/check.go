package flowlog

import (
	"errors"
	"slices"
	"strings"
	"time"

	"weir/internal/ec2"
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
		return ec2.MissingParameter.With("ResourceType")
	}
	prefix, ok := idPrefixes[p.ResourceType]
	if !ok {
		return ec2.NoEnumValue.With(p.ResourceType, "resourceType")
	}
	if p.ResourceID == "" {
		return ec2.MissingParameter.With("ResourceId")
	}
	attachment := strings.HasPrefix(p.ResourceID, idPrefixes[TransitGatewayAttachment])
	if !strings.HasPrefix(p.ResourceID, prefix) || attachment != (p.ResourceType == TransitGatewayAttachment) {
		return ec2.ResourceOfAnotherType.With(p.ResourceID, p.ResourceType)
	}
	return nil
}

func (p *Params) checkTraffic() error {
	if p.Interval == 0 {
		p.Interval = 10 * time.Minute
	}
	if p.Interval != time.Minute && p.Interval != 10*time.Minute {
		return ec2.WrongInterval.With()
	}
	if p.ofTransitGateway() {
		if p.Interval != time.Minute {
			return ec2.TransitGatewayInterval.With()
		}
		if p.TrafficType != "" {
			return ec2.TransitGatewayTraffic.With(p.ResourceType)
		}
		return nil
	}
	switch p.TrafficType {
	case "ALL", "ACCEPT", "REJECT":
		return nil
	case "":
		return ec2.MissingParameter.With("TrafficType")
	}
	return ec2.NoEnumValue.With(p.TrafficType, "trafficType")
}

func (p *Params) checkDestination() error {
	if p.DestinationType == "" {
		p.DestinationType = CloudWatchLogs
	}
	if (p.PermissionRole == "") != (p.CrossAccountRole == "") && p.CrossAccountRole+p.PermissionRole != "" &&
		p.DestinationType != CloudWatchLogs && p.DestinationType != S3 {
		return ec2.OneRoleOfTwo.With()
	}
	if p.Destination != "" && p.LogGroup != "" {
		return ec2.GroupAndDestination.With()
	}
	if p.Destination == "" && p.LogGroup == "" {
		return ec2.NoDestination.With()
	}
	if p.LogGroup != "" && p.DestinationType != CloudWatchLogs {
		return ec2.GroupForAnotherType.With()
	}
	switch p.DestinationType {
	case CloudWatchLogs:
		if p.PermissionRole == "" {
			return ec2.NoRole.With()
		}
		if _, err := p.GroupName(); err != nil && p.LogGroup != "" {
			return ec2.WrongLogGroup.With(p.LogGroup, err)
		} else if err != nil {
			return ec2.WrongDestination.With(p.Destination, err)
		}
	case S3:
		if p.PermissionRole != "" {
			return ec2.RoleForS3.With()
		}
		_, folder, err := BucketFolder(p.Destination)
		if err != nil {
			return ec2.WrongDestination.With(p.Destination, err)
		}
		if slices.Contains(strings.Split(folder, "/"), "AWSLogs") {
			return ec2.ReservedFolder.With(p.Destination)
		}
	case Firehose:
		if _, err := StreamName(p.Destination); err != nil {
			return ec2.WrongDestination.With(p.Destination, err)
		}
		return p.checkCrossAccount()
	default:
		return ec2.NoEnumValue.With(p.DestinationType, "logDestinationType")
	}
	return nil
}

// crossAccountRole is what the name of a role in the account of a delivery stream begins
// with ("Publish flow logs to Amazon Data Firehose", Amazon VPC User Guide, read
// 2026-11-24).
const crossAccountRole = "AWSLogDeliveryFirehoseCrossAccountRole"

// checkCrossAccount checks the two roles for a delivery stream of another account. How
// Amazon words what is wrong with them is a guess.
func (p *Params) checkCrossAccount() error {
	if p.CrossAccountRole == "" {
		return nil // there is none of the two
	}
	if _, _, err := roleOf(p.PermissionRole); err != nil {
		return ec2.WrongRole.With(p.PermissionRole, "deliverLogsPermissionArn", err)
	}
	account, name, err := roleOf(p.CrossAccountRole)
	stream := strings.SplitN(p.Destination, ":", 6)[4]
	switch {
	case err != nil:
	case !strings.HasPrefix(name, crossAccountRole):
		err = errors.New("the name of the role must begin with " + crossAccountRole)
	case account != stream:
		err = errors.New("it is not a role of the delivery stream's account")
	}
	if err != nil {
		return ec2.WrongRole.With(p.CrossAccountRole, "deliverCrossAccountRole", err)
	}
	return nil
}

// roleOf returns the account and the name of a role: arn:aws:iam::ACCOUNT:role/PATH/NAME.
func roleOf(arn string) (account, name string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" || !strings.HasPrefix(parts[5], "role/") {
		return "", "", errors.New("it is not the ARN of a role")
	}
	name = parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	if name == "" || len(parts[4]) != 12 {
		return "", "", errors.New("it is not the ARN of a role")
	}
	return parts[4], name, nil
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
		e := ec2.WrongFormat.With(p.Format)
		e.Detail = err.Error()
		return e
	}
	for _, field := range f.Fields() {
		if p.ofTransitGateway() && !field.InTransitGateway() || !p.ofTransitGateway() && !field.InVPC() {
			return ec2.FieldOfAnotherType.With(field, p.ResourceType)
		}
	}
	return nil
}

func (p *Params) checkTagFields() error {
	if len(p.TagFields) > MaxTagFields {
		return ec2.TooManyTagFields.With(len(p.TagFields), MaxTagFields)
	}
	seen := make(map[string]bool)
	for _, t := range p.TagFields {
		if tagFieldTypes[t.ResourceType] == nil {
			return ec2.NoEnumValue.With(t.ResourceType, "resourceType")
		}
		if seen[t.ResourceType] {
			return ec2.TagFieldTypeTwice.With(t.ResourceType)
		}
		seen[t.ResourceType] = true
		if len(t.Keys) == 0 || len(t.Keys) > MaxTagFieldKeys {
			return ec2.WrongTagFieldKeys.With(len(t.Keys), t.ResourceType)
		}
	}
	f, err := record.ParseLogFormat(p.Format)
	if err != nil {
		return ec2.WrongFormat.With(p.Format)
	}
	for resource, fields := range tagFieldTypes {
		for n, field := range fields {
			if f.Has(field) && p.TagKey(resource, n) == "" {
				return ec2.TagFieldWithoutKey.With(field, resource)
			}
		}
	}
	return nil
}
