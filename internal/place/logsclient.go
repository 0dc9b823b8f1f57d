package place

import (
	"context"
	"errors"
	"fmt"

	"weir/internal/awsconfig"
	"weir/internal/awsjson"
	"weir/internal/cloudwatch"
)

// A logsClient calls CloudWatch Logs, as little of it as reading takes.
type logsClient struct {
	cfg    *awsconfig.Config
	client *awsjson.Client
}

func newLogsClient(ctx context.Context, conf *awsconfig.Config) (*logsClient, error) {
	client, err := awsjson.New(ctx, awsjson.Config{
		AWS: conf, Service: cloudwatch.Service, ID: "CloudWatch Logs", Target: cloudwatch.Target, Timeout: listTime, Idle: idle,
	})
	return &logsClient{cfg: conf, client: client}, err
}

// explain adds what to do about an error of a call about a group.
func (c *logsClient) explain(err error, group string) error {
	var e *awsjson.Error
	if !errors.As(err, &e) {
		return unreachable(c.cfg, err, c.client.Endpoint)
	}
	switch {
	case e.Code == "ResourceNotFoundException":
		return awsconfig.Hint(err, fmt.Sprintf("is %s in region %s? aws logs describe-log-groups shows the groups that there are; logs://GROUP:STREAM names a stream", group, c.cfg.Region))
	case e.Code == "AccessDeniedException":
		return awsconfig.Hint(err, "the policy must allow logs:DescribeLogStreams, logs:GetLogEvents and logs:FilterLogEvents on the group")
	case hints[e.Code] != "":
		return awsconfig.Hint(err, hints[e.Code])
	case e.Message == "" && !c.client.Amazon:
		return awsconfig.Hint(err, fmt.Sprintf("is there a CloudWatch Logs at %s? See --endpoint-url", c.client.Endpoint))
	}
	return err
}

// A logStream is what DescribeLogStreams says of one; times are milliseconds since
// 1970, 0 if there is none.
type logStream struct {
	LogStreamName       string `json:"logStreamName"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp"`
	LastIngestionTime   int64  `json:"lastIngestionTime"`
}

// streams returns the streams of a group whose names begin with prefix, in the order
// of names.
func (c *logsClient) streams(ctx context.Context, group, prefix string) ([]logStream, error) {
	var all []logStream
	for token := ""; ; {
		in := map[string]any{"logGroupName": group, "limit": 50}
		if prefix != "" {
			in["logStreamNamePrefix"] = prefix
		}
		if token != "" {
			in["nextToken"] = token
		}
		var out struct {
			LogStreams []logStream `json:"logStreams"`
			NextToken  string      `json:"nextToken"`
		}
		if err := c.client.Call(ctx, "DescribeLogStreams", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.LogStreams...)
		if out.NextToken == "" || out.NextToken == token {
			return all, nil
		}
		token = out.NextToken
	}
}

type event struct {
	Message string `json:"message"`
	// Of FilterLogEvents only:
	ID     string `json:"eventId"`
	Stream string `json:"logStreamName"`
	Time   int64  `json:"timestamp"` // milliseconds since 1970
}

// events returns a page of events, and the token of the next: of a stream the same
// again at the end, of a group "".
func (c *logsClient) events(ctx context.Context, g *group, token string) ([]event, string, error) {
	in := map[string]any{"logGroupName": g.name, "limit": 10000}
	if g.from > 0 {
		in["startTime"] = g.from
	}
	if g.to > 0 {
		in["endTime"] = g.to
	}
	if token != "" {
		in["nextToken"] = token
	}
	var out struct {
		Events           []event `json:"events"`
		NextToken        string  `json:"nextToken"`
		NextForwardToken string  `json:"nextForwardToken"`
	}
	action := "FilterLogEvents"
	if g.stream != "" && g.ids {
		in["logStreamNames"] = []string{g.stream}
	} else if g.stream != "" {
		action = "GetLogEvents"
		in["logStreamName"], in["startFromHead"] = g.stream, true
	}
	if g.to > 0 && action == "FilterLogEvents" {
		in["endTime"] = g.to - 1 // inclusive there
	}
	err := c.client.Call(ctx, action, in, &out)
	return out.Events, out.NextToken + out.NextForwardToken, err
}
