package awsapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/ec2"
	"weir/internal/sigv4"
)

// maxLogsBody bounds a request of CloudWatch Logs: a batch of 1 MiB that JSON escapes, six
// bytes for one, and what is around 10,000 events.
const maxLogsBody = 8 << 20

// A LogsService does what calls of CloudWatch Logs ask for. It may be called from any
// goroutine.
type LogsService interface {
	// Changes says whether an action is more than a question: a request that was
	// recorded and is sent again gets the first answer.
	Changes(action string) bool

	// Do does what a request asks, and returns the answer, in JSON. The error is a
	// [*cloudwatch.Error], any other is ours.
	Do(ctx context.Context, action string, body []byte) ([]byte, error)

	// Tail answers a StartLiveTail, until its client does not listen any more. If it
	// fails, nothing was written.
	Tail(w http.ResponseWriter, r *http.Request, id string, body []byte) error
}

// isLogs says whether a request has the form of CloudWatch Logs'.
func isLogs(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), cloudwatch.Target)
}

// cloudWatch answers a request of CloudWatch Logs. Release lets go of its slot.
func (a *API) cloudWatch(w http.ResponseWriter, q *request, release func()) reply {
	q.action = strings.TrimPrefix(q.Header.Get("X-Amz-Target"), cloudwatch.Target)
	body, err := a.admit(w, q, maxLogsBody)
	if err == nil {
		body, err = unpacked(q.Request, body)
	}
	service := a.cfg.CloudWatch
	switch {
	case err != nil:
		return a.failed(q, err)
	case service == nil:
		return a.failed(q, cloudwatch.Unavailable)
	case !isLogs(q.Request):
		return a.failed(q, cloudwatch.UnknownOperation)
	case q.action == cloudwatch.StartLiveTailAction:
		release() // it lasts for hours, and the service bounds how many there are
		if err := service.Tail(w, q.Request, q.id, body); err != nil {
			return a.failed(q, err)
		}
		return reply{}
	}
	do := func(ctx context.Context) reply {
		answer, err := service.Do(ctx, q.action, body)
		if err != nil {
			return a.failed(q, err)
		}
		return reply{Status: http.StatusOK, Body: answer}
	}
	if !service.Changes(q.action) {
		return do(q.Context())
	}
	return a.once(q, q.Context(), do)
}

// unpacked returns a body that may be compressed.
func unpacked(r *http.Request, body []byte) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
		return body, nil
	case "gzip":
	default:
		return nil, cloudwatch.NotSerialized
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, cloudwatch.NotSerialized
	}
	switch body, err = io.ReadAll(io.LimitReader(z, maxLogsBody+1)); {
	case err != nil:
		return nil, cloudwatch.NotSerialized
	case len(body) > maxLogsBody:
		return nil, cloudwatch.TooLarge
	}
	return body, nil
}

// logsRefusal is an error in the form of CloudWatch Logs, whatever finds it.
func logsRefusal(err error) reply {
	e := cloudwatch.InternalError
	var signed *sigv4.Error
	var query *ec2.Error
	switch {
	case errors.As(err, &e):
	case errors.As(err, &signed):
		signed = signed.ForJSON()
		e = &cloudwatch.Error{Code: signed.Code, Message: signed.Message}
	case errors.As(err, &query):
		switch query.Code {
		case ec2.RequestLimitExceeded.Code:
			e = cloudwatch.Throttled
		case ec2.RequestEntityTooLarge.Code:
			e = cloudwatch.TooLarge
		case ec2.Unavailable.Code:
			e = cloudwatch.Unavailable
		case ec2.WrongMethod.Code:
			e = cloudwatch.UnknownOperation
		case ec2.MalformedQueryString.Code:
			e = cloudwatch.NotSerialized
		}
		if query.Message == ec2.WrongService.With().Message {
			e = cloudwatch.WrongScope
		}
	}
	return reply{Status: e.HTTPStatus(), Body: cloudwatch.AppendError(nil, e), Error: e.Code}
}
