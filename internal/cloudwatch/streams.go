package cloudwatch

// Orders of DescribeLogStreams.
const (
	OrderByName = "LogStreamName" // the default
	OrderByTime = "LastEventTime"
)

// CreateLogStream makes a stream.
type CreateLogStream struct {
	LogGroupName  string `json:"logGroupName" is:"required,group"`
	LogStreamName string `json:"logStreamName" is:"required,stream"`
}

// DeleteLogStream deletes a stream with its events.
type DeleteLogStream CreateLogStream

// DescribeLogStreams asks for streams of a group, which its name says or its identifier.
type DescribeLogStreams struct {
	LogGroupName        string `json:"logGroupName,omitempty" is:"group"`
	LogGroupIdentifier  string `json:"logGroupIdentifier,omitempty" is:"identifier"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix,omitempty" is:"stream"`
	OrderBy             string `json:"orderBy,omitempty" is:"orderBy"`
	Descending          bool   `json:"descending,omitempty"`
	NextToken           string `json:"nextToken,omitempty" is:"token"`
	Limit               *int   `json:"limit,omitempty" is:"limit50"`
}

// DescribeLogStreamsAnswer is the answer to DescribeLogStreams.
type DescribeLogStreamsAnswer struct {
	LogStreams []LogStream `json:"logStreams"`
	NextToken  string      `json:"nextToken,omitempty"`
}

// A LogStream describes a stream. Times are milliseconds since 1970; those of events are
// nil if it has none.
type LogStream struct {
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp *int64 `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  *int64 `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   *int64 `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken,omitempty"`
	ARN                 string `json:"arn"`
	StoredBytes         int64  `json:"storedBytes"` // 0 of every stream since 2019
}
