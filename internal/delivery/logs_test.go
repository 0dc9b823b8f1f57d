package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/cloudwatch"
	"weir/internal/delivery"
	"weir/internal/flowlog"
	"weir/record"
)

// A scriptedLogs gives its answers to PutLogEvents in order, the last for ever, and notes
// what is called.
type scriptedLogs struct {
	put    []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error)
	create map[string]error // by name; each is given once
	calls  []string
	events [][]cloudwatch.Event
}

func takeAll(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	return new(cloudwatch.PutLogEventsAnswer), nil
}

func refusing(err error) func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	return func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) { return nil, err }
}

func (s *scriptedLogs) PutLogEvents(_ context.Context, in *cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
	s.calls, s.events = append(s.calls, "put "+in.LogGroupName+":"+in.LogStreamName), append(s.events, in.LogEvents)
	answer := s.put[0]
	if len(s.put) > 1 {
		s.put = s.put[1:]
	}
	return answer(in)
}

func (s *scriptedLogs) once(name string) error {
	s.calls = append(s.calls, name)
	err := s.create[name]
	delete(s.create, name)
	return err
}

func (s *scriptedLogs) CreateLogGroup(_ context.Context, in *cloudwatch.CreateLogGroup) error {
	return s.once("group " + in.LogGroupName)
}

func (s *scriptedLogs) CreateLogStream(_ context.Context, in *cloudwatch.CreateLogStream) error {
	return s.once("stream " + in.LogGroupName + ":" + in.LogStreamName)
}

// intoLogs is a flow log of an interface.
func intoLogs(id, eni string) *flowlog.FlowLog {
	return &flowlog.FlowLog{ID: id, Params: flowlog.Params{
		ResourceType: flowlog.NetworkInterface, ResourceID: eni, TrafficType: "ACCEPT", Format: "${interface-id} ${instance-id} ${start}",
		DestinationType: flowlog.CloudWatchLogs, LogGroup: "g",
	}}
}

// parcels makes parcels of records that begin at these seconds; text is the second field.
func parcels(tb testing.TB, service delivery.LogService, others []flowlog.FlowLog, text string, starts ...int64) []delivery.Parcel {
	tb.Helper()
	list := func(context.Context) ([]flowlog.FlowLog, error) { return others, nil }
	sink := delivery.NewEvents(delivery.LogServices{{Match: func(string) bool { return true }, Service: service}}, list)
	m, err := sink.Make(intoLogs("fl-1", "eni-1"), 1, 1)
	if err != nil {
		tb.Fatal(err)
	}
	for _, start := range starts {
		var r record.Record
		r.SetText(record.InterfaceID, "eni-1")
		r.SetText(record.InstanceID, text)
		r.SetInt(record.Start, start)
		if err := m.Write(&r, flowlog.Resources{VPC: "vpc-1", Subnet: "subnet-1", Interface: "eni-1"}); err != nil {
			tb.Fatal(err)
		}
	}
	items, err := m.Close()
	if err != nil || items != len(starts) {
		tb.Fatalf("%d items, %v, want %d", items, err, len(starts))
	}
	out, err := m.Parcels(tb.Context(), delivery.Spans{{From: 0, To: items}})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestBatchesKeepToTheLimits(t *testing.T) {
	same := func(n int) []int64 { return slices.Repeat([]int64{1000}, n) }
	long := strings.Repeat("i", 1000)
	size := len("eni-1 "+long+" 1000") + cloudwatch.EventOverhead
	most := cloudwatch.MaxBatchBytes / size
	for _, tt := range []struct {
		name   string
		text   string
		starts []int64
		want   []int // events of each batch
	}{
		{"one event", "i", same(1), []int{1}},
		{"as many events as may be", "i", same(10_000), []int{10_000}},
		{"one more", "i", same(10_001), []int{10_000, 1}},
		{"as many bytes as may be", long, same(most), []int{most}},
		{"an event more", long, same(most + 1), []int{most, 1}},
		{"a day", "i", []int64{1000, 1000 + 86_400}, []int{2}},
		{"more than a day", "i", []int64{1000, 1000 + 86_401}, []int{1, 1}},
		{"a batch begins its day again", "i", []int64{0, 86_401, 86_402, 172_801, 172_802}, []int{1, 3, 1}},
		{"they are sorted first", "i", []int64{86_401, 0, 86_402}, []int{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scriptedLogs{put: []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error){takeAll}}
			var got []int
			for _, p := range parcels(t, s, nil, tt.text, tt.starts...) {
				if _, err := p.Send(t.Context()); err != nil {
					t.Fatal(err)
				}
				events := s.events[len(s.events)-1]
				got = append(got, len(events))
				if !slices.IsSortedFunc(events, func(x, y cloudwatch.Event) int { return int(x.Timestamp - y.Timestamp) }) {
					t.Error("a batch is not in the order of time")
				}
			}
			if !cmp.Equal(got, tt.want) {
				t.Errorf("batches of %v events, want %v", got, tt.want)
			}
		})
	}
}

func TestAnEvent(t *testing.T) {
	s := &scriptedLogs{put: []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error){takeAll}}
	reject := *intoLogs("fl-2", "eni-1")
	reject.TrafficType = "REJECT"
	for _, others := range [][]flowlog.FlowLog{nil, {reject}} {
		if _, err := parcels(t, s, others, "i-1", 1702918083)[0].Send(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"put g:eni-1-accept", "put g:eni-1-all"}, s.calls); diff != "" {
		t.Errorf("alone, and with one of the other traffic (-want +got):\n%s", diff)
	}
	want := []cloudwatch.Event{{Timestamp: 1702918083000, Message: "eni-1 i-1 1702918083"}}
	if diff := cmp.Diff(want, s.events[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsMissingIsMade(t *testing.T) {
	const put, stream, group = "put g:eni-1-accept", "stream g:eni-1-accept", "group g"
	for _, tt := range []struct {
		name   string
		create map[string]error
		want   []string
	}{
		{"the stream", nil, []string{put, stream, put}},
		{"group and stream", map[string]error{stream: cloudwatch.NoSuchGroup}, []string{put, stream, group, stream, put}},
		{"what others make meanwhile", map[string]error{stream: cloudwatch.StreamExists}, []string{put, stream, put}},
		{"a group that others make", map[string]error{stream: cloudwatch.NoSuchGroup, group: cloudwatch.GroupExists}, []string{put, stream, group, stream, put}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scriptedLogs{create: tt.create, put: []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error){refusing(cloudwatch.NoSuchStream), takeAll}}
			if _, err := parcels(t, s, nil, "i", 1)[0].Send(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, s.calls); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRejectedEvents(t *testing.T) {
	at := func(n int) *int { return &n }
	for _, tt := range []struct {
		name     string
		rejected *cloudwatch.Rejected
		left     delivery.Spans
		lost     int64
	}{
		{"none", nil, nil, 0},
		{"none, in so many words", &cloudwatch.Rejected{}, nil, 0},
		{"the first are too old", &cloudwatch.Rejected{TooOldLogEventEndIndex: at(2)}, nil, 2},
		{"or the group does not keep them", &cloudwatch.Rejected{TooOldLogEventEndIndex: at(1), ExpiredLogEventEndIndex: at(3)}, nil, 3},
		{"the last are too new", &cloudwatch.Rejected{TooNewLogEventStartIndex: at(4)}, delivery.SpansOf(4), 0},
		{"both", &cloudwatch.Rejected{TooOldLogEventEndIndex: at(1), TooNewLogEventStartIndex: at(3)}, delivery.SpansOf(3, 4), 1},
		{"all are too new", &cloudwatch.Rejected{TooNewLogEventStartIndex: at(0)}, delivery.SpansOf(0, 1, 2, 3, 4), 0},
		{"all are too old", &cloudwatch.Rejected{TooOldLogEventEndIndex: at(5)}, nil, 5},
		{"nonsense", &cloudwatch.Rejected{TooOldLogEventEndIndex: at(99), TooNewLogEventStartIndex: at(-7)}, nil, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &scriptedLogs{put: []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error){
				func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error) {
					return &cloudwatch.PutLogEventsAnswer{RejectedLogEventsInfo: tt.rejected}, nil
				}}}
			a, err := parcels(t, s, nil, "i", 1, 2, 3, 4, 5)[0].Send(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !cmp.Equal(a.Left, tt.left) || a.Lost != tt.lost || (a.Why != nil) != (len(tt.left) > 0) || a.Ahead != (len(tt.left) > 0) || (a.LostWhy != "") != (tt.lost > 0) {
				t.Errorf("got %+v, want %v left and %d lost", a, tt.left, tt.lost)
			}
		})
	}
}

func TestKindsOfLogFailures(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want delivery.Kind
	}{
		{&cloudwatch.Error{Code: "ThrottlingException"}, delivery.RateLimited},
		{&cloudwatch.Error{Code: "AccessDeniedException"}, delivery.AccessError},
		{&cloudwatch.Error{Code: "UnrecognizedClientException"}, delivery.AccessError},
		{&cloudwatch.Error{Code: "Forbidden", Status: 403}, delivery.AccessError},
		{&cloudwatch.Error{Code: "InvalidParameterException"}, delivery.UnknownError},
		{&cloudwatch.Error{Code: "ServiceUnavailableException"}, delivery.UnknownError},
		{fmt.Errorf("put: %w", cloudwatch.Throttled), delivery.RateLimited},
		{errors.New("disk full"), delivery.UnknownError},
	} {
		s := &scriptedLogs{put: []func(*cloudwatch.PutLogEvents) (*cloudwatch.PutLogEventsAnswer, error){refusing(tt.err)}}
		_, err := parcels(t, s, nil, "i", 1)[0].Send(t.Context())
		if f := (*delivery.Failure)(nil); !errors.As(err, &f) || f.Kind != tt.want {
			t.Errorf("%v is %v, want %v", tt.err, err, tt.want)
		}
	}
}

// BenchmarkLogBatches makes batches of records of the default format, as they would be
// sent.
func BenchmarkLogBatches(b *testing.B) {
	const records, interfaces = 100_000, 10
	f := intoLogs("fl-1", "eni-1")
	f.Format = record.Default().String()
	service := &scriptedLogs{}
	sink := delivery.NewEvents(delivery.LogServices{{Match: func(string) bool { return true }, Service: service}},
		func(context.Context) ([]flowlog.FlowLog, error) { return nil, nil })
	var r record.Record
	err := record.Default().Parse([]byte("2 123456789012 eni-0a1b2c3d4e5f60718 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK"), &r)
	if err != nil {
		b.Fatal(err)
	}
	var on [interfaces]flowlog.Resources
	for n := range on {
		on[n].Interface = fmt.Sprint("eni-", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := sink.Make(f, 1, 1)
		if err != nil {
			b.Fatal(err)
		}
		for n := range records {
			r.SetInt(record.Start, 1700000000+int64(n*7919%600))
			if err := m.Write(&r, on[n%interfaces]); err != nil {
				b.Fatal(err)
			}
		}
		items, err := m.Close()
		if err != nil {
			b.Fatal(err)
		}
		if p, err := m.Parcels(b.Context(), delivery.Spans{{From: 0, To: items}}); err != nil || len(p) != interfaces*2 {
			b.Fatalf("%d parcels, %v", len(p), err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
