package journal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"weir/internal/kv"
)

var _ kv.Bucket = (*KV)(nil)

// A KV is a bucket of keys with values. It is stored as NATS stores its
// key-value buckets, so the nats command can look into it. Every write is on
// disk when the method returns. It is a [kv.Bucket].
//
// Keys are 1 to 255 bytes of any kind; dots make parts that prefixes are
// found by. The revision of a value is a number that grows with each change in
// the bucket; 0 is none.
type KV struct {
	j      *Journal
	bucket string // as the caller calls it
	stream jetstream.Stream
	name   string // of the stream
	prefix string // of subjects
}

// markerTTL is how long the server remembers that a key was deleted, for
// watchers that are away.
const markerTTL = 24 * time.Hour

const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

const maxBucket = 64 // bytes

var validBucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// KV opens a bucket, creating it if necessary. Its name is 1 to 64 letters,
// digits, "-" and "_", the first a letter or a digit.
func (j *Journal) KV(ctx context.Context, bucket string) (*KV, error) {
	if len(bucket) > maxBucket || !validBucket.MatchString(bucket) {
		return nil, fmt.Errorf("journal: bucket %q: not a valid name", bucket)
	}
	kv, err := j.bucket(ctx, bucket)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return kv, nil
}

func (j *Journal) bucket(ctx context.Context, bucket string) (*KV, error) {
	if j.life.Err() != nil {
		return nil, ErrClosed
	}
	kv := &KV{j: j, bucket: bucket, name: "KV_" + bucketPrefix + bucket, prefix: "$KV." + bucketPrefix + bucket + "."}
	stream, err := j.js.Stream(ctx, kv.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		// As the library would create it, except for direct access: that may
		// ask a replica that is behind, and a reader must see what it wrote.
		stream, err = j.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:              kv.name,
			Subjects:          []string{kv.prefix + ">"},
			MaxMsgsPerSubject: 1,
			MaxBytes:          -1,
			MaxMsgs:           -1,
			MaxMsgSize:        -1,
			MaxConsumers:      -1,
			Storage:           jetstream.FileStorage,
			Replicas:          max(1, j.cfg.Replicas),
			Discard:           jetstream.DiscardNew,
			AllowRollup:       true,
			DenyDelete:        true,
			AllowMsgTTL:       true,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			stream, err = j.js.Stream(ctx, kv.name) // somebody else was faster
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", bucket, err)
	}
	if r := j.cfg.Replicas; r != 0 && stream.CachedInfo().Config.Replicas != r {
		cfg := stream.CachedInfo().Config
		cfg.Replicas = r
		if stream, err = j.js.UpdateStream(ctx, cfg); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", bucket, err)
		}
	}
	kv.stream = stream
	return kv, nil
}

// Get returns the value of a key and its revision. Without a value the error
// wraps [ErrNotFound].
func (kv *KV) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	err = kv.do("get", key, func(token string) error {
		value, revision, err = kv.get(ctx, token)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return value, revision, nil
}

// Put sets the value of a key and returns its revision.
func (kv *KV) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	err = kv.do("put", key, func(token string) error {
		revision, err = kv.send(ctx, kv.message(token, value))
		return err
	})
	return revision, err
}

// Create sets the value of a key that has none. If it has one the error wraps
// [ErrExists].
func (kv *KV) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	err = kv.do("create", key, func(token string) error {
		for attempt := 0; ; attempt++ {
			revision, err = kv.create(ctx, token, value, attempt)
			if !errors.Is(err, ErrConflict) {
				return err
			}
			if err := pause(ctx, attempt); err != nil {
				return err
			}
		}
	})
	return revision, err
}

func (kv *KV) create(ctx context.Context, token string, value []byte, attempt int) (uint64, error) {
	var last uint64
	if attempt > 0 { // most keys are new
		_, at, err := kv.get(ctx, token)
		if err == nil {
			return 0, ErrExists
		}
		if !errors.Is(err, ErrNotFound) {
			return 0, err
		}
		last = at
	}
	return kv.update(ctx, token, value, last, 0)
}

// Update sets the value of a key whose revision is the one given; 0 is that of
// a key that never had a value. If it has another one the error wraps
// [ErrConflict].
func (kv *KV) Update(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error) {
	err = kv.do("update", key, func(token string) error {
		next, err = kv.update(ctx, token, value, revision, 0)
		return err
	})
	return next, err
}

// Delete removes a key. One that has no value stays so.
func (kv *KV) Delete(ctx context.Context, key string) error {
	return kv.do("delete", key, func(token string) error {
		_, _, err := kv.get(ctx, token)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		m := kv.message(token, nil)
		m.Header.Set(headerOperation, operationDelete)
		m.Header.Set(headerTTL, markerTTL.String())
		_, err = kv.send(ctx, m)
		return err
	})
}

// Remove removes a key whose value has the revision; if it has another one, or none,
// the error wraps [ErrConflict].
func (kv *KV) Remove(ctx context.Context, key string, revision uint64) error {
	return kv.do("remove", key, func(token string) error {
		m := kv.message(token, nil)
		m.Header.Set(headerOperation, operationDelete)
		m.Header.Set(headerTTL, markerTTL.String())
		m.Header.Set(headerExpected, strconv.FormatUint(revision, 10))
		_, err := kv.send(ctx, m)
		return err
	})
}

// Forget removes all keys below prefix, which ends with a dot, at once. Those who
// watch are not told. So that they do not wait for what is gone, something else has
// to be written to the bucket afterwards.
func (kv *KV) Forget(ctx context.Context, prefix string) error {
	return kv.do("forget", strings.TrimSuffix(prefix, "."), func(token string) error {
		ctx, cancel := kv.j.ask(ctx)
		defer cancel()
		return kv.stream.Purge(ctx, jetstream.WithPurgeSubject(kv.prefix+token+".>"))
	})
}

// List calls fn with each key that begins with prefix, and its value, in the
// order of their revisions; with an empty prefix all there are.
func (kv *KV) List(ctx context.Context, prefix string, fn func(key string, value []byte)) error {
	err := kv.follow(ctx, prefix, func(key string, value []byte, _ uint64) error {
		switch {
		case key == "":
			return errStop
		case value != nil:
			fn(key, value)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("journal: bucket %s: list %q: %w", kv.bucket, prefix, err)
	}
	return nil
}

// Revision returns the revision of the last change in the bucket, whoever made
// it. While it cannot reach the server it tries again for answerTimeout.
func (kv *KV) Revision(ctx context.Context) (uint64, error) {
	giveUp := time.Now().Add(answerTimeout)
	for attempt := 0; ; attempt++ {
		last, err := kv.last(ctx)
		if err == nil {
			return last, nil
		}
		if errors.Is(err, ErrClosed) || errors.Is(err, jetstream.ErrStreamNotFound) || time.Now().After(giveUp) || pause(ctx, attempt) != nil {
			return 0, fmt.Errorf("journal: bucket %s: revision: %w", kv.bucket, err)
		}
	}
}

// last asks for the revision of the last change.
func (kv *KV) last(ctx context.Context) (uint64, error) {
	if kv.j.life.Err() != nil {
		return 0, ErrClosed
	}
	ctx, cancel := kv.j.ask(ctx)
	defer cancel()
	info, err := kv.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// do calls fn with the token of a key and gives an error its place.
func (kv *KV) do(what, key string, fn func(token string) error) error {
	token, err := escape(key, true)
	if err == nil {
		if kv.j.life.Err() != nil {
			err = ErrClosed
		} else {
			err = fn(token)
		}
	}
	if err != nil {
		return fmt.Errorf("journal: bucket %s: %s %q: %w", kv.bucket, what, key, err)
	}
	return nil
}

func (kv *KV) message(token string, value []byte) *nats.Msg {
	m := nats.NewMsg(kv.prefix + token)
	m.Data = value
	return m
}

// get returns a value and its revision; with ErrNotFound, that of the deletion.
func (kv *KV) get(ctx context.Context, token string) ([]byte, uint64, error) {
	ctx, cancel := kv.j.ask(ctx)
	defer cancel()
	m, err := kv.stream.GetLastMsgForSubject(ctx, kv.prefix+token)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, 0, ErrNotFound
	case err != nil:
		return nil, 0, err
	case deleted(m.Header):
		return nil, m.Sequence, ErrNotFound
	}
	return m.Data, m.Sequence, nil
}

// update sets a value whose last message is the one expected; ttl is how long
// it lasts, 0 is for ever.
func (kv *KV) update(ctx context.Context, token string, value []byte, expected uint64, ttl time.Duration) (uint64, error) {
	m := kv.message(token, value)
	m.Header.Set(headerExpected, strconv.FormatUint(expected, 10))
	if ttl > 0 {
		m.Header.Set(headerTTL, ttl.String())
	}
	return kv.send(ctx, m)
}

// send stores a message. While it cannot reach the server it tries again for
// answerTimeout.
func (kv *KV) send(ctx context.Context, m *nats.Msg) (uint64, error) {
	giveUp := time.Now().Add(answerTimeout)
	for attempt := 0; ; attempt++ {
		seq, err := kv.j.request(ctx, m)
		if !errors.Is(err, errNotSent) || time.Now().After(giveUp) {
			return seq, err
		}
		if err := pause(ctx, attempt); err != nil {
			return 0, err
		}
	}
}

// deleted says whether a message with these headers ends a value.
func deleted(h nats.Header) bool {
	// Operations of other clients are DEL and PURGE; a marker of the server
	// itself has a reason.
	return h.Get(headerOperation) != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}

// filter returns the subjects that keys with this prefix can have.
func (kv *KV) filter(prefix string) []string {
	dot := strings.LastIndexByte(prefix, '.')
	if dot < 0 {
		return []string{kv.prefix + ">"}
	}
	token, err := escape(prefix[:dot], true)
	if err != nil || strings.Contains(token, "=2E") {
		return []string{kv.prefix + ">"} // dots that are no separators
	}
	subjects := []string{kv.prefix + token + ".>"}
	if dot == len(prefix)-1 { // the prefix itself may be a key
		subjects = append(subjects, kv.prefix+token+"=2E")
	}
	return subjects
}
