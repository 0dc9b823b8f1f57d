package cloudwatch

// Bounds of PutLogEvents.
const (
	// MaxBatchEvents is how many events a batch has at most.
	MaxBatchEvents = 10_000

	// MaxBatchBytes is how large a batch is at most: the bytes of its messages, and
	// EventOverhead for each.
	MaxBatchBytes = 1 << 20
	EventOverhead = 26

	// MaxBatchSpan is the longest time in milliseconds between two events of a batch.
	MaxBatchSpan = 24 * 60 * 60 * 1000

	// MaxAge and MaxAhead are how far in milliseconds an event may lie in the past and
	// in the future.
	MaxAge   = 14 * 24 * 60 * 60 * 1000
	MaxAhead = 2 * 60 * 60 * 1000
)

// An Event is an event on its way to a stream.
type Event struct {
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`   // UTF-8, not empty
}

// PutLogEvents adds events, in the order of their times, to a stream that exists.
type PutLogEvents struct {
	LogGroupName  string  `json:"logGroupName" is:"required,group"`
	LogStreamName string  `json:"logStreamName" is:"required,stream"`
	LogEvents     []Event `json:"logEvents" is:"required,list=1-10000"`

	// SequenceToken is what was needed until 2023 and is ignored since.
	SequenceToken string `json:"sequenceToken,omitempty" is:"token"`
}

// PutLogEventsAnswer is the answer to a PutLogEvents of which at least a part was taken,
// or nothing because all events were too old or too new.
type PutLogEventsAnswer struct {
	NextSequenceToken     string    `json:"nextSequenceToken,omitempty"`
	RejectedLogEventsInfo *Rejected `json:"rejectedLogEventsInfo,omitempty"` // nil if all were taken
}

// Rejected says which events of a batch were not taken: those before an end, those from a
// start on. Each is an index into the batch; nil is none.
type Rejected struct {
	TooNewLogEventStartIndex *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldLogEventEndIndex   *int `json:"tooOldLogEventEndIndex,omitempty"`
	ExpiredLogEventEndIndex  *int `json:"expiredLogEventEndIndex,omitempty"` // older than the group keeps
}
