package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/internal/flowlog"
	"weir/internal/vpc"
)

// declared makes flow logs of what the configuration file declares.
func declared(cfg *vpc.Config, model *vpc.Index, now time.Time) ([]flowlog.FlowLog, error) {
	var logs []flowlog.FlowLog
	var errs []error
	for i := range cfg.FlowLogs {
		d := &cfg.FlowLogs[i]
		f := flowlog.FlowLog{
			Account: string(cfg.Account), Region: string(cfg.Region), Created: now.UTC(), Declared: true,
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
		err := complete(&f, d, model)
		if err == nil {
			err = f.Check()
		}
		if err == nil && f.DestinationType != flowlog.S3 {
			err = fmt.Errorf("destination %s: only S3 is served so far", d.Destination)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("flow log %s: %w", d.Name, err))
			continue
		}
		logs = append(logs, f)
	}
	return logs, errors.Join(errs...)
}

func complete(f *flowlog.FlowLog, d *vpc.FlowLogConfig, model *vpc.Index) (err error) {
	if f.DestinationType, f.Destination, f.LogGroup, err = flowlog.ParseDestination(d.Destination); err != nil {
		return err
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
		return fmt.Errorf("resource %q is none that is declared, and no id of a VPC, a subnet or an interface", d.Resource)
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
	return nil
}
