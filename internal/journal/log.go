package journal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logEvery is how often the same server message is logged.
const logEvery = time.Minute

// serverLog hands messages of the embedded server to slog, one level lower
// than the server rates them unless they are errors: what the server finds
// notable is detail here. A message that repeats is logged once in logEvery.
type serverLog struct {
	log *slog.Logger

	// onError sees every error before any limit.
	onError func(text string)

	mu   sync.Mutex
	last map[string]time.Time // by format
}

func (l *serverLog) write(level slog.Level, format string, args []any) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	now := time.Now()
	l.mu.Lock()
	repeated := now.Sub(l.last[format]) < logEvery
	if !repeated {
		if l.last == nil {
			l.last = map[string]time.Time{}
		}
		l.last[format] = now
	}
	l.mu.Unlock()
	if !repeated {
		l.log.Log(context.Background(), level, "journal server", "text", strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l *serverLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.write(slog.LevelInfo, format, v) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

func (l *serverLog) Errorf(format string, v ...any) {
	l.onError(fmt.Sprintf(format, v...))
	l.write(slog.LevelError, format, v)
}

func (l *serverLog) Fatalf(format string, v ...any) { l.Errorf(format, v...) }
