// Package explain says in plain words, English or Japanese, what a flow log record
// means: who sent what to whom, whether it was let through, what the codes in it stand
// for, and what it can not tell. With a network's rules it names the rule that refused a
// packet, the nearest ones that did not let it through, and the narrowest change.
//
// An [Explainer] takes records in their order, remembers a bounded number of connections,
// and makes an [Explanation] of a record: sentences with codes, for people and programs.
// It does no I/O. How numbers, times and services are written is the caller's: see
// [Words].
//
// Nothing is claimed that the record does not say. What follows from ports or addresses
// alone is called likely; what records cannot tell is said, each thing once.
//
// # Source
//
// "Flow log records", "Flow log limitations" and "Flow log record examples" in the Amazon
// VPC User Guide, "Transit Gateway Flow Logs" in Amazon VPC Transit Gateways, as known on
// 2026-11-24. Package firewall has its own.
package explain
