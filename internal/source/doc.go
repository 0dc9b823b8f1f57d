// Package source reads records from wherever they lie: files, directories, standard
// input, buckets. It finds out what each object is by looking at it, hands what is in
// it to workers as batches of rows, and keeps an account: what was read, what was
// refused and why, and what of the time in question the records do not cover.
//
// An object may be plain lines, also as CloudWatch Logs exports them, JSON in any of
// the wrappings that lines come in (envelopes of subscriptions, Firehose, what "aws
// logs" prints), records in JSON, CSV with a header, Parquet; gzip and zstd around it
// are taken off. What has no header gets a format by [Scan.Assume], or by the shape of
// its values where that leaves no doubt; the account says so. Nothing is guessed in
// silence, and what is wrong with a line or an object costs that line, or what comes
// after that place in the object, and nothing else.
//
// What is lines, goroutines read in turns, as many as there are workers: each cuts what it
// has read into blocks of one format ([record.Format]), and works on these while another
// reads on. So even a single file, compressed or not, occupies all processors as far as
// cutting and inflating allow. Of a Parquet file the blocks are row groups, or parts of
// large ones, and it is the workers that decompress them. Memory is bounded by the number
// of blocks, not by the input.
package source
