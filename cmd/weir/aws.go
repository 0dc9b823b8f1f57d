package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/ec2"
	"weir/internal/ec2client"
)

// awsOptions are the flags of every command that is a client of EC2's API.
type awsOptions struct {
	endpoint string
	region   string
	profile  string
	json     bool
}

// awsHelp is what their help has in common.
const awsHelp = `

Region, credentials and endpoint come from where every AWS tool takes them: the
environment (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...), the files under
~/.aws, or the flags. Without an endpoint Amazon itself is asked; "weir serve" prints
the lines that make it the one.
`

func (o *awsOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.endpoint, "endpoint-url", "", "URL of the API (default: that of the environment, or Amazon's)")
	f.StringVar(&o.region, "region", "", "region (default: that of the environment or the profile)")
	f.StringVar(&o.profile, "profile", "", "profile in ~/.aws/config")
	f.BoolVar(&o.json, "json", false, "print JSON, with the names that the AWS CLI prints")
}

// client returns the client for a command.
func (o *awsOptions) client(ctx context.Context, command string) (*ec2client.Client, error) {
	c, err := ec2client.New(ctx, ec2client.Options{Endpoint: o.endpoint, Region: o.region, Profile: o.profile})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return c, nil
}

// notFound says that a command found nothing: exit status 3.
func notFound(format string, args ...any) error {
	return foundError{fmt.Errorf(format, args...)}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	return e.Encode(v)
}

// Forms of JSON that several answers have.
type (
	tagJSON struct {
		Key   string `json:"Key"`
		Value string `json:"Value"`
	}
	unsuccessfulJSON struct {
		ResourceID string    `json:"ResourceId"`
		Error      errorJSON `json:"Error"`
	}
	errorJSON struct {
		Code    string `json:"Code"`
		Message string `json:"Message"`
	}
)

func tagsJSON(tags []ec2.Tag) []tagJSON {
	out := make([]tagJSON, 0, len(tags))
	for _, t := range tags {
		out = append(out, tagJSON{t.Key, t.Value})
	}
	return out
}

func unsuccessfulToJSON(list []ec2.Unsuccessful) []unsuccessfulJSON {
	out := make([]unsuccessfulJSON, 0, len(list))
	for _, u := range list {
		out = append(out, unsuccessfulJSON{u.ResourceID, errorJSON{u.Code, u.Message}})
	}
	return out
}

// timeJSON is a time as JSON has it, "" for none.
func timeJSON(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// codeOf returns EC2's code of an error, "" if it has none.
func codeOf(err error) string {
	var e *ec2.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// count writes a number of things: "1 flow log", "2 flow logs".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
