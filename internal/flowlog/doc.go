// Package flowlog is the flow log: what CreateFlowLogs takes and makes, what is
// wrong with what it was given, which interfaces it covers, and the store that
// holds all of them.
//
// It speaks no protocol and keeps nothing itself: the store works over two
// buckets of keys and values. Error codes and texts are Amazon's ("Error codes for the
// Amazon EC2 API" and the behaviour recorded of clients and emulators, read
// 2026-11-23).
package flowlog
