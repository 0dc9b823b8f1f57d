// Package kafka stands for github.com/segmentio/kafka-go, which versitygw's
// notifications of events import and Weir never uses. It declares the names that
// versitygw needs to compile; every call fails with ErrLeftOut.
package kafka

import (
	"context"
	"errors"
	"time"
)

// ErrLeftOut says that this program was built without a Kafka client.
var ErrLeftOut = errors.New("the Kafka client is left out of this program")

// LeastBytes is a choice of partitions.
type LeastBytes struct{}

// WriterConfig says where a Writer would write to.
type WriterConfig struct {
	Brokers      []string
	Topic        string
	Balancer     *LeastBytes
	BatchTimeout time.Duration
}

// Message is a key and its value.
type Message struct {
	Key   []byte
	Value []byte
}

// Writer writes nothing.
type Writer struct{}

// NewWriter returns a Writer; its first write fails.
func NewWriter(WriterConfig) *Writer { return &Writer{} }

// WriteMessages fails with ErrLeftOut.
func (*Writer) WriteMessages(context.Context, ...Message) error { return ErrLeftOut }

// Close does nothing.
func (*Writer) Close() error { return nil }
