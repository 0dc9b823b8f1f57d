package sdktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"weir/internal/awsapi"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv/kvtest"
	"weir/internal/logs"
	"weir/internal/logs/api"
	"weir/internal/vpc"
)

// logsClient returns a client of a CloudWatch Logs that has no group yet.
func logsClient(t *testing.T) *cloudwatchlogs.Client {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	store, err := logs.Open(t.Context(), logs.Config{Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	service, err := api.New(api.Config{Account: "123456789012", Region: "eu-west-1", Store: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Close)
	index := vpc.NewIndex(vpc.Network{})
	url, key := serviceOf(t, awsapi.Config{
		Logs: flowlog.NewStore(kvtest.New(), kvtest.New()), Model: func() *vpc.Index { return index }, Tags: kvtest.New(), Tokens: kvtest.New(),
		CloudWatch: service,
	})
	return cloudwatchlogs.New(cloudwatchlogs.Options{
		BaseEndpoint: &url, Region: "eu-west-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
}

// group makes the group g with the stream s.
func group(t *testing.T, c *cloudwatchlogs.Client) {
	t.Helper()
	if _, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g"), Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, c *cloudwatchlogs.Client, messages ...string) {
	t.Helper()
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}
	for _, m := range messages {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &m})
	}
	if out, err := c.PutLogEvents(t.Context(), in); err != nil || out.RejectedLogEventsInfo != nil {
		t.Fatalf("%+v, %v", out, err)
	}
}

// TestLogPages reads a stream and its group by the SDK's own paginators.
func TestLogPages(t *testing.T) {
	c := logsClient(t)
	group(t, c)
	var all []string
	for i := range 25 {
		all = append(all, fmt.Sprint("event ", i))
	}
	put(t, c, all...)
	for _, head := range []bool{true, false} {
		var got []string
		pages := cloudwatchlogs.NewGetLogEventsPaginator(c, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), Limit: aws.Int32(4), StartFromHead: &head,
		}, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				got = append(got, *e.Message)
			}
		}
		if want := all; head && !slices.Equal(got, want) || !head && !slices.Equal(got, all[21:]) { // the newest page, and what comes behind it
			t.Errorf("from the head %v: %q", head, got)
		}
	}
	var got []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c, &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:eu-west-1:123456789012:log-group:g"), Limit: aws.Int32(3), FilterPattern: aws.String("event -0")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			got = append(got, *e.Message)
		}
	}
	want := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return m == "event 0" || m == "event 10" || m == "event 20" })
	if !slices.Equal(got, want) {
		t.Errorf("by a pattern: %q", got)
	}
}

func TestLogErrors(t *testing.T) {
	c := logsClient(t)
	group(t, c)
	_, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	if e := (*types.ResourceAlreadyExistsException)(nil); !errors.As(err, &e) {
		t.Errorf("a group again: %v", err)
	}
	wants(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = c.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("x")})
	wants(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
	_, err = c.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("a b"), RetentionInDays: aws.Int32(1)})
	wants(t, err, "InvalidParameterException", `1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
	_, err = c.StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{LogGroupName: aws.String("g"), StartTime: aws.Int64(1), EndTime: aws.Int64(2), QueryString: aws.String("fields @message | nonsense")})
	if e := (*types.MalformedQueryException)(nil); !errors.As(err, &e) || e.QueryCompileError == nil || *e.QueryCompileError.Location.StartCharOffset != 18 {
		t.Errorf("a query that is none: %v", err)
	}
	_, err = c.ListAnomalies(t.Context(), &cloudwatchlogs.ListAnomaliesInput{})
	wants(t, err, "UnknownOperationException", "UnknownError") // the SDK's word for no message
}

// noHostPrefix has the SDK go to where the service is, and not to stream-127.0.0.1.
func noHostPrefix(o *cloudwatchlogs.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
	})
}

// TestLiveTail follows a group.
func TestLiveTail(t *testing.T) {
	c := logsClient(t)
	group(t, c)
	in := &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{"arn:aws:logs:eu-west-1:123456789012:log-group:g"}}
	out, err := c.StartLiveTail(t.Context(), in, noHostPrefix)
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	updates := 0
	for event := range stream.Events() {
		switch e := event.(type) {
		case *types.StartLiveTailResponseStreamMemberSessionStart:
			if !slices.Equal(e.Value.LogGroupIdentifiers, in.LogGroupIdentifiers) || aws.ToString(e.Value.SessionId) == "" {
				t.Errorf("%+v", e.Value)
			}
		case *types.StartLiveTailResponseStreamMemberSessionUpdate:
			if updates++; updates == 1 {
				put(t, c, "tailed")
			}
			if results := e.Value.SessionResults; len(results) > 0 {
				if r := results[0]; aws.ToString(r.Message) != "tailed" || aws.ToString(r.LogStreamName) != "s" || aws.ToString(r.LogGroupIdentifier) != "123456789012:g" {
					t.Errorf("%+v", r)
				}
				return
			}
		}
	}
	t.Fatalf("it ended: %v", stream.Err())
}
