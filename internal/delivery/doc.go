// Package delivery takes windows from the journal, turns them into the records
// of each flow log, and brings these to their destination, each exactly once.
//
// A batch of a flow log is a range of the journal. It is written down before
// anything is sent, and the names of its objects derive from it: whoever is
// killed in the middle sends the same objects under the same names again. When
// all of them are there the position moves on, and what every flow log has
// delivered leaves the journal.
//
// It knows nothing of how packets are captured.
package delivery
