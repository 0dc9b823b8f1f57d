package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"weir/internal/awsjson"
	"weir/internal/flowlog"
	"weir/record"
)

// Bounds of PutRecordBatch ("PutRecordBatch", Amazon Data Firehose API Reference, read
// 2026-11-24).
const (
	maxStreamRecords = 500
	maxStreamBytes   = 4 << 20
	maxStreamRecord  = 1000 << 10
)

// A StreamService is Amazon Data Firehose as far as delivery needs it. Its methods may be
// called from several goroutines; their errors are ctx's, or a [*Failure].
type StreamService interface {
	// PutRecords puts up to 500 records into a delivery stream. It returns the indexes of
	// those that were not taken, in their order, and why the first was not; the others are
	// durable. The records are not kept or changed.
	PutRecords(ctx context.Context, stream string, records [][]byte) (failed []int, why *Failure, err error)

	// Check reports whether there is such a stream, and it takes records.
	Check(ctx context.Context, stream string) error
}

// StreamServices have delivery streams by name; the first that matches has it.
type StreamServices []DeliveryStreams

// DeliveryStreams are the streams of one service.
type DeliveryStreams struct {
	Match   func(stream string) bool
	Service StreamService
}

func (s StreamServices) of(stream string) (StreamService, error) {
	for _, d := range s {
		if d.Match(stream) {
			return d.Service, nil
		}
	}
	return nil, failing(AccessError, fmt.Sprintf("no entry under destinations in weir.yaml names the delivery stream %s: say delivery-streams, and whose rights to use", stream))
}

// Check reports whether records can be delivered to a stream.
func (s StreamServices) Check(ctx context.Context, stream string) error {
	service, err := s.of(stream)
	if err != nil {
		return err
	}
	return service.Check(ctx, stream)
}

// streamRecords is the [Sink] of Firehose.
type streamRecords struct{ services StreamServices }

// NewStreamRecords returns a sink of records in delivery streams.
func NewStreamRecords(services StreamServices) Sink { return streamRecords{services} }

// Place is the stream's ARN.
func (s streamRecords) Place(f *flowlog.FlowLog) (string, error) { return f.Destination, nil }

// Make implements [Sink].
func (s streamRecords) Make(f *flowlog.FlowLog, _, _ uint64) (Maker, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return nil, err
	}
	stream, err := flowlog.StreamName(f.Destination)
	if err != nil {
		return nil, err
	}
	service, err := s.services.of(stream)
	if err != nil {
		return nil, err
	}
	return &puts{stream: stream, service: service, format: format}, nil
}

// puts makes batches of records for a delivery stream. Its items are the records in the
// order of the journal.
type puts struct {
	stream  string
	service StreamService
	format  record.Format

	line []byte
	text []byte
	ends []int // of each record in text
}

// Write implements [Maker].
func (p *puts) Write(r *record.Record, _ flowlog.Resources) error {
	p.line = p.format.Append(p.line[:0], r)
	p.text = appendMessage(p.text, p.line)
	p.ends = append(p.ends, len(p.text))
	return nil
}

// appendMessage appends a line as Firehose gets it: {"message":"…"} and a newline.
func appendMessage(b, line []byte) []byte {
	b = append(b, `{"message":`...)
	for _, c := range line {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(string(line)) // text never fails
			return append(append(b, quoted...), "}\n"...)
		}
	}
	b = append(append(b, '"'), line...)
	return append(b, "\"}\n"...)
}

// Full implements [Maker].
func (p *puts) Full() bool { return len(p.text)+8*len(p.ends) >= maxHeld }

// Close implements [Maker].
func (p *puts) Close() (items int, err error) { return len(p.ends), nil }

// record returns the text of an item.
func (p *puts) record(i int) []byte {
	begin := 0
	if i > 0 {
		begin = p.ends[i-1]
	}
	return p.text[begin:p.ends[i]]
}

// Parcels implements [Maker].
func (p *puts) Parcels(_ context.Context, items Spans) ([]Parcel, error) {
	var parcels []Parcel
	var batch Spans
	records, bytes := 0, 0
	end := func() {
		if records > 0 {
			parcels = append(parcels, p.parcel(batch, bytes))
		}
		batch, records, bytes = nil, 0, 0
	}
	items.Each(func(i int) {
		size := len(p.record(i))
		if records == maxStreamRecords || bytes+size > maxStreamBytes || size > maxStreamRecord {
			end()
		}
		batch = batch.add(Span{i, i + 1})
		records++
		bytes += size
		if size > maxStreamRecord {
			end()
		}
	})
	end()
	return parcels, nil
}

func (p *puts) parcel(items Spans, bytes int) Parcel {
	n := items.Len()
	parcel := Parcel{
		Name:  fmt.Sprintf("put %d records to %s", n, p.stream),
		Items: items, Records: int64(n), Bytes: int64(bytes),
	}
	if n == 1 && bytes > maxStreamRecord {
		parcel.Send = func(context.Context) (Answer, error) {
			return Answer{Lost: 1, LostWhy: fmt.Sprintf("a record of %d bytes is larger than Firehose takes", bytes)}, nil
		}
		return parcel
	}
	parcel.Send = func(ctx context.Context) (Answer, error) {
		records := make([][]byte, 0, n)
		numbers := make([]int, 0, n)
		items.Each(func(i int) {
			records, numbers = append(records, p.record(i)), append(numbers, i)
		})
		failed, why, err := p.service.PutRecords(ctx, p.stream, records)
		if err != nil || len(failed) == 0 {
			return Answer{}, err
		}
		var a Answer
		for _, f := range failed {
			a.Left = a.Left.add(Span{numbers[f], numbers[f] + 1})
		}
		a.Why = why
		return a, nil
	}
	return parcel
}

// Firehose is a [StreamService] over HTTP.
type Firehose struct{ service *jsonService }

var _ StreamService = (*Firehose)(nil)

// NewFirehose returns a client of Amazon Data Firehose. It reads the environment and the
// shared configuration files where cfg leaves something to them, but sends nothing.
func NewFirehose(ctx context.Context, cfg ServiceConfig) (*Firehose, error) {
	s, err := newService(ctx, cfg, "Firehose", "firehose", "Firehose_20150804.")
	if err != nil {
		return nil, fmt.Errorf("Firehose: %w", err)
	}
	return &Firehose{s}, nil
}

// String names the service, without secrets.
func (f *Firehose) String() string { return f.service.host }

type (
	putRecordBatch struct {
		DeliveryStreamName string
		Records            []streamRecord
	}
	streamRecord struct{ Data []byte } // base64 in JSON

	putRecordBatchAnswer struct {
		FailedPutCount   int
		RequestResponses []putRecordAnswer
	}
	putRecordAnswer struct{ ErrorCode, ErrorMessage string } // and the id of a record that was taken
)

// PutRecords implements [StreamService].
func (f *Firehose) PutRecords(ctx context.Context, stream string, records [][]byte) ([]int, *Failure, error) {
	in := putRecordBatch{DeliveryStreamName: stream, Records: make([]streamRecord, len(records))}
	for i := range records {
		in.Records[i].Data = records[i]
	}
	var out putRecordBatchAnswer
	if err := f.call(ctx, "PutRecordBatch", &in, &out); err != nil {
		return nil, nil, err
	}
	return out.failed(f.service.host, len(records))
}

// failed returns the indexes of those of n records that were not taken.
func (a *putRecordBatchAnswer) failed(host string, n int) (failed []int, why *Failure, err error) {
	if a.FailedPutCount == 0 {
		return nil, nil, nil
	}
	if len(a.RequestResponses) != n {
		return nil, nil, failing(UnknownError, fmt.Sprintf("%s says that %d records failed, and tells of %d where %d were sent",
			host, a.FailedPutCount, len(a.RequestResponses), n))
	}
	for i, r := range a.RequestResponses {
		if r.ErrorCode == "" {
			continue
		}
		failed = append(failed, i)
		if why == nil {
			why = streamFailure(r.ErrorCode, r.ErrorMessage, 0, nil)
		}
	}
	if len(failed) == 0 {
		return nil, nil, failing(UnknownError, fmt.Sprintf("%s says that %d records failed, and not which", host, a.FailedPutCount))
	}
	return failed, why, nil
}

// Check implements [StreamService].
func (f *Firehose) Check(ctx context.Context, stream string) error {
	var out struct {
		DeliveryStreamDescription struct{ DeliveryStreamStatus string }
	}
	err := f.call(ctx, "DescribeDeliveryStream", map[string]string{"DeliveryStreamName": stream}, &out)
	if err != nil {
		return err
	}
	switch status := out.DeliveryStreamDescription.DeliveryStreamStatus; status {
	case "DELETING", "DELETING_FAILED", "CREATING_FAILED":
		return failing(AccessError, fmt.Sprintf("the delivery stream %s is %s", stream, status))
	}
	return nil
}

func (f *Firehose) call(ctx context.Context, action string, in, out any) error {
	answered, err := f.service.call(ctx, action, in, out)
	if answered != nil {
		return streamFailure(answered.Code, answered.Message, answered.Status, answered)
	}
	return err
}

// streamFailure makes a failure of what Firehose answers: of a call, or of one record
// without a status.
func streamFailure(code, message string, status int, answered *awsjson.Error) *Failure {
	f := &Failure{Kind: UnknownError, Code: code, Message: message, status: status, Err: answered}
	if answered == nil {
		f.Err = errors.New(code + ": " + message)
	}
	f.judge()
	switch code {
	case "ServiceUnavailableException", "ServiceUnavailable", "Service Unavailable":
		f.Kind, f.Permanent = RateLimited, false // its way to say that too much comes
	}
	return f
}
