// Package kvtest has a bucket for tests of what is kept in one. The journal's own
// tests hold the real bucket against the contract.
package kvtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"weir/internal/kv"
)

var _ kv.Bucket = (*Memory)(nil)

// Memory is a [kv.Bucket] in memory. The zero Memory is not ready; see [New].
type Memory struct {
	mu       sync.Mutex
	revision uint64
	values   map[string]entry
	changed  chan struct{}
}

type entry struct {
	value    []byte // nil once deleted
	revision uint64
}

// New returns an empty bucket.
func New() *Memory {
	return &Memory{values: make(map[string]entry), changed: make(chan struct{})}
}

// at returns what a key has: the zero entry if it has nothing.
func (m *Memory) at(key string) entry {
	if e := m.values[key]; e.value != nil {
		return e
	}
	return entry{}
}

func (m *Memory) set(key string, value []byte) uint64 {
	m.revision++
	m.values[key] = entry{value, m.revision}
	close(m.changed)
	m.changed = make(chan struct{})
	return m.revision
}

func (m *Memory) put(key string, value []byte) uint64 {
	if value == nil {
		value = []byte{}
	}
	return m.set(key, value)
}

// Get implements [kv.Bucket].
func (m *Memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.at(key)
	if e.value == nil {
		return nil, 0, kv.ErrNotFound
	}
	return e.value, e.revision, nil
}

// Put implements [kv.Bucket].
func (m *Memory) Put(_ context.Context, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.put(key, value), nil
}

// Create implements [kv.Bucket].
func (m *Memory) Create(_ context.Context, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at(key).value != nil {
		return 0, kv.ErrExists
	}
	return m.put(key, value), nil
}

// Update implements [kv.Bucket].
func (m *Memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at(key).revision != revision {
		return 0, kv.ErrConflict
	}
	return m.put(key, value), nil
}

// Delete implements [kv.Bucket].
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at(key).value != nil {
		m.set(key, nil)
	}
	return nil
}

// List implements [kv.Bucket].
func (m *Memory) List(_ context.Context, prefix string, fn func(string, []byte)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, e := range m.values {
		if strings.HasPrefix(k, prefix) && e.value != nil {
			fn(k, e.value)
		}
	}
	return nil
}

// Revision implements [kv.Bucket].
func (m *Memory) Revision(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, nil
}

// Watch implements [kv.Bucket].
func (m *Memory) Watch(ctx context.Context, prefix string, fn func(string, []byte, uint64)) error {
	type change struct {
		key string
		entry
	}
	var told uint64
	for first := true; ; first = false {
		var news []change
		m.mu.Lock()
		changed, last := m.changed, m.revision
		for k, e := range m.values {
			if strings.HasPrefix(k, prefix) && e.revision > told && (e.value != nil || !first) {
				news = append(news, change{k, e})
			}
		}
		m.mu.Unlock()
		slices.SortFunc(news, func(a, b change) int { return cmp.Compare(a.revision, b.revision) })
		for _, c := range news {
			fn(c.key, c.value, c.revision)
		}
		if told = last; first {
			fn("", nil, last)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
