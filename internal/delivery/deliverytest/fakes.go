package deliverytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"weir/internal/cloudwatch"
)

// S3 is S3 with one bucket, as much of it as putting objects takes.
type S3 struct {
	Bucket string

	objects map[string][]string // lines, by key
	gone    bool
	again   int
}

// Take implements [Protocol].
func (s *S3) Take(w http.ResponseWriter, r *http.Request, body []byte, _ bool) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if s.gone || bucket != s.Bucket {
		s.answer(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		return
	}
	zip, err := gzip.NewReader(bytes.NewReader(body))
	var text []byte
	if err == nil {
		text, err = io.ReadAll(zip)
	}
	if r.Method != http.MethodPut || err != nil {
		s.answer(w, http.StatusBadRequest, "InvalidRequest", fmt.Sprint(r.Method, " ", err))
		return
	}
	if s.objects == nil {
		s.objects = make(map[string][]string)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[1:]
	if was, ok := s.objects[key]; ok && !slices.Equal(was, lines) {
		s.again++
	}
	s.objects[key] = lines
	w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
}

func (s *S3) answer(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>%s</Code><Message>%s</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>", code, message)
}

// Refuse implements [Protocol].
func (s *S3) Refuse(w http.ResponseWriter, why Refusal) {
	switch why {
	case TooMany:
		s.answer(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case WrongKey:
		s.answer(w, http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case WrongTime:
		s.answer(w, http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
}

// Lines implements [Protocol].
func (s *S3) Lines() map[string]int {
	lines := make(map[string]int)
	for _, o := range s.objects {
		for _, l := range o {
			lines[l]++
		}
	}
	return lines
}

// Repeated returns how many objects were replaced by others.
func (s *S3) Repeated() int { return s.again }

// Remove implements [Protocol].
func (s *S3) Remove() { s.gone, s.objects = true, nil }

// Restore implements [Protocol].
func (s *S3) Restore() { s.gone = false }

// answerJSON answers as JSON 1.1 services do.
func answerJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", cloudwatch.ContentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // to a client that may be gone
}

// refuseJSON refuses as JSON 1.1 services do.
func refuseJSON(w http.ResponseWriter, status int, code, message string) {
	answerJSON(w, status, map[string]string{"__type": code, "message": message})
}

// commonRefusals are what all JSON services answer before they look at a request.
func commonRefusals(w http.ResponseWriter, why Refusal) {
	switch why {
	case TooMany:
		refuseJSON(w, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	case WrongKey:
		refuseJSON(w, http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case WrongTime:
		refuseJSON(w, http.StatusBadRequest, "InvalidSignatureException", "Signature expired: 20260115T080000Z is now earlier than 20260115T090000Z")
	}
}

// Logs is CloudWatch Logs, as much of it as putting events takes. It checks what is put
// against the limits of Amazon's.
type Logs struct {
	Now func() time.Time // the service's clock

	taken
	groups  map[string]map[string]bool // streams by group
	Streams map[string]int             // events by group:stream, ever
	Wrong   []string                   // batches that Amazon would not take
}

// NewLogs returns one without groups.
func NewLogs(now func() time.Time) *Logs {
	return &Logs{Now: now, taken: newTaken(), groups: make(map[string]map[string]bool), Streams: make(map[string]int)}
}

// Take implements [Protocol].
func (l *Logs) Take(w http.ResponseWriter, r *http.Request, body []byte, half bool) {
	var in cloudwatch.PutLogEvents // the others have less
	if err := json.Unmarshal(body, &in); err != nil {
		refuseJSON(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	streams, there := l.groups[in.LogGroupName]
	switch action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), cloudwatch.Target); {
	case action == "CreateLogGroup" && there:
		refuseError(w, cloudwatch.GroupExists)
	case action == "CreateLogGroup":
		l.groups[in.LogGroupName] = make(map[string]bool)
		w.Header().Set("Content-Type", cloudwatch.ContentType)
	case !there:
		refuseError(w, cloudwatch.NoSuchGroup)
	case action == "CreateLogStream" && streams[in.LogStreamName]:
		refuseError(w, cloudwatch.StreamExists)
	case action == "CreateLogStream":
		streams[in.LogStreamName] = true
		w.Header().Set("Content-Type", cloudwatch.ContentType)
	case action != "PutLogEvents":
		refuseJSON(w, http.StatusBadRequest, "UnknownOperationException", action)
	case !streams[in.LogStreamName]:
		refuseError(w, cloudwatch.NoSuchStream)
	default:
		l.put(w, &in, half)
	}
}

func refuseError(w http.ResponseWriter, e *cloudwatch.Error) {
	refuseJSON(w, e.HTTPStatus(), e.Code, e.Message)
}

func (l *Logs) put(w http.ResponseWriter, in *cloudwatch.PutLogEvents, half bool) {
	n, bytes, sorted := len(in.LogEvents), 0, true
	for i, e := range in.LogEvents {
		bytes += len(e.Message) + cloudwatch.EventOverhead
		sorted = sorted && (i == 0 || e.Timestamp >= in.LogEvents[i-1].Timestamp)
	}
	if n == 0 || n > cloudwatch.MaxBatchEvents || bytes > cloudwatch.MaxBatchBytes || !sorted ||
		in.LogEvents[n-1].Timestamp-in.LogEvents[0].Timestamp > cloudwatch.MaxBatchSpan {
		l.Wrong = append(l.Wrong, fmt.Sprintf("%d events of %d bytes, sorted: %v", n, bytes, sorted))
		refuseError(w, cloudwatch.Invalid("Log events in a single PutLogEvents request are wrong."))
		return
	}
	now := l.Now().UnixMilli()
	old := slices.IndexFunc(in.LogEvents, func(e cloudwatch.Event) bool { return e.Timestamp >= now-cloudwatch.MaxAge })
	late := slices.IndexFunc(in.LogEvents, func(e cloudwatch.Event) bool { return e.Timestamp > now+cloudwatch.MaxAhead })
	var rejected cloudwatch.Rejected
	first, last := 0, n
	if old != 0 {
		if first = old; old < 0 {
			first = n
		}
		rejected.TooOldLogEventEndIndex = &first
	}
	if half && late < 0 {
		late = n / 2
	}
	if late >= 0 {
		last = late
		rejected.TooNewLogEventStartIndex = &last
	}
	var lines []string
	for _, e := range in.LogEvents[first:max(first, last)] {
		lines = append(lines, e.Message)
	}
	l.add(lines)
	l.Streams[in.LogGroupName+":"+in.LogStreamName] += len(lines)
	answer := cloudwatch.PutLogEventsAnswer{NextSequenceToken: "49039859602255796285458466098489"}
	if rejected != (cloudwatch.Rejected{}) {
		answer.RejectedLogEventsInfo = &rejected
	}
	answerJSON(w, http.StatusOK, &answer)
}

// Refuse implements [Protocol].
func (l *Logs) Refuse(w http.ResponseWriter, why Refusal) { commonRefusals(w, why) }

// Remove implements [Protocol]. What was taken stays counted.
func (l *Logs) Remove() { clear(l.groups) }

// Restore does nothing: whoever delivers makes what is missing.
func (l *Logs) Restore() {}

// Firehose is Amazon Data Firehose with one delivery stream, as much of it as putting
// records takes.
type Firehose struct {
	Stream string

	taken
	gone bool
}

// NewFirehose returns one with a stream.
func NewFirehose(stream string) *Firehose { return &Firehose{Stream: stream, taken: newTaken()} }

// Take implements [Protocol].
func (f *Firehose) Take(w http.ResponseWriter, r *http.Request, body []byte, half bool) {
	var in struct {
		DeliveryStreamName string
		Records            []struct{ Data []byte }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuseJSON(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	action := r.Header.Get("X-Amz-Target")
	switch {
	case f.gone || in.DeliveryStreamName != f.Stream:
		refuseJSON(w, http.StatusBadRequest, "ResourceNotFoundException", "Firehose "+in.DeliveryStreamName+" under account 123456789012 not found.")
		return
	case action == "Firehose_20150804.DescribeDeliveryStream":
		answerJSON(w, http.StatusOK, map[string]any{"DeliveryStreamDescription": map[string]any{"DeliveryStreamName": f.Stream, "DeliveryStreamStatus": "ACTIVE"}})
		return
	case action != "Firehose_20150804.PutRecordBatch":
		refuseJSON(w, http.StatusBadRequest, "UnknownOperationException", action)
		return
	}
	size := 0
	for _, record := range in.Records {
		size += len(record.Data)
	}
	if len(in.Records) == 0 || len(in.Records) > 500 || size > 4<<20 {
		refuseJSON(w, http.StatusBadRequest, "InvalidArgumentException", "1 validation error detected: Value at 'records' failed to satisfy constraint")
		return
	}
	var lines []string
	answers := make([]map[string]string, len(in.Records))
	failed := 0
	for i, record := range in.Records {
		var x struct{ Message string }
		if err := json.Unmarshal(record.Data, &x); err != nil || !bytes.HasSuffix(record.Data, []byte("\n")) {
			refuseJSON(w, http.StatusBadRequest, "InvalidArgumentException", string(record.Data))
			return
		}
		if half && i%2 == 1 {
			failed++
			answers[i] = map[string]string{"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
			continue
		}
		lines = append(lines, x.Message)
		answers[i] = map[string]string{"RecordId": "49544985256907370027570885864065577703022652638596431874"}
	}
	f.add(lines)
	answerJSON(w, http.StatusOK, map[string]any{"Encrypted": false, "FailedPutCount": failed, "RequestResponses": answers})
}

// Refuse implements [Protocol].
func (f *Firehose) Refuse(w http.ResponseWriter, why Refusal) {
	if why == TooMany {
		refuseJSON(w, http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down.")
		return
	}
	commonRefusals(w, why)
}

// Remove implements [Protocol].
func (f *Firehose) Remove() { f.gone = true }

// Restore implements [Protocol].
func (f *Firehose) Restore() { f.gone = false }
