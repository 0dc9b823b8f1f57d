package main

import (
	"weir/internal/ec2"
)

// What weir list --json prints: the names of the AWS CLI, and LastDeliveryTime.
type (
	flowLogsJSON struct {
		FlowLogs []flowLogJSON `json:"FlowLogs"`
	}
	flowLogJSON struct {
		CreationTime             string           `json:"CreationTime"`
		DeliverCrossAccountRole  string           `json:"DeliverCrossAccountRole,omitempty"`
		DeliverLogsErrorMessage  string           `json:"DeliverLogsErrorMessage,omitempty"`
		DeliverLogsPermissionARN string           `json:"DeliverLogsPermissionArn,omitempty"`
		DeliverLogsStatus        string           `json:"DeliverLogsStatus"`
		FlowLogID                string           `json:"FlowLogId"`
		FlowLogStatus            string           `json:"FlowLogStatus"`
		LogGroupName             string           `json:"LogGroupName,omitempty"`
		ResourceID               string           `json:"ResourceId"`
		TrafficType              string           `json:"TrafficType,omitempty"`
		LogDestinationType       string           `json:"LogDestinationType"`
		LogDestination           string           `json:"LogDestination,omitempty"`
		LogFormat                string           `json:"LogFormat"`
		Tags                     []tagJSON        `json:"Tags"`
		MaxAggregationInterval   int              `json:"MaxAggregationInterval"`
		DestinationOptions       *destinationJSON `json:"DestinationOptions,omitempty"`
		TagFieldSpecifications   []tagFieldsJSON  `json:"TagFieldSpecifications,omitempty"`
		LastDeliveryTime         string           `json:"LastDeliveryTime,omitempty"` // of weir serve
	}
	destinationJSON struct {
		FileFormat               string `json:"FileFormat,omitempty"`
		HiveCompatiblePartitions bool   `json:"HiveCompatiblePartitions"`
		PerHourPartition         bool   `json:"PerHourPartition"`
	}
	tagFieldsJSON struct {
		ResourceType string   `json:"ResourceType"`
		TagKeys      []string `json:"TagKeys"`
	}
)

func flowLogsToJSON(logs []ec2.FlowLog) flowLogsJSON {
	out := flowLogsJSON{FlowLogs: make([]flowLogJSON, 0, len(logs))}
	for i := range logs {
		out.FlowLogs = append(out.FlowLogs, flowLogToJSON(&logs[i]))
	}
	return out
}

func flowLogToJSON(f *ec2.FlowLog) flowLogJSON {
	out := flowLogJSON{
		CreationTime:            timeJSON(f.CreationTime.Time),
		DeliverCrossAccountRole: f.DeliverCrossAccountRole, DeliverLogsErrorMessage: f.DeliverLogsErrorMessage,
		DeliverLogsPermissionARN: f.DeliverLogsPermissionARN, DeliverLogsStatus: f.DeliverLogsStatus,
		FlowLogID: f.FlowLogID, FlowLogStatus: f.FlowLogStatus, LogGroupName: f.LogGroupName, ResourceID: f.ResourceID,
		TrafficType: f.TrafficType, LogDestinationType: f.LogDestinationType, LogDestination: f.LogDestination,
		LogFormat: f.LogFormat, Tags: tagsJSON(f.Tags), MaxAggregationInterval: f.MaxAggregationInterval,
	}
	if o := f.DestinationOptions; o != nil {
		out.DestinationOptions = &destinationJSON{o.FileFormat, o.HiveCompatiblePartitions, o.PerHourPartition}
	}
	for _, t := range f.TagFieldSpecifications {
		out.TagFieldSpecifications = append(out.TagFieldSpecifications, tagFieldsJSON{t.ResourceType, t.TagKeys})
	}
	if f.LastDeliveryTime != nil {
		out.LastDeliveryTime = timeJSON(f.LastDeliveryTime.Time)
	}
	return out
}
