package cloudwatch

// StartQuery begins a query. Times are seconds since 1970, both inclusive.
type StartQuery struct {
	QueryLanguage       string   `json:"queryLanguage,omitempty" is:"language"`
	LogGroupName        string   `json:"logGroupName,omitempty" is:"group"`
	LogGroupNames       []string `json:"logGroupNames,omitempty" is:"group"`
	LogGroupIdentifiers []string `json:"logGroupIdentifiers,omitempty" is:"identifier"`
	StartTime           *int64   `json:"startTime" is:"required,time"`
	EndTime             *int64   `json:"endTime" is:"required,time"`
	QueryString         string   `json:"queryString" is:"required,query"`
	Limit               *int     `json:"limit,omitempty" is:"limit100000"`
}

// StartQueryAnswer is the answer to StartQuery.
type StartQueryAnswer struct {
	QueryID string `json:"queryId"`
}

// GetQueryResults asks for what a query has found so far.
type GetQueryResults struct {
	QueryID   string `json:"queryId" is:"required,queryID"`
	NextToken string `json:"nextToken,omitempty"`
	MaxItems  *int   `json:"maxItems,omitempty" is:"items"`
}

// GetQueryResultsAnswer is the answer to GetQueryResults.
type GetQueryResultsAnswer struct {
	QueryLanguage string          `json:"queryLanguage"`
	Results       [][]ResultField `json:"results"`
	Statistics    QueryStatistics `json:"statistics"`
	Status        string          `json:"status"`
	NextToken     string          `json:"nextToken,omitempty"`
}

// A ResultField is a field of a row.
type ResultField struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// QueryStatistics say what a query has looked at.
type QueryStatistics struct {
	RecordsMatched          float64 `json:"recordsMatched"`
	RecordsScanned          float64 `json:"recordsScanned"`
	EstimatedRecordsSkipped float64 `json:"estimatedRecordsSkipped"`
	BytesScanned            float64 `json:"bytesScanned"`
	EstimatedBytesSkipped   float64 `json:"estimatedBytesSkipped"`
	LogGroupsScanned        float64 `json:"logGroupsScanned"`
}

// StopQuery ends a query.
type StopQuery struct {
	QueryID string `json:"queryId" is:"required,queryID"`
}

// StopQueryAnswer is the answer to StopQuery.
type StopQueryAnswer struct {
	Success bool `json:"success"`
}

// DescribeQueries asks for queries, from the newest to the oldest.
type DescribeQueries struct {
	LogGroupName  string `json:"logGroupName,omitempty" is:"group"`
	Status        string `json:"status,omitempty" is:"status"`
	QueryLanguage string `json:"queryLanguage,omitempty" is:"language"`
	MaxResults    *int   `json:"maxResults,omitempty" is:"limit1000"`
	NextToken     string `json:"nextToken,omitempty" is:"token"`
}

// DescribeQueriesAnswer is the answer to DescribeQueries.
type DescribeQueriesAnswer struct {
	Queries   []QueryInfo `json:"queries"`
	NextToken string      `json:"nextToken,omitempty"`
}

// QueryInfo describes a query.
type QueryInfo struct {
	QueryLanguage string  `json:"queryLanguage"`
	QueryID       string  `json:"queryId"`
	QueryString   string  `json:"queryString"`
	Status        string  `json:"status"`
	CreateTime    int64   `json:"createTime"` // milliseconds since 1970
	LogGroupName  string  `json:"logGroupName,omitempty"`
	QueryDuration int64   `json:"queryDuration"` // milliseconds
	BytesScanned  float64 `json:"bytesScanned"`
}

// GetLogRecord asks for an event that a query has shown, by the value of @ptr.
type GetLogRecord struct {
	LogRecordPointer string `json:"logRecordPointer" is:"required,token"`
	Unmask           bool   `json:"unmask,omitempty"`
}

// GetLogRecordAnswer is the answer to GetLogRecord.
type GetLogRecordAnswer struct {
	LogRecord map[string]string `json:"logRecord"`
}

// A CompileError says where a query can't be read, in characters from 0.
type CompileError struct {
	Location struct {
		StartCharOffset int `json:"startCharOffset"`
		EndCharOffset   int `json:"endCharOffset"`
	} `json:"location"`
	Message string `json:"message"`
}
