package cloudwatch

// StartLiveTailAction is the action that is answered with a stream of messages, for as long
// as its client listens.
const StartLiveTailAction = "StartLiveTail"

// StartLiveTail asks for the events of up to ten groups, as they come. Names and prefixes
// of streams are for one group only.
type StartLiveTail struct {
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers" is:"required,list=1-10,identifier"`
	LogStreamNames        []string `json:"logStreamNames,omitempty" is:"list=1-100,stream"`
	LogStreamNamePrefixes []string `json:"logStreamNamePrefixes,omitempty" is:"list=1-100,stream"`
	LogEventFilterPattern string   `json:"logEventFilterPattern,omitempty" is:"pattern"`
}

// A LiveTailStart is the first message of a live tail.
type LiveTailStart struct {
	RequestID             string   `json:"requestId"`
	SessionID             string   `json:"sessionId"`
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
	LogStreamNames        []string `json:"logStreamNames,omitempty"`
	LogStreamNamePrefixes []string `json:"logStreamNamePrefixes,omitempty"`
	LogEventFilterPattern string   `json:"logEventFilterPattern,omitempty"`
}

// A LiveTailUpdate is what came in a second.
type LiveTailUpdate struct {
	SessionMetadata struct {
		Sampled bool `json:"sampled"` // there were more events than a message has
	} `json:"sessionMetadata"`
	SessionResults []LiveTailEvent `json:"sessionResults"`
}

// A LiveTailEvent is an event of a live tail.
type LiveTailEvent struct {
	LogStreamName      string `json:"logStreamName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"` // ACCOUNT:NAME
	Message            string `json:"message"`
	Timestamp          int64  `json:"timestamp"`
	IngestionTime      int64  `json:"ingestionTime"`
}
