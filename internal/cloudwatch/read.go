package cloudwatch

// MaxPageEvents and MaxPageBytes bound a page of events; the bytes are those of its
// messages.
const (
	MaxPageEvents = 10_000
	MaxPageBytes  = 1 << 20
)

// GetLogEvents asks for events of a stream. Times are milliseconds since 1970, EndTime
// exclusive.
type GetLogEvents struct {
	LogGroupName       string `json:"logGroupName,omitempty" is:"group"`
	LogGroupIdentifier string `json:"logGroupIdentifier,omitempty" is:"identifier"`
	LogStreamName      string `json:"logStreamName" is:"required,stream"`
	StartTime          *int64 `json:"startTime,omitempty" is:"time"`
	EndTime            *int64 `json:"endTime,omitempty" is:"time"`
	NextToken          string `json:"nextToken,omitempty" is:"token"`
	Limit              *int   `json:"limit,omitempty" is:"limit10000"`
	StartFromHead      bool   `json:"startFromHead,omitempty"`
	Unmask             bool   `json:"unmask,omitempty"`
}

// GetLogEventsAnswer is the answer to GetLogEvents: events from the oldest to the newest,
// and tokens for those behind and before them.
type GetLogEventsAnswer struct {
	Events            []OutputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

// An OutputEvent is an event that is read.
type OutputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// FilterLogEvents asks for events of a group, from the oldest to the newest. Times are
// milliseconds since 1970, EndTime inclusive.
type FilterLogEvents struct {
	LogGroupName        string   `json:"logGroupName,omitempty" is:"group"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier,omitempty" is:"identifier"`
	LogStreamNames      []string `json:"logStreamNames,omitempty" is:"list=1-100,stream"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix,omitempty" is:"stream"`
	StartTime           *int64   `json:"startTime,omitempty" is:"time"`
	EndTime             *int64   `json:"endTime,omitempty" is:"time"`
	FilterPattern       string   `json:"filterPattern,omitempty" is:"pattern"`
	NextToken           string   `json:"nextToken,omitempty" is:"token"`
	Limit               *int     `json:"limit,omitempty" is:"limit10000"`
	Interleaved         bool     `json:"interleaved,omitempty"` // always, since 2019
	Unmask              bool     `json:"unmask,omitempty"`
}

// FilterLogEventsAnswer is the answer to FilterLogEvents. A page may have no events and a
// token.
type FilterLogEventsAnswer struct {
	Events             []FilteredEvent  `json:"events"`
	SearchedLogStreams []SearchedStream `json:"searchedLogStreams"` // empty since 2020
	NextToken          string           `json:"nextToken,omitempty"`
}

// A FilteredEvent is an event that was found.
type FilteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

// A SearchedStream says how far a stream was searched.
type SearchedStream struct {
	LogStreamName      string `json:"logStreamName"`
	SearchedCompletely bool   `json:"searchedCompletely"`
}
