package delivery

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendMessage(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"2 123456789012 eni-1 - NODATA", "{\"message\":\"2 123456789012 eni-1 - NODATA\"}\n"},
		{`a "b" \c`, `{"message":"a \"b\" \\c"}` + "\n"},
		{"é\t", "{\"message\":\"é\\t\"}\n"},
	} {
		if got := string(appendMessage(nil, []byte(tt.line))); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
}

// FuzzAppendMessage reads back what is sent.
func FuzzAppendMessage(f *testing.F) {
	f.Add("2 123456789012 eni-1 - NODATA")
	f.Add("\"\\\x00é\xff")
	f.Fuzz(func(t *testing.T, line string) {
		var got struct{ Message string }
		raw := appendMessage([]byte("x"), []byte(line))[1:]
		if err := json.Unmarshal(raw, &got); err != nil || raw[len(raw)-1] != '\n' {
			t.Fatalf("%q: %v", raw, err)
		}
		if again := appendMessage(nil, []byte(got.Message)); !cmp.Equal(again, raw) && got.Message == line {
			t.Errorf("%q became %q", line, got.Message)
		}
	})
}

func TestFailedRecords(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         []int
		kind         Kind
		wrong        bool
	}{
		{"none", `{"FailedPutCount":0,"RequestResponses":[{"RecordId":"1"},{"RecordId":"2"}]}`, nil, "", false},
		{"one, for it is too much", `{"FailedPutCount":1,"RequestResponses":[{"RecordId":"1"},{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."}]}`, []int{1}, RateLimited, false},
		{"all", `{"FailedPutCount":2,"RequestResponses":[{"ErrorCode":"InternalFailure"},{"ErrorCode":"InternalFailure"}]}`, []int{0, 1}, UnknownError, false},
		{"nobody knows which", `{"FailedPutCount":1,"RequestResponses":[{"RecordId":"1"},{"RecordId":"2"}]}`, nil, "", true},
		{"of another request", `{"FailedPutCount":1,"RequestResponses":[{"ErrorCode":"InternalFailure"}]}`, nil, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a putRecordBatchAnswer
			if err := json.Unmarshal([]byte(tt.answer), &a); err != nil {
				t.Fatal(err)
			}
			failed, why, err := a.failed("host", 2)
			if !cmp.Equal(failed, tt.want) || (err != nil) != tt.wrong || (why != nil) != (tt.kind != "") || why != nil && why.Kind != tt.kind {
				t.Errorf("got %v, %v, %v", failed, why, err)
			}
		})
	}
}

// FuzzFailedRecords checks that what is named has been sent.
func FuzzFailedRecords(f *testing.F) {
	f.Add([]byte(`{"FailedPutCount":1,"RequestResponses":[{"ErrorCode":"x"},{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a putRecordBatchAnswer
		if json.Unmarshal(raw, &a) != nil {
			return
		}
		failed, why, err := a.failed("host", 2)
		for _, i := range failed {
			if i < 0 || i > 1 || why == nil || err != nil {
				t.Errorf("%s: %v, %v, %v", raw, failed, why, err)
			}
		}
	})
}
