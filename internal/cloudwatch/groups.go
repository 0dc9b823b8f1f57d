package cloudwatch

// CreateLogGroup makes a group.
type CreateLogGroup struct {
	LogGroupName  string            `json:"logGroupName" is:"required,group"`
	LogGroupClass string            `json:"logGroupClass,omitempty" is:"class"`
	KmsKeyID      string            `json:"kmsKeyId,omitempty" is:"kmsKey"`
	Tags          map[string]string `json:"tags,omitempty" is:"list=1-50,tagKey:tagValue"`

	DeletionProtectionEnabled bool `json:"deletionProtectionEnabled,omitempty"`
}

// GroupName is a request about a group that its name says: DeleteLogGroup,
// DeleteRetentionPolicy, ListTagsLogGroup.
type GroupName struct {
	LogGroupName string `json:"logGroupName" is:"required,group"`
}

// DescribeLogGroups asks for groups, in the order of their names.
type DescribeLogGroups struct {
	AccountIdentifiers  []string `json:"accountIdentifiers,omitempty"`
	LogGroupNamePrefix  string   `json:"logGroupNamePrefix,omitempty" is:"group"`
	LogGroupNamePattern string   `json:"logGroupNamePattern,omitempty" is:"groupPart"` // a part of the name, of the same case
	LogGroupClass       string   `json:"logGroupClass,omitempty" is:"class"`
	LogGroupIdentifiers []string `json:"logGroupIdentifiers,omitempty" is:"list=1-50,identifier"`
	NextToken           string   `json:"nextToken,omitempty" is:"token"`
	Limit               *int     `json:"limit,omitempty" is:"limit50"`
}

// DescribeLogGroupsAnswer is the answer to DescribeLogGroups.
type DescribeLogGroupsAnswer struct {
	LogGroups []LogGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

// A LogGroup describes a group.
type LogGroup struct {
	LogGroupName      string `json:"logGroupName"`
	CreationTime      int64  `json:"creationTime"`              // milliseconds since 1970
	RetentionInDays   int    `json:"retentionInDays,omitempty"` // 0 keeps events for ever
	MetricFilterCount int    `json:"metricFilterCount"`
	ARN               string `json:"arn"` // ends with ":*"
	StoredBytes       int64  `json:"storedBytes"`
	LogGroupClass     string `json:"logGroupClass"`
	LogGroupARN       string `json:"logGroupArn"` // without ":*"

	DeletionProtectionEnabled bool `json:"deletionProtectionEnabled"`
}

// PutRetentionPolicy says how long a group keeps its events.
type PutRetentionPolicy struct {
	LogGroupName    string `json:"logGroupName" is:"required,group"`
	RetentionInDays *int   `json:"retentionInDays" is:"required"`
}

// TagResource puts tags on a group.
type TagResource struct {
	ResourceARN string            `json:"resourceArn" is:"required,arn"`
	Tags        map[string]string `json:"tags" is:"required,list=1-50,tagKey:tagValue"`
}

// UntagResource takes tags from a group.
type UntagResource struct {
	ResourceARN string   `json:"resourceArn" is:"required,arn"`
	TagKeys     []string `json:"tagKeys" is:"required,list=0-50,tagKey"`
}

// ListTagsForResource asks for the tags of a group.
type ListTagsForResource struct {
	ResourceARN string `json:"resourceArn" is:"required,arn"`
}

// Tags is the answer to ListTagsForResource and ListTagsLogGroup.
type Tags struct {
	Tags map[string]string `json:"tags"`
}

// TagLogGroup is TagResource as it was until 2022.
type TagLogGroup struct {
	LogGroupName string            `json:"logGroupName" is:"required,group"`
	Tags         map[string]string `json:"tags" is:"required,list=1-50,tagKey:tagValue"`
}

// UntagLogGroup is UntagResource as it was until 2022.
type UntagLogGroup struct {
	LogGroupName string   `json:"logGroupName" is:"required,group"`
	Tags         []string `json:"tags" is:"required,list=1-0,tagKey"`
}
