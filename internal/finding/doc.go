// Package finding says what looks wrong in many records, or is worth a look: scans,
// what is refused again and again, connections seen in one direction only, floods,
// services that stopped answering, traffic by the clock, unusual volumes, gaps.
//
// A [Finder] hands out a [Collector] to each goroutine that reads, which keeps for each
// client of each service, called a talk, a hundred bytes and a few records as they
// were. [Finder.Find] looks at all talks together when everything was read. What goes
// beyond the memory that a Finder may take is counted, and told in the [Report].
//
// Every rule is described in docs/findings.md, with what it takes, what it cannot see
// and when it is wrong. Nothing here claims to know why something happens.
package finding
