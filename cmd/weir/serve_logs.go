package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/flowlog"
	"weir/internal/vpc"
	"weir/record"
)

// declared makes flow logs of what the configuration file declares.
func declared(cfg *vpc.Config, model *vpc.Index, now time.Time) ([]flowlog.FlowLog, error) {
	var logs []flowlog.FlowLog
	var errs []error
	for i := range cfg.FlowLogs {
		d := &cfg.FlowLogs[i]
		f := flowlog.FlowLog{
			Account: string(cfg.Account), Region: string(cfg.Region), Created: now.UTC(),
			Params: flowlog.Params{
				ResourceID:  d.Resource,
				TrafficType: d.TrafficType,
				Interval:    time.Duration(d.MaxAggregationInterval) * time.Second,
				Format:      d.LogFormat,
				Parquet:     d.FileFormat == "parquet",
				Hive:        d.HiveCompatiblePartitions,
				PerHour:     d.PerHourPartition,
			},
		}
		f.DestinationOptions = f.Parquet || f.Hive || f.PerHour
		key, err := complete(&f, d, model)
		if err == nil {
			key, err = "destination", streamNamed(&f, cfg)
		}
		if err != nil {
			errs = append(errs, cfg.Wrong(fmt.Sprintf("flow-logs[%d].%s", i, key), err))
			continue
		}
		logs = append(logs, f)
	}
	return logs, errors.Join(errs...)
}

// streamNamed reports that the file does not say where the delivery stream of a flow log is.
func streamNamed(f *flowlog.FlowLog, cfg *vpc.Config) error {
	if f.DestinationType != flowlog.Firehose {
		return nil
	}
	stream, err := flowlog.StreamName(f.Destination)
	if err != nil {
		return err
	}
	for i := range cfg.Destinations {
		if matcher(cfg.Destinations[i].DeliveryStreams)(stream) {
			return nil
		}
	}
	return fmt.Errorf("no entry of destinations has the delivery stream %s: add one with delivery-streams: [%s]", stream, stream)
}

// complete fills in what has to be worked out, and checks everything. With an
// error it returns the key that it is about.
func complete(f *flowlog.FlowLog, d *vpc.FlowLogConfig, model *vpc.Index) (key string, err error) {
	if f.DestinationType, f.Destination, f.LogGroup, err = flowlog.ParseDestination(d.Destination); err != nil {
		return "destination", err
	}
	if f.DestinationType == flowlog.CloudWatchLogs {
		// Nobody takes it on; but every flow log to a log group has one.
		f.PermissionRole = fmt.Sprintf("arn:%s:iam::%s:role/weir", awsconfig.Partition(f.Region), f.Account)
	}
	if d.LogFormat != "" {
		if _, err := record.ParseLogFormat(d.LogFormat); err != nil {
			return "log-format", err
		}
	}
	if d.Resource == "default" {
		for _, v := range model.Network().VPCs {
			if v.Default {
				f.ResourceID = v.ID
			}
		}
	}
	switch {
	case strings.HasPrefix(f.ResourceID, "vpc-"):
		f.ResourceType = flowlog.VPC
	case strings.HasPrefix(f.ResourceID, "subnet-"):
		f.ResourceType = flowlog.Subnet
	case strings.HasPrefix(f.ResourceID, "eni-"):
		f.ResourceType = flowlog.NetworkInterface
	default:
		return "resource", fmt.Errorf("%q is none that is declared, and no id of a VPC, a subnet or an interface", d.Resource)
	}
	for key, value := range d.Tags {
		f.Tags = append(f.Tags, flowlog.Tag{Key: key, Value: value})
	}
	slices.SortFunc(f.Tags, func(a, b flowlog.Tag) int { return strings.Compare(a.Key, b.Key) })
	for resource, keys := range map[string][]string{
		"network-interface": d.InterfaceTagKeys, "instance": d.InstanceTagKeys,
	} {
		if len(keys) > 0 {
			f.TagFields = append(f.TagFields, flowlog.TagField{ResourceType: resource, Keys: keys})
		}
	}
	slices.SortFunc(f.TagFields, func(a, b flowlog.TagField) int { return strings.Compare(a.ResourceType, b.ResourceType) })
	if err := f.CheckGroup(f.Account, f.Region); err != nil {
		return "destination", err
	}
	return "name", f.Check()
}
