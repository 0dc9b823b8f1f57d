package awsapi

import (
	"context"
	"maps"
	"net/url"

	"weir/internal/ec2"
)

// An action is a call of EC2's API.
type action struct {
	// changes says that the call is more than a question: a request that was
	// recorded and is sent again gets the first answer. Such a call heeds DryRun
	// itself, with errDryRun, once all is checked; of others DryRun is heeded for
	// them.
	changes bool

	// run decodes the parameters and answers with a pointer to a struct of
	// package ec2. An error that is no *ec2.Error is ours, and logged: the client
	// is told InternalError.
	run func(a *API, ctx context.Context, params url.Values) (any, error)
}

// actions returns the table of all calls, by the name that requests have. Views are
// those that calls about the network share.
func actions(s *views) map[string]action {
	all := map[string]action{
		"CreateFlowLogs":                 change((*API).createFlowLogs),
		"DeleteFlowLogs":                 change((*API).deleteFlowLogs),
		"DescribeFlowLogs":               read((*API).describeFlowLogs),
		"GetFlowLogsIntegrationTemplate": read((*API).getFlowLogsIntegrationTemplate),

		"CreateTags":   change((*API).createTags),
		"DeleteTags":   change((*API).deleteTags),
		"DescribeTags": read((*API).describeTags),
	}
	maps.Copy(all, describeActions(s))
	return all
}

// read makes an action of a method that changes nothing.
func read[In, Out any](handle func(*API, context.Context, *In) (*Out, error)) action {
	return action{run: func(a *API, ctx context.Context, params url.Values) (any, error) {
		in := new(In)
		if err := ec2.Decode(params, in); err != nil {
			return nil, err
		}
		out, err := handle(a, ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}}
}

// change makes an action of a method that changes something.
func change[In, Out any](handle func(*API, context.Context, *In) (*Out, error)) action {
	act := read(handle)
	act.changes = true
	return act
}
