package logs

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"weir/internal/journal"
)

// remember is how long a deletion is remembered. Another process may not have heard of
// it yet and go on adding to what is deleted; when this is over the last of that is
// removed, too.
const remember = time.Hour

// delete deletes the group or stream of a key. First it writes down what is to be done;
// with that it is deleted. If the rest fails it is done later.
func (s *Store) delete(ctx context.Context, goneKey, key string) error {
	r := goneRecord{Key: key, Since: s.now()}
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	revision, err := s.bucket.Put(ctx, goneKey, value)
	if err == nil {
		err = s.await(ctx, revision)
	}
	if err != nil {
		return unavailable("delete", err)
	}
	if err := s.clear(ctx, goneKey, r); err != nil {
		s.cfg.Logger.Warn("log groups: what was deleted is removed later", "key", goneKey, "err", err)
	}
	return nil
}

// clear removes all that is left of what was deleted.
func (s *Store) clear(ctx context.Context, goneKey string, r goneRecord) error {
	ids := strings.Split(strings.TrimPrefix(goneKey, goneKeys), ".")
	if err := s.removeRecord(ctx, r.Key, ids[len(ids)-1]); err != nil {
		return err
	}
	var err error
	if len(ids) == 1 {
		err = errors.Join(s.bucket.Forget(ctx, streamKeys+ids[0]+"."), s.bucket.Forget(ctx, filterKeys+ids[0]+"."),
			s.log.PurgeBelow(ctx, ids[0]))
	} else {
		err = s.log.Purge(ctx, 0, ids...)
	}
	if err != nil {
		return err
	}
	// Something has to be written after Forget.
	r.Cleared = true
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.bucket.Put(ctx, goneKey, value)
	return err
}

// removeRecord removes the record of a key if it still is that of an id.
func (s *Store) removeRecord(ctx context.Context, key, id string) error {
	for {
		value, revision, err := s.bucket.Get(ctx, key)
		if errors.Is(err, journal.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		var r struct{ ID string }
		if err := json.Unmarshal(value, &r); err != nil || r.ID != id {
			return err
		}
		if err := s.bucket.Remove(ctx, key, revision); !errors.Is(err, journal.ErrConflict) {
			return err
		}
	}
}

// clearAll finishes deletions that were not finished, and forgets those that are old.
func (s *Store) clearAll(ctx context.Context) {
	s.mu.RLock()
	undone := maps.Clone(s.undone)
	s.mu.RUnlock()
	for key, r := range undone {
		old := s.now()-r.Since > remember.Milliseconds()
		if r.Cleared && !old {
			continue
		}
		err := s.clear(ctx, key, r)
		if err == nil && old {
			err = s.bucket.Delete(ctx, key)
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("log groups: what was deleted is removed later", "key", key, "err", err)
		}
	}
}
