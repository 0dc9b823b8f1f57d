package api

import (
	"encoding/json"
	"fmt"
	"testing"

	"weir/internal/cloudwatch"
)

// batch is the body of a PutLogEvents with n records of a flow log.
func batch(n int) []byte {
	in := cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "a"}
	for i := range n {
		in.LogEvents = append(in.LogEvents, cloudwatch.Event{Timestamp: noon.UnixMilli(), Message: fmt.Sprintf(
			"2 123456789012 eni-0a1b2c3d4e5f67890 10.0.1.%d 10.0.0.80 %d 443 6 10 8400 1795521600 1795521659 %s OK", i%250, 1024+i, []string{"ACCEPT", "REJECT"}[i%2])})
	}
	body, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return body
}

// BenchmarkPut is a batch of 7,000 records, read, checked and on disk.
func BenchmarkPut(b *testing.B) {
	bed := newBed(b)
	bed.fill(0)
	body := batch(7000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bed.Do(b.Context(), "PutLogEvents", body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is reading and checking the same batch.
func BenchmarkDecode(b *testing.B) {
	body := batch(7000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		in := new(cloudwatch.PutLogEvents)
		if err := cloudwatch.Decode(body, in); err != nil {
			b.Fatal(err)
		}
		if err := checkBatch(in.LogEvents); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFilter searches 70,000 records; half of them match, which takes several pages.
func BenchmarkFilter(b *testing.B) {
	bed := newBed(b)
	bed.fill(0)
	body := batch(7000)
	for range 10 {
		if _, err := bed.Do(b.Context(), "PutLogEvents", body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		in := cloudwatch.FilterLogEvents{LogGroupName: "g", FilterPattern: "REJECT"}
		n := 0
		for {
			out := ok[cloudwatch.FilterLogEventsAnswer](bed, "FilterLogEvents", in)
			n += len(out.Events)
			if in.NextToken = out.NextToken; in.NextToken == "" {
				break
			}
		}
		if n != 35_000 {
			b.Fatal(n)
		}
	}
}
