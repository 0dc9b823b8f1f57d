// Package parquet reads Parquet files of flat columns, fast enough for billions of
// rows and safe with files that somebody made to do harm. It gives numbers as
// numbers, dictionaries as dictionaries and text as it would stand in a line of a
// flow log; it does not know what the columns mean.
//
// A [File] is the footer. A [Reader] takes some columns of some rows of a row group
// apart, a batch at a time, and holds no more of them than that and one page of each
// column. Every size that a file claims is compared with what is there before memory
// is taken for it.
//
// # What is read
//
// Physical types: all but INT96. Encodings: PLAIN, dictionaries, RLE,
// DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY. Pages of version
// 1 and 2, not compressed or with snappy, gzip or zstd. What is not read is refused by
// its name.
//
// # Source
//
// https://github.com/apache/parquet-format, files parquet.thrift, Encodings.md and
// Compression.md, as of version 2.11; Thrift's compact protocol from
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
package parquet
