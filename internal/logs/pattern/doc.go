// Package pattern is the language of filter patterns: what FilterLogEvents, metric filters
// and subscription filters choose events with.
//
// A [Pattern] is made by [Parse] and is safe for any number of goroutines. What it says of
// a message depends on the message alone. The language is described in
// docs/logs-patterns.md.
//
// Its facts are from "Filter pattern syntax" in Amazon's CloudWatch Logs User Guide, read on
// 2026-11-24 in copies of different age. Where these are silent the page in docs says what
// was decided.
package pattern
