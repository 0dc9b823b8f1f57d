package delivery

import (
	"context"
	"fmt"
)

// Stores are object stores by bucket; the first that matches has it.
type Stores []Buckets

// Buckets are the buckets of one store.
type Buckets struct {
	Match func(bucket string) bool
	Store ObjectStore
}

func (s Stores) of(bucket string) (ObjectStore, error) {
	for _, b := range s {
		if b.Match(bucket) {
			return b.Store, nil
		}
	}
	return nil, fmt.Errorf("no store has the bucket %s", bucket)
}

// Put implements [ObjectStore].
func (s Stores) Put(ctx context.Context, bucket, key string, body []byte, contentType string) error {
	store, err := s.of(bucket)
	if err != nil {
		return err
	}
	return store.Put(ctx, bucket, key, body, contentType)
}

// Check implements [ObjectStore].
func (s Stores) Check(ctx context.Context, bucket string) error {
	store, err := s.of(bucket)
	if err != nil {
		return err
	}
	return store.Check(ctx, bucket)
}
