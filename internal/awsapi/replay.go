package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"weir/internal/ec2"
	"weir/internal/kv"
)

// Keys in the bucket begin with what they are. Every value has the time until which
// it is of use, in the member "until".
const (
	signaturePrefix = "signature."
	tokenPrefix     = "token."
)

// sweepEvery is how often what is of no more use is taken out of the bucket.
const sweepEvery = 10 * time.Minute

// fresh is for how long after it was signed a request may be one that its client
// means: botocore signs two equal calls alike if it makes them in the same second.
const fresh = 5 * time.Second

// replays remembers the requests that changed something for as long as their
// signatures are good: whoever recorded one and sends it again, when it is not fresh
// any more, is answered, and changes nothing.
type replays struct {
	bucket kv.Bucket
	now    func() time.Time
	log    *slog.Logger

	mu      sync.Mutex
	running map[string]chan struct{} // by signature; closed when answered
	swept   time.Time
}

// seen is what is remembered of a request. Without an answer it was begun, and
// nobody knows what became of it.
type seen struct {
	Until time.Time `json:"until"`
	reply
}

// do answers a request with fn, or as it was answered before. The error is that of
// the bucket, or a refusal.
func (r *replays) do(ctx context.Context, signature string, signed, until time.Time, fn func() reply) (reply, error) {
	for {
		r.mu.Lock()
		wait, busy := r.running[signature]
		if !busy {
			r.running[signature] = make(chan struct{})
			r.mu.Unlock()
			break
		}
		r.mu.Unlock()
		<-wait
	}
	defer func() {
		r.mu.Lock()
		close(r.running[signature])
		delete(r.running, signature)
		r.mu.Unlock()
	}()
	r.sweep(ctx)

	key := signaturePrefix + signature
	begun, _ := json.Marshal(seen{Until: until}) // cannot fail
	switch _, err := r.bucket.Create(ctx, key, begun); {
	case errors.Is(err, kv.ErrExists):
		if r.now().Sub(signed) >= fresh {
			return r.before(ctx, key)
		}
	case err != nil:
		return reply{}, fmt.Errorf("awsapi: remember a request: %w", err)
	}
	out := fn()
	if out.Status >= http.StatusInternalServerError {
		return out, nil // it may have changed something: not again with this signature
	}
	value, err := json.Marshal(seen{until, out})
	if err == nil {
		_, err = r.bucket.Put(ctx, key, value)
	}
	if err != nil {
		// Done is done; a replay is refused.
		r.log.Warn("answer was not remembered", "err", err)
	}
	return out, nil
}

func (r *replays) before(ctx context.Context, key string) (reply, error) {
	value, _, err := r.bucket.Get(ctx, key)
	var s seen
	if err == nil {
		err = json.Unmarshal(value, &s)
	}
	if err != nil {
		return reply{}, fmt.Errorf("awsapi: a request from before: %w", err)
	}
	if s.Status == 0 {
		return reply{}, ec2.Unavailable.With()
	}
	return s.reply, nil
}

// sweep takes out what is of no more use, from time to time.
func (r *replays) sweep(ctx context.Context) {
	now := r.now()
	r.mu.Lock()
	due := now.Sub(r.swept) >= sweepEvery
	if due {
		r.swept = now
	}
	r.mu.Unlock()
	if !due {
		return
	}
	var over []string
	err := r.bucket.List(ctx, "", func(key string, value []byte) {
		var s struct {
			Until time.Time `json:"until"`
		}
		// Clocks of two hosts may differ; nothing is lost if it stays a while.
		if json.Unmarshal(value, &s) != nil || s.Until.Add(time.Hour).Before(now) {
			over = append(over, key)
		}
	})
	for _, key := range over {
		err = errors.Join(err, r.bucket.Delete(ctx, key))
	}
	if err != nil {
		r.log.Warn("requests of the past were not forgotten", "err", err)
	}
}
