package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"weir/internal/cloudwatch"
)

// FuzzRequest holds every call to this: whatever a client sends, it is answered, and an
// error is the client's.
func FuzzRequest(f *testing.F) {
	f.Add("PutLogEvents", `{"logGroupName":"g","logStreamName":"a","logEvents":[{"timestamp":1795521600000,"message":"x"}]}`)
	f.Add("GetLogEvents", `{"logGroupIdentifier":"arn:aws:logs:eu-test-1:123456789012:log-group:g","logStreamName":"a","limit":1,"nextToken":"f/AAABog1tWgAAAAAAAAAAAQAAAAE"}`)
	f.Add("FilterLogEvents", `{"logGroupName":"g","logStreamNames":["a"],"filterPattern":"{ $.a = 1 }","startTime":0,"endTime":9223372036854775807}`)
	f.Add("DescribeLogStreams", `{"logGroupName":"g","orderBy":"LastEventTime","descending":true,"limit":1,"nextToken":"eyJ0Ijoic3RyZWFtcyIsImEiOnsibiI6ImEifX0"}`)
	f.Add("DescribeLogGroups", `{"logGroupNamePattern":"G","limit":50}`)
	f.Add("TagResource", `{"resourceArn":"arn:aws:logs:eu-test-1:123456789012:log-group:g","tags":{"a":""}}`)
	f.Add("PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"[a]","metricTransformations":[{"metricName":"m","metricNamespace":"n","metricValue":"$a"}]}`)
	f.Add("TestMetricFilter", `{"filterPattern":"[a]","logEventMessages":["x"]}`)
	f.Add("StartLiveTail", `{"logGroupIdentifiers":["h"]}`)
	f.Add("", `{"logGroupName":"g","limit":1.5,"tags":[]}`)
	b := newBed(f)
	b.fill(4)
	names := slices.Sorted(maps.Keys(b.actions))
	f.Fuzz(func(t *testing.T, action, body string) {
		b.t = t
		if action == cloudwatch.StartLiveTailAction {
			in := new(cloudwatch.StartLiveTail)
			if cloudwatch.Decode([]byte(body), in) != nil || !slices.Contains(in.LogGroupIdentifiers, "g") {
				_ = b.Tail(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil).WithContext(t.Context()), "id", []byte(body))
			}
			return
		}
		if _, known := b.actions[action]; !known && len(action) > 0 {
			action = names[int(action[0])%len(names)]
		}
		out, err := b.Do(t.Context(), action, []byte(body))
		var e *cloudwatch.Error
		switch {
		case err != nil && (!errors.As(err, &e) || e.HTTPStatus() >= 500):
			t.Fatalf("%s %s: %v", action, body, err)
		case err == nil && len(out) > 0 && !json.Valid(out):
			t.Errorf("%s %s: %s", action, body, out)
		case err == nil && strings.Contains(string(out), "null"):
			if !strings.Contains(body, "null") {
				t.Errorf("%s %s: null in %s", action, body, out)
			}
		}
	})
}
