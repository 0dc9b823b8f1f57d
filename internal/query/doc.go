// Package query selects records and groups them: the language of `--where`, and the
// machines that run it over batches of rows.
//
// A filter is read by [Parse] into an [Expr], which prints itself as it could be
// typed. [Compile] makes a [Filter] of it, for one goroutine, which takes the batches
// of any number of formats and says of each which rows it wants. A [Table] adds up
// the wanted rows by the values of some of their fields.
//
// What is absent ("-", or not in the format at all) meets no test but that for being
// absent: neither `dstport = 22` nor `dstport != 22`. `not` turns a test around: what
// is absent meets `not dstport = 22`. The language is described in
// docs/formats/filter.md.
package query
