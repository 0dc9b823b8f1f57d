// Package conversation joins records to conversations: both directions of a flow,
// what both interfaces recorded of it, and all its windows, in one row. A [Table]
// takes batches of rows, one table for each worker; [Table.Merge] puts them together
// and [Table.Rows] gives the conversations.
//
// What belongs together is told by the addresses of the packets (pkt-srcaddr and
// pkt-dstaddr where the format has them), the ports, the protocol, and time. So a hop
// that leaves packets as they are, such as a transit gateway, is one more view of the
// same conversation; one that writes new addresses into them, such as a NAT gateway,
// begins another.
//
// [Views] is for totals over records of many interfaces: it leaves one of the views
// that several of them have of the same packets.
//
// All rules are in docs/conversations.md.
package conversation
