package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/awsconfig"
	"weir/internal/place"
)

// placeOptions are the flags of every command that reads from places.
type placeOptions struct {
	since, until                string
	zone                        string
	accounts, regions, flowLogs []string
	endpoint                    string
	profile                     string
	anonymous                   bool
	pays                        bool
}

// placeHelp is what their help has in common.
const placeHelp = `

A place is a file, a directory, - (standard input), s3://BUCKET/PREFIX, or a log group
of CloudWatch Logs: logs://GROUP, logs://GROUP:STREAM. --since and --until take
` + whenHelp + `.

Credentials and endpoint come from where every AWS tool takes them: the environment
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...), the files under ~/.aws, or the flags.
`

// addPlaceFlags adds the flags that say what is read from places.
func addPlaceFlags(cmd *cobra.Command, o *placeOptions) {
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "", "only records that end then or later: 1h, 2026-11-23T10:00Z, ...")
	f.StringVar(&o.until, "until", "", "only records that begin before then")
	f.StringVar(&o.zone, "tz", "UTC", "time zone of times, such as Europe/Berlin or local")
	f.StringSliceVar(&o.accounts, "account", nil, "only flow logs of these accounts")
	f.StringSliceVar(&o.regions, "region", nil, "only flow logs of these regions; of a log group, where it is")
	f.StringSliceVar(&o.flowLogs, "flow-log-id", nil, "only these flow logs")
	addBucketFlags(cmd, o)
}

// addBucketFlags adds those that say how a place is reached.
func addBucketFlags(cmd *cobra.Command, o *placeOptions) {
	f := cmd.Flags()
	f.StringVar(&o.endpoint, "endpoint-url", "", "URL of S3 and CloudWatch Logs (default: that of the environment, or Amazon's)")
	f.StringVar(&o.profile, "profile", "", "profile in ~/.aws/config")
	f.BoolVar(&o.anonymous, "no-sign-request", false, "read a public bucket without credentials")
	f.BoolVar(&o.pays, "requester-pays", false, "read a bucket where who reads pays")
}

// location returns the zone that times have.
func (o *placeOptions) location() (*time.Location, error) {
	if o.zone == "" {
		return time.UTC, nil
	}
	name := o.zone
	if name == "local" {
		name = "Local"
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, usageError{fmt.Errorf("--tz: %w", err), "a name such as Europe/Berlin, local or UTC"}
	}
	return zone, nil
}

// selection returns what the flags select.
func (o *placeOptions) selection(now time.Time) (s place.Selection, err error) {
	zone, err := o.location()
	if err != nil {
		return s, err
	}
	for _, f := range []struct {
		name, value string
		to          *time.Time
	}{{"since", o.since, &s.Since}, {"until", o.until, &s.Until}} {
		if f.value == "" {
			continue
		}
		if *f.to, err = parseWhen(f.value, now, zone); err != nil {
			return s, usageError{fmt.Errorf("--%s: %w", f.name, err), "1h, 2d, 2026-11-23T10:00Z, 2026-11-23"}
		}
	}
	if !s.Until.IsZero() && !s.Since.Before(s.Until) {
		return s, usageError{fmt.Errorf("--since %s is not before --until %s", o.since, o.until), "no record is in between"}
	}
	for _, a := range o.accounts {
		if len(a) != 12 || strings.Trim(a, "0123456789") != "" {
			return s, usageError{fmt.Errorf("--account: %q is no account", a), "12 digits"}
		}
	}
	for _, id := range o.flowLogs {
		if !strings.HasPrefix(id, "fl-") {
			return s, usageError{fmt.Errorf("--flow-log-id: %q is not the id of a flow log", id), "fl-...; weir list shows those that there are"}
		}
	}
	s.Accounts, s.Regions, s.FlowLogs = o.accounts, o.regions, o.flowLogs
	return s, nil
}

// list returns the objects at places.
func (o *placeOptions) list(places []string, stdin io.Reader) (*place.List, error) {
	now := time.Now()
	s, err := o.selection(now)
	if err != nil {
		return nil, err
	}
	cfg := place.Config{Places: places, Selection: s, Stdin: stdin, Anonymous: o.anonymous, RequesterPays: o.pays, AWS: o.awsOptions()}
	l, err := place.New(cfg)
	if err != nil {
		return nil, usageError{err, hintOf(err)}
	}
	return l, nil
}

// awsOptions says where Amazon's services are asked.
func (o *placeOptions) awsOptions() awsconfig.Options {
	a := awsconfig.Options{Endpoint: o.endpoint, Profile: o.profile}
	if len(o.regions) == 1 {
		a.Region = o.regions[0]
	}
	return a
}
