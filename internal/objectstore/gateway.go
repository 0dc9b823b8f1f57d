package objectstore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3log"
)

// maxRequests bounds connections, each of which has at most one request at a
// time. It has to be given: without it versitygw answers SlowDown to everything.
const maxRequests = 1000

// gateway returns versitygw's server over the backend, not listening.
func (s *Server) gateway() (*fasthttp.Server, error) {
	utils.SetBucketNameValidationStrict(true)
	log := &requestLog{log: s.cfg.Logger}
	root := auth.Account{Access: s.cfg.AccessKey, Secret: s.cfg.SecretKey, Role: auth.RoleAdmin}
	api, err := s3api.New(s.backend,
		middlewares.RootUserConfig{Access: root.Access, Secret: root.Secret},
		s.cfg.Region, accounts{auth.NewIAMServiceSingle(root), s.cfg.Keys}, log, nil, nil, nil,
		s3api.WithQuiet(),
		s3api.WithKeepAlive(),
		s3api.WithDisableACL(),
		s3api.WithConcurrencyLimiter(maxRequests, maxRequests),
		s3api.WithMiddleware("/", s.guard(log)),
	)
	if err != nil {
		return nil, err
	}
	app, err := appOf(api)
	if err != nil {
		return nil, err
	}
	app.Handler() // builds the routes, as serving by the app would
	server := app.Server()
	server.IdleTimeout = idleTime
	server.ConnState = s.connState
	server.ErrorHandler = log.malformed
	return server, nil
}

// appOf returns the application inside the API. versitygw can only be told an
// address to listen on; the application can serve any listener. The field is
// not exported, so a version that names it otherwise is refused here.
func appOf(api *s3api.S3ApiServer) (*fiber.App, error) {
	f := reflect.ValueOf(api).Elem().FieldByName("app")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*fiber.App]() {
		return nil, errors.New("BUG: this version of versitygw keeps its application elsewhere")
	}
	return (*fiber.App)(f.UnsafePointer()), nil
}

// inPlace reports whether files of buckets are where versitygw looks for them.
func (s *Server) inPlace() error {
	here, err := os.Stat(".")
	if err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	if there, err := os.Stat(s.path(objectsDir)); err != nil || !os.SameFile(here, there) {
		return fmt.Errorf("working directory is not %s any more", s.path(objectsDir))
	}
	return nil
}

// internal is what requestLog panics with to leave versitygw: on an error that
// is not one of S3's, versitygw would go on to print it to standard error.
type internal struct{ err error }

// guard runs in front of every request. It turns errors and panics that are not
// S3's into the answer InternalError and one message to our log.
func (s *Server) guard(log *requestLog) fiber.Handler {
	return func(ctx fiber.Ctx) (err error) {
		defer func() {
			switch p := recover().(type) {
			case nil:
			case internal:
				err = p.err
			default:
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			switch {
			case errors.Is(err, errBrokeOff):
				log.log.Debug("s3 upload broke off", "path", ctx.Path())
				err = answer(ctx, s3err.ErrIncompleteBody)
			case err != nil:
				log.failed(ctx.Method(), err)
				err = answer(ctx, s3err.ErrInternalError)
			}
		}()
		if err := s.inPlace(); err != nil {
			return err
		}
		// versitygw reads the whole body of a request whose path it cannot
		// read, before it looks at the signature.
		if _, err := url.PathUnescape(string(ctx.Request().URI().PathOriginal())); err != nil {
			return answer(ctx, s3err.ErrInvalidURI)
		}
		if body, n := ctx.Request().BodyStream(), ctx.Request().Header.ContentLength(); body != nil && n > 0 {
			utils.ContextKeyBodyReader.Set(ctx, &wholeReader{body, n})
		}
		err = ctx.Next()
		if ctx.Response().StatusCode() >= 400 {
			// Clients that signed for another region find ours here, as with Amazon,
			// and try again.
			ctx.Set("X-Amz-Bucket-Region", s.cfg.Region)
		}
		return err
	}
}

// errBrokeOff is not [io.ErrUnexpectedEOF] because versitygw takes that for the
// end, unless it was given a checksum.
var errBrokeOff = errors.New("connection closed before the end of the body")

// A wholeReader reads a body of known size, and tells its end from a connection
// that was closed before. fasthttp's own reader reports both as [io.EOF], so that
// half of an upload would become an object.
type wholeReader struct {
	r    io.Reader
	left int
}

// Read implements [io.Reader].
func (w *wholeReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.left -= n
	if err == io.EOF && w.left > 0 {
		err = errBrokeOff
	}
	return n, err
}

func answer(ctx fiber.Ctx, code s3err.ErrorCode) error {
	e := s3err.GetAPIError(code)
	requestID, hostID := utils.EnsureRequestIDs(ctx)
	ctx.Response().Header.SetContentType(fiber.MIMEApplicationXML)
	return ctx.Status(e.HTTPStatusCode).Send(e.XMLBody(requestID, hostID))
}

// requestLog is told of every request, by versitygw and by guard.
type requestLog struct {
	log *slog.Logger

	mu      sync.Mutex
	last    time.Time // when an internal error was logged
	skipped int       // internal errors since
}

// Log implements [s3log.AuditLogger].
func (l *requestLog) Log(ctx fiber.Ctx, err error, _ []byte, m s3log.LogMeta) {
	// The same question as versitygw's: a wrapped error is none of S3's.
	if _, ok := err.(s3err.S3Error); err != nil && !ok {
		panic(internal{err})
	}
	l.log.Debug("s3 request", "method", ctx.Method(), "path", ctx.Path(), "action", m.Action, "err", err)
}

// HangUp implements [s3log.AuditLogger].
func (*requestLog) HangUp() error { return nil }

// Shutdown implements [s3log.AuditLogger].
func (*requestLog) Shutdown() error { return nil }

// failed logs an internal error, at most one every ten seconds.
func (l *requestLog) failed(method string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.last) < 10*time.Second {
		l.skipped++
		return
	}
	l.log.Error("s3 request failed", "method", method, "err", err, "not_logged", l.skipped)
	l.last, l.skipped = time.Now(), 0
}

// malformed answers what is not an HTTP request that can be read.
func (l *requestLog) malformed(ctx *fasthttp.RequestCtx, err error) {
	l.log.Debug("s3 request cannot be read", "err", err)
	var e s3err.S3Error = s3err.GetAPIError(s3err.ErrCannotParseHTTPRequest)
	if small := (*fasthttp.ErrSmallBuffer)(nil); errors.As(err, &small) {
		e = s3err.GetRequestHeaderSectionTooLargeErr(8 << 10)
	}
	ctx.SetContentType(fiber.MIMEApplicationXML)
	ctx.SetStatusCode(e.StatusCode())
	ctx.SetBody(e.XMLBody("", ""))
}
