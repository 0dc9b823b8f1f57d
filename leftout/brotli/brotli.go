// Package brotli stands for github.com/andybalholm/brotli, with which fasthttp
// compresses answers for who asks it to, and Weir never does. It declares the names
// that fasthttp, and parquet-go in tests, need to compile; every read and write fails with ErrLeftOut.
package brotli

import (
	"errors"
	"io"
)

// ErrLeftOut says that this program was built without Brotli.
var ErrLeftOut = errors.New("Brotli is left out of this program")

// Levels of compression.
const (
	BestSpeed          = 0
	BestCompression    = 11
	DefaultCompression = 6
)

// Reader reads nothing.
type Reader struct{}

// NewReader returns a Reader.
func NewReader(io.Reader) *Reader { return &Reader{} }

// Read fails with ErrLeftOut.
func (*Reader) Read([]byte) (int, error) { return 0, ErrLeftOut }

// Reset does nothing.
func (*Reader) Reset(io.Reader) error { return nil }

// Writer writes nothing.
type Writer struct{}

// NewWriterLevel returns a Writer.
func NewWriterLevel(io.Writer, int) *Writer { return &Writer{} }

// WriterOptions are settings of a Writer.
type WriterOptions struct{ Quality, LGWin int }

// NewWriterOptions returns a Writer.
func NewWriterOptions(io.Writer, WriterOptions) *Writer { return &Writer{} }

// Write fails with ErrLeftOut.
func (*Writer) Write([]byte) (int, error) { return 0, ErrLeftOut }

// Flush fails with ErrLeftOut.
func (*Writer) Flush() error { return ErrLeftOut }

// Close does nothing.
func (*Writer) Close() error { return nil }

// Reset does nothing.
func (*Writer) Reset(io.Writer) {}
