// Package journal is where windows wait until they are delivered, and where
// control state lives: a stream of windows, key-value buckets and leases, all
// in NATS JetStream. The server is embedded by default, with its files in a
// directory and no listener; or it is an external server or cluster. The same
// code runs against both.
//
// # What it promises
//
// A batch is what one host hands over together. It is stored once however often
// it is offered, whole or not at all unless it is very large, and
// [Journal.Append] returns when it is on disk. Nothing is ever discarded to make
// room: a full journal refuses with [ErrFull] and goes on when there is room again.
//
// An external server decides itself when it syncs to disk: configure it with
// "sync_interval: always", or run it with enough replicas, to get the same
// promise.
//
// # What it does not know
//
// It has no idea what a flow log or a destination is. Who has read how far is
// the business of the readers; they keep it in a bucket, and say with
// [Journal.Release] what nobody needs any more.
//
// Sequences are those of the stream: they begin at 1, only grow, and never
// return, not even when everything has been released.
package journal
