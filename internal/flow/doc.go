// Package flow holds what a capture yields: flows, their counters, and the
// window of one network interface that they were counted in. It knows neither
// where packets come from nor what a flow log record looks like.
//
// A flow is the packets of one 5-tuple, in one direction, with one verdict, on
// one interface. Two directions of a connection are two flows; so are the
// accepted and the refused packets of one 5-tuple.
package flow
