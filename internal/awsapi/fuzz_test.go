package awsapi

import (
	"net/http"
	"net/url"
	"testing"

	"weir/internal/ec2"
)

// FuzzRequest holds every call to this: whatever a client sends, it is answered, and
// an error is the client's.
func FuzzRequest(f *testing.F) {
	f.Add("Action=CreateFlowLogs&" + s3Log)
	f.Add("Action=DescribeFlowLogs&Filter.1.Name=tag:a&Filter.1.Value.1=%5C*&MaxResults=5&NextToken=d2VpcjE6")
	f.Add("Action=DescribeNetworkInterfaces&Filter.1.Name=addresses.primary&Filter.1.Value.1=true")
	f.Add("Action=GetFlowLogsIntegrationTemplate&FlowLogId=fl-1&" + integration)
	f.Add("Action=DeleteTags&ResourceId.1=" + testVPC + "&Tag.1.Key=Name&Tag.1.Value=")
	f.Add("Action=DescribeTags&Filter.1.Name=key")
	f.Fuzz(func(t *testing.T, query string) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		b := newBed(t)
		act, known := b.api.actions[params.Get("Action")]
		if !known {
			return
		}
		q := &request{id: "r", service: "ec2", action: params.Get("Action")}
		out := b.api.run(t.Context(), q, act, params)
		if out.Status >= http.StatusInternalServerError {
			t.Fatalf("%s: %d %s", query, out.Status, out.Body)
		}
		if out.Status != http.StatusOK {
			if e := ec2.ParseError(out.Status, out.Body); e.Code == "" || e.Message == "" || ec2.StatusOf(e.Code) != out.Status {
				t.Errorf("%s: %d %s", query, out.Status, out.Body)
			}
		}
	})
}
