package place

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"weir/internal/awsconfig"
)

// A logsClient calls CloudWatch Logs: JSON 1.1, as little of it as reading takes.
type logsClient struct {
	cfg      *awsconfig.Config
	http     *http.Client
	endpoint string
	amazon   bool
}

func newLogsClient(ctx context.Context, conf *awsconfig.Config) (*logsClient, error) {
	if conf.Region == "" {
		return nil, awsconfig.Hint(errors.New("no region"), "say --region, or set AWS_REGION or the profile's region")
	}
	endpoint, err := conf.Endpoint(ctx, conf.Given(), "CloudWatch Logs")
	if err != nil {
		return nil, err
	}
	c := &logsClient{cfg: conf, endpoint: endpoint, http: &http.Client{Transport: conf.Transport(idle)}}
	if endpoint == "" {
		c.amazon, c.endpoint = true, conf.Amazon("logs", conf.Region)
	}
	return c, nil
}

// call calls an action.
func (c *logsClient) call(ctx context.Context, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	var answer []byte
	err = c.cfg.Try(ctx, func() (err error) {
		answer, err = c.attempt(ctx, action, body)
		return err
	})
	if err == nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

func (c *logsClient) attempt(ctx context.Context, action string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+action)
	req.Header.Set("User-Agent", "weir")
	hash := sha256.Sum256(body)
	if err := c.cfg.Sign(ctx, req, hex.EncodeToString(hash[:]), "logs", c.cfg.Region); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return answer, nil
	}
	e := &Error{Status: res.StatusCode, Code: http.StatusText(res.StatusCode)}
	var x struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &x) == nil && x.Type != "" {
		// Some write the name of a schema before the code.
		e.Code, e.Message = x.Type[strings.LastIndexByte(x.Type, '#')+1:], x.Message
	}
	return nil, e
}

// explain adds what to do about an error of a call about a group.
func (c *logsClient) explain(err error, group string) error {
	var e *Error
	if !errors.As(err, &e) {
		return unreachable(c.cfg, err, c.endpoint)
	}
	switch {
	case e.Code == "ResourceNotFoundException":
		return awsconfig.Hint(err, fmt.Sprintf("is %s in region %s? aws logs describe-log-groups shows the groups that there are; logs://GROUP:STREAM names a stream", group, c.cfg.Region))
	case e.Code == "AccessDeniedException":
		return awsconfig.Hint(err, "the policy must allow logs:DescribeLogStreams, logs:GetLogEvents and logs:FilterLogEvents on the group")
	case hints[e.Code] != "":
		return awsconfig.Hint(err, hints[e.Code])
	case e.Message == "" && !c.amazon:
		return awsconfig.Hint(err, fmt.Sprintf("is there a CloudWatch Logs at %s? See --endpoint-url", c.endpoint))
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
		if err := c.call(ctx, "DescribeLogStreams", in, &out); err != nil {
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
	err := c.call(ctx, action, in, &out)
	return out.Events, out.NextToken + out.NextForwardToken, err
}
