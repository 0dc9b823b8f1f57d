// Package advice proposes security group rules that allow what was accepted, and no
// more: of each present rule it says whether traffic used it, and by which narrower
// rules it could be replaced.
//
// An [Advisor] hands out a Collector to each goroutine that reads, which keeps for each
// interface, direction, service and peer how much there was. [Advisor.Propose] makes
// rules of it. What does not fit into the memory that an Advisor may take is counted.
//
// A proposal keeps two promises, both tested: what opened an accepted connection passes
// the proposed rules, and these allow nothing that the present ones refuse. What cannot
// be narrowed safely stays as it is: rules for prefix lists, those of which it is not
// known whether they were used, those whose replacements would be too many.
//
// It does no I/O and knows nothing of time but what records say. Traffic that did not
// occur while flow logs were kept is not in it; whoever applies a proposal has to know
// what happens once a month.
package advice
