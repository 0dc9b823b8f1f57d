// Package delivery takes windows from the journal, turns them into the records
// of each flow log, and brings these to their destination, each exactly once as
// far as the destination lets us know what it has.
//
// A batch of a flow log is a range of the journal, which is written down before
// anything is sent. The [Sink] of the destination makes parcels of it. In S3 the
// names of objects derive from the batch: whoever is killed in the middle sends
// the same objects under the same names again. Of log groups and delivery streams
// what was taken is written down, before the next parcel is sent. When all of a
// batch is there the position moves on, and what every flow log has delivered
// leaves the journal.
//
// It knows nothing of how packets are captured.
package delivery
