package ec2

import (
	"encoding/xml"
	"time"
)

// Common is part of every answer.
type Common struct {
	RequestID string `xml:"requestId"`
}

// Filter narrows what a call describes: a name and values, of which one must match.
type Filter struct {
	Name   string   `ec2:"Name"`
	Values []string `ec2:"Value"`
}

// Tag is a key and a value.
type Tag struct {
	Key   string `ec2:"Key" xml:"key"`
	Value string `ec2:"Value" xml:"value"`
}

// TagSpecification are the tags that a new resource gets.
type TagSpecification struct {
	ResourceType string `ec2:"ResourceType"`
	Tags         []Tag  `ec2:"Tag"`
}

// TagFieldSpecification names the tags of a resource that records show.
type TagFieldSpecification struct {
	ResourceType string   `ec2:"ResourceType" xml:"resourceType"`
	TagKeys      []string `ec2:"TagKey" xml:"tagKeySet>item"`
}

// DestinationOptions say how files in S3 are laid out.
type DestinationOptions struct {
	FileFormat               string `ec2:"FileFormat" xml:"fileFormat,omitempty"`
	HiveCompatiblePartitions bool   `ec2:"HiveCompatiblePartitions" xml:"hiveCompatiblePartitions"`
	PerHourPartition         bool   `ec2:"PerHourPartition" xml:"perHourPartition"`
}

// CreateFlowLogs is a request.
type CreateFlowLogs struct {
	DryRun                   bool                    `ec2:"DryRun"`
	ClientToken              string                  `ec2:"ClientToken"`
	ResourceIDs              []string                `ec2:"ResourceId"`
	ResourceType             string                  `ec2:"ResourceType"`
	TrafficType              string                  `ec2:"TrafficType"`
	LogDestinationType       string                  `ec2:"LogDestinationType"`
	LogDestination           string                  `ec2:"LogDestination"`
	LogGroupName             string                  `ec2:"LogGroupName"`
	LogFormat                string                  `ec2:"LogFormat"`
	DeliverLogsPermissionARN string                  `ec2:"DeliverLogsPermissionArn"`
	DeliverCrossAccountRole  string                  `ec2:"DeliverCrossAccountRole"`
	MaxAggregationInterval   *int                    `ec2:"MaxAggregationInterval"` // seconds
	DestinationOptions       *DestinationOptions     `ec2:"DestinationOptions"`
	TagSpecifications        []TagSpecification      `ec2:"TagSpecification"`
	TagFieldSpecifications   []TagFieldSpecification `ec2:"TagFieldSpecification"`
}

// CreateFlowLogsAnswer is the answer.
type CreateFlowLogsAnswer struct {
	XMLName xml.Name `xml:"CreateFlowLogsResponse"`
	Common
	ClientToken  string         `xml:"clientToken"`
	FlowLogIDs   []string       `xml:"flowLogIdSet>item"`
	Unsuccessful []Unsuccessful `xml:"unsuccessful>item"`
}

// Unsuccessful tells why nothing was done for one of several resources.
type Unsuccessful struct {
	ResourceID string `xml:"resourceId"`
	Code       string `xml:"error>code"`
	Message    string `xml:"error>message"`
}

// DescribeFlowLogs is a request.
type DescribeFlowLogs struct {
	DryRun     bool     `ec2:"DryRun"`
	FlowLogIDs []string `ec2:"FlowLogId"`
	Filters    []Filter `ec2:"Filter"`
	MaxResults *int     `ec2:"MaxResults"`
	NextToken  string   `ec2:"NextToken"`
}

// DescribeFlowLogsAnswer is the answer.
type DescribeFlowLogsAnswer struct {
	XMLName xml.Name `xml:"DescribeFlowLogsResponse"`
	Common
	FlowLogs  []FlowLog `xml:"flowLogSet>item"`
	NextToken string    `xml:"nextToken,omitempty"`
}

// FlowLog is a flow log as it is described.
type FlowLog struct {
	CreationTime             Time                    `xml:"creationTime"`
	DeliverCrossAccountRole  string                  `xml:"deliverCrossAccountRole,omitempty"`
	DeliverLogsErrorMessage  string                  `xml:"deliverLogsErrorMessage,omitempty"`
	DeliverLogsPermissionARN string                  `xml:"deliverLogsPermissionArn,omitempty"`
	DeliverLogsStatus        string                  `xml:"deliverLogsStatus"`
	DestinationOptions       *DestinationOptions     `xml:"destinationOptions"`
	FlowLogID                string                  `xml:"flowLogId"`
	FlowLogStatus            string                  `xml:"flowLogStatus"` // "ACTIVE"; of Weir also [Deleting]
	LogDestination           string                  `xml:"logDestination,omitempty"`
	LogDestinationType       string                  `xml:"logDestinationType"`
	LogFormat                string                  `xml:"logFormat"`
	LogGroupName             string                  `xml:"logGroupName,omitempty"`
	MaxAggregationInterval   int                     `xml:"maxAggregationInterval"`
	ResourceID               string                  `xml:"resourceId"`
	TagFieldSpecifications   []TagFieldSpecification `xml:"tagFieldSpecificationSet>item"`
	Tags                     []Tag                   `xml:"tagSet>item"`
	TrafficType              string                  `xml:"trafficType,omitempty"`

	// LastDeliveryTime is when something was delivered last; nil if that is not
	// known. Amazon does not tell.
	LastDeliveryTime *Time `xml:"lastDeliveryTime,omitempty"`
}

// Deleting is the status of a flow log that was deleted, and whose last windows are
// not delivered yet. Amazon has no such status: there it is gone at once, and so it
// is for whoever does not filter by flow-log-status.
const Deleting = "DELETING"

// DeleteFlowLogs is a request.
type DeleteFlowLogs struct {
	DryRun     bool     `ec2:"DryRun"`
	FlowLogIDs []string `ec2:"FlowLogId"`
}

// DeleteFlowLogsAnswer is the answer.
type DeleteFlowLogsAnswer struct {
	XMLName xml.Name `xml:"DeleteFlowLogsResponse"`
	Common
	Unsuccessful []Unsuccessful `xml:"unsuccessful>item"`
}

// GetFlowLogsIntegrationTemplate is a request.
type GetFlowLogsIntegrationTemplate struct {
	DryRun                         bool   `ec2:"DryRun"`
	FlowLogID                      string `ec2:"FlowLogId"`
	ConfigDeliveryS3DestinationARN string `ec2:"ConfigDeliveryS3DestinationArn"`
	IntegrateServices              struct {
		AthenaIntegrations []AthenaIntegration `ec2:"AthenaIntegration"`
	} `ec2:"IntegrateService"`
}

// AthenaIntegration says how Athena is to see the files of a flow log.
type AthenaIntegration struct {
	IntegrationResultS3DestinationARN string    `ec2:"IntegrationResultS3DestinationArn"`
	PartitionLoadFrequency            string    `ec2:"PartitionLoadFrequency"`
	PartitionStartDate                time.Time `ec2:"PartitionStartDate"`
	PartitionEndDate                  time.Time `ec2:"PartitionEndDate"`
}

// GetFlowLogsIntegrationTemplateAnswer is the answer.
type GetFlowLogsIntegrationTemplateAnswer struct {
	XMLName xml.Name `xml:"GetFlowLogsIntegrationTemplateResponse"`
	Common
	Result string `xml:"result"`
}

// CreateTags is a request.
type CreateTags struct {
	DryRun      bool     `ec2:"DryRun"`
	ResourceIDs []string `ec2:"ResourceId"`
	Tags        []Tag    `ec2:"Tag"`
}

// DeleteTags is a request. A tag without a value is deleted whatever its value is;
// no tags at all are all tags.
type DeleteTags struct {
	DryRun      bool        `ec2:"DryRun"`
	ResourceIDs []string    `ec2:"ResourceId"`
	Tags        []DeleteTag `ec2:"Tag"`
}

// DeleteTag is the key of a tag to delete, and its value unless that is nil.
type DeleteTag struct {
	Key   string  `ec2:"Key"`
	Value *string `ec2:"Value"`
}

// CreateTagsAnswer is the answer.
type CreateTagsAnswer struct {
	XMLName xml.Name `xml:"CreateTagsResponse"`
	Common
	Return bool `xml:"return"`
}

// DeleteTagsAnswer is the answer.
type DeleteTagsAnswer struct {
	XMLName xml.Name `xml:"DeleteTagsResponse"`
	Common
	Return bool `xml:"return"`
}

// Time is a moment as answers write it: UTC with milliseconds.
type Time struct{ time.Time }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return t.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(b []byte) (err error) {
	t.Time, err = time.Parse(time.RFC3339, string(b))
	return err
}
