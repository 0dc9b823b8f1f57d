// Package amqp091 stands for github.com/rabbitmq/amqp091-go, which versitygw's
// notifications of events import and Weir never uses. It declares the names that
// versitygw needs to compile; every call fails with ErrLeftOut.
package amqp091

import (
	"errors"
	"time"
)

// ErrLeftOut says that this program was built without an AMQP client.
var ErrLeftOut = errors.New("the AMQP client is left out of this program")

// Connection is never made.
type Connection struct{}

// Channel is never opened.
type Channel struct{}

// Publishing is a message.
type Publishing struct {
	Timestamp   time.Time
	ContentType string
	Body        []byte
	MessageId   string
}

// Dial fails with ErrLeftOut.
func Dial(string) (*Connection, error) { return nil, ErrLeftOut }

// Channel fails with ErrLeftOut.
func (*Connection) Channel() (*Channel, error) { return nil, ErrLeftOut }

// Close does nothing.
func (*Connection) Close() error { return nil }

// Publish fails with ErrLeftOut.
func (*Channel) Publish(exchange, key string, mandatory, immediate bool, msg Publishing) error {
	return ErrLeftOut
}

// Close does nothing.
func (*Channel) Close() error { return nil }
