// Package kvtest has a bucket for tests of what is kept in one. The journal's own
// tests hold the real bucket against the contract.
package kvtest

import (
	"context"
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
	value    []byte
	revision uint64
}

// New returns an empty bucket.
func New() *Memory {
	return &Memory{values: make(map[string]entry), changed: make(chan struct{})}
}

func (m *Memory) set(key string, value []byte) uint64 {
	m.revision++
	if value == nil {
		delete(m.values, key)
	} else {
		m.values[key] = entry{value, m.revision}
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return m.revision
}

// Get implements [kv.Bucket].
func (m *Memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.values[key]
	if !ok {
		return nil, 0, kv.ErrNotFound
	}
	return e.value, e.revision, nil
}

// Put implements [kv.Bucket].
func (m *Memory) Put(_ context.Context, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set(key, value), nil
}

// Create implements [kv.Bucket].
func (m *Memory) Create(_ context.Context, key string, value []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.values[key]; ok {
		return 0, kv.ErrExists
	}
	return m.set(key, value), nil
}

// Update implements [kv.Bucket].
func (m *Memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[key].revision != revision {
		return 0, kv.ErrConflict
	}
	return m.set(key, value), nil
}

// Delete implements [kv.Bucket].
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, nil)
	return nil
}

// List implements [kv.Bucket].
func (m *Memory) List(_ context.Context, prefix string, fn func(string, []byte)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, e := range m.values {
		if strings.HasPrefix(k, prefix) {
			fn(k, e.value)
		}
	}
	return nil
}

// Watch implements [kv.Bucket].
func (m *Memory) Watch(ctx context.Context, prefix string, fn func(string, []byte)) error {
	told := make(map[string]uint64)
	for first := true; ; first = false {
		m.mu.Lock()
		changed := m.changed
		for k, e := range m.values {
			if strings.HasPrefix(k, prefix) && told[k] != e.revision {
				told[k] = e.revision
				fn(k, e.value)
			}
		}
		for k := range told {
			if _, ok := m.values[k]; !ok {
				delete(told, k)
				fn(k, nil)
			}
		}
		m.mu.Unlock()
		if first {
			fn("", nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
