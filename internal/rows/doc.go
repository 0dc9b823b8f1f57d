// Package rows is many records at once: a [Batch] of rows in columns, of which only
// those that are asked for are ever looked at. Reading a billion records is a matter
// of not reading most of their fields.
//
// A block of lines becomes a batch by a [Splitter], which finds where each field ends
// and checks that each line has as many as its format, nothing more: values are read
// by whoever needs them, with [ParseInt] and [ParseAddr]. Columns of Parquet files
// become a batch as they are, numbers as numbers and dictionaries as dictionaries.
package rows
