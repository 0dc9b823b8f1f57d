package awsapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/ec2"
	"weir/internal/sigv4"
)

// Bounds of a request.
const (
	maxBody     = 1 << 20
	bodyTimeout = 30 * time.Second

	changeTimeout = 2 * time.Minute // of the buckets it writes to
)

// A request is one request on its way to its answer.
type request struct {
	*http.Request
	id      string         // which the answer has
	service string         // "ec2", "sts" or "logs"
	sig     *sigv4.Request // nil if it could not be read; then signed says why
	signed  error
	action  string // once the parameters are read
}

// A reply is what is sent; without a status it has been sent.
type reply struct {
	Status int    `json:"status"`
	Body   []byte `json:"body"`
	Error  string `json:"error,omitempty"` // code, of CloudWatch Logs' answers

	// Request is the id in the body where that may be another request's than the
	// one that is answered: it is answered as one was before.
	Request string `json:"request,omitempty"`
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sig, err := sigv4.Parse(r)
	service, ours := serviceOf(r, sig, err)
	if !ours {
		a.cfg.S3.ServeHTTP(w, r)
		return
	}
	q := &request{Request: r, id: newUUID(), service: service, sig: sig, signed: err}
	start := a.cfg.Now()
	out := a.guarded(w, q)
	if out.Status == 0 {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml;charset=UTF-8")
	if service == cloudwatch.Service {
		h.Set("Content-Type", cloudwatch.ContentType)
	}
	if out.Error != "" {
		h.Set("X-Amzn-Errortype", out.Error)
	}
	h.Set("Content-Length", fmt.Sprint(len(out.Body)))
	h.Set("X-Amzn-Requestid", cmp.Or(out.Request, q.id))
	h.Set("Cache-Control", "no-cache, no-store")
	w.WriteHeader(out.Status)
	_, _ = w.Write(out.Body) // who does not listen any more misses nothing
	a.cfg.Logger.Debug("answered a request", "service", service, "action", q.action, "status", out.Status,
		"request", q.id, "took", a.cfg.Now().Sub(start))
}

// serviceOf tells whose form an answer must have, and whether a request is for us at all
// and not for S3: it is signed for EC2, STS or CloudWatch Logs, or it looks like theirs and
// is signed badly, for another service, or not at all.
func serviceOf(r *http.Request, sig *sigv4.Request, err error) (service string, ours bool) {
	if err == nil {
		switch sig.Service {
		case "s3":
			return "", false
		case "ec2", "sts", cloudwatch.Service:
			return sig.Service, true
		}
		if isLogs(r) {
			return cloudwatch.Service, true
		}
		return "ec2", isQuery(r)
	}
	service = "ec2"
	scope := r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential")
	switch {
	case strings.Contains(scope, "/s3/"):
		return "", false
	case strings.Contains(scope, "/logs/"), isLogs(r):
		return cloudwatch.Service, true
	case strings.Contains(scope, "/sts/"):
		service = "sts"
	}
	get := r.Method == http.MethodGet && r.URL.Query().Has("Action") && !errors.Is(err, sigv4.ErrUnsigned)
	return service, isQuery(r) || get && r.URL.Path == "/"
}

// isQuery says whether a request has the form in which clients send theirs.
func isQuery(r *http.Request) bool {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && r.URL.Path == "/" && t == "application/x-www-form-urlencoded"
}

// guarded answers a request if there are not too many, and whatever happens.
func (a *API) guarded(w http.ResponseWriter, q *request) (out reply) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.cfg.Logger.Error("request made us panic", "action", q.action, "request", q.id, "panic", p, "stack", string(debug.Stack()))
			out = refusal(q, ec2.InternalError.With())
		}
	}()
	select {
	case a.slots <- struct{}{}:
	default:
		return refusal(q, ec2.RequestLimitExceeded.With())
	}
	release := sync.OnceFunc(func() { <-a.slots })
	defer release()
	if q.service == cloudwatch.Service {
		return a.cloudWatch(w, q, release)
	}
	body, err := a.admit(w, q, maxBody)
	if err != nil {
		return a.failed(q, err)
	}
	params, err := parameters(q, body)
	if err != nil {
		return a.failed(q, err)
	}
	if q.service == "sts" {
		return a.sts(q, params)
	}
	return a.ec2(q, params)
}

// admit reads the body of a request, once its sender may have sent it, and checks that it
// did.
func (a *API) admit(w http.ResponseWriter, q *request, most int64) ([]byte, error) {
	if q.signed != nil {
		return nil, q.signed
	}
	if q.sig.Service != q.service {
		return nil, ec2.WrongService.With()
	}
	key, ok := a.cfg.Keys(q.sig.KeyID)
	if !ok {
		return nil, sigv4.ErrUnknownKey
	}
	if q.Method != http.MethodPost && q.Method != http.MethodGet {
		return nil, ec2.WrongMethod.With(q.Method)
	}
	// It may hold a slot for so long; not every server can be told.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, most))
	_ = conn.SetReadDeadline(time.Time{})
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, ec2.RequestEntityTooLarge.With(most)
	}
	if err != nil {
		return nil, ec2.MalformedQueryString.With()
	}
	if len(body) > 0 && unsignedBody(q.Request) {
		return nil, sigv4.ErrMismatch // the parameters would be anybody's
	}
	if err := q.sig.Verify(q.Request, body, key, a.cfg.Now()); err != nil {
		return nil, err
	}
	return body, nil
}

// unsignedBody says whether the signature leaves the body out, as it may for S3.
func unsignedBody(r *http.Request) bool {
	const name, value = "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"
	return r.Header.Get(name) == value || r.URL.Query().Get(name) == value
}

// parameters joins those of the query, which the signature covers too, and those of
// the body.
func parameters(q *request, body []byte) (url.Values, error) {
	params, err := url.ParseQuery(q.URL.RawQuery)
	if err == nil && q.Method == http.MethodPost {
		var more url.Values
		more, err = url.ParseQuery(string(bytes.TrimSpace(body)))
		for name, values := range more {
			params[name] = append(params[name], values...)
		}
	}
	if err != nil {
		return nil, ec2.MalformedQueryString.With()
	}
	q.action = params.Get("Action")
	for _, name := range []string{"Action", "Version"} {
		if n := len(params[name]); n > 1 {
			return nil, ec2.ParameterGivenTwice.With(name, n)
		}
	}
	if q.action == "" {
		return nil, ec2.MissingAction.With()
	}
	return params, nil
}

// ec2 answers a request of EC2's.
func (a *API) ec2(q *request, params url.Values) reply {
	if v := params.Get("Version"); !validVersion(v) {
		return a.failed(q, ec2.NoSuchVersion.With(v))
	}
	act, ok := a.actions[q.action]
	if !ok {
		return a.failed(q, ec2.InvalidAction.With(q.action))
	}
	ctx := context.WithValue(q.Context(), hostKey{}, q.Host)
	if !act.changes {
		return a.run(ctx, q, act, params)
	}
	return a.once(q, ctx, func(ctx context.Context) reply { return a.run(ctx, q, act, params) })
}

// once answers a request that changes something, or as it was answered before. Once begun,
// a change is seen through, whether its client still waits or not.
func (a *API) once(q *request, ctx context.Context, fn func(context.Context) reply) reply {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer cancel()
	out, err := a.replays.do(ctx, signatureOf(q.Request), q.sig.Time, q.sig.Time.Add(q.sig.Expires), func() reply {
		out := fn(ctx)
		out.Request = q.id
		return out
	})
	if err != nil {
		return a.failed(q, err)
	}
	return out
}

// hostKey is the key of a context's value that has the address a client came by.
type hostKey struct{}

func (a *API) run(ctx context.Context, q *request, act action, params url.Values) reply {
	answer, err := act.run(a, ctx, params)
	if dry, _ := strconv.ParseBool(params.Get("DryRun")); dry && err == nil && !act.changes {
		err = ec2.DryRunOperation.With()
	}
	if err != nil {
		return a.failed(q, err)
	}
	body, err := ec2.AppendAnswer(nil, answer, q.id)
	if err != nil {
		return a.failed(q, err)
	}
	return reply{Status: http.StatusOK, Body: body}
}

// failed answers with an error; what is no error of the client's is logged.
func (a *API) failed(q *request, err error) reply {
	if e := (*cloudwatch.Error)(nil); errors.As(err, &e) {
		if e.HTTPStatus() >= http.StatusInternalServerError {
			a.cfg.Logger.Error("request could not be answered", "action", q.action, "request", q.id, "err", err)
		}
		return logsRefusal(e)
	}
	if e := (*sigv4.Error)(nil); errors.As(err, &e) {
		switch q.service {
		case cloudwatch.Service:
			return logsRefusal(e)
		case "ec2":
			e = e.ForEC2()
		}
		return refusal(q, &ec2.Error{Code: e.Code, Message: e.Message})
	}
	if e := (*ec2.Error)(nil); errors.As(err, &e) {
		return refusal(q, e)
	}
	a.cfg.Logger.Error("request could not be answered", "action", q.action, "request", q.id, "err", err)
	return refusal(q, ec2.InternalError.With())
}

func refusal(q *request, e *ec2.Error) reply {
	switch q.service {
	case cloudwatch.Service:
		return logsRefusal(e)
	case "sts":
		return stsRefusal(q, e)
	}
	return reply{Status: ec2.StatusOf(e.Code), Body: ec2.AppendError(nil, e, q.id)}
}

// validVersion reports whether the API has or had a version. What has none is taken
// for the present one; older ones lack calls and parameters, and change none.
func validVersion(v string) bool {
	if v == "" || v == ec2.Version {
		return true
	}
	_, err := time.Parse(time.DateOnly, v)
	return err == nil && v >= "2006-06-26" && v < ec2.Version
}

// signatureOf returns the signature of a request that has been verified.
func signatureOf(r *http.Request) string {
	if s := r.URL.Query().Get("X-Amz-Signature"); s != "" {
		return s
	}
	for part := range strings.FieldsFuncSeq(r.Header.Get("Authorization"), func(c rune) bool { return c == ',' || c == ' ' }) {
		if s, ok := strings.CutPrefix(part, "Signature="); ok {
			return s
		}
	}
	panic("BUG: a request without a signature was let in")
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// noS3 refuses what only an S3 server can answer.
func noS3(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "there is no S3 server here", http.StatusNotImplemented)
}
