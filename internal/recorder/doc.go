// Package recorder turns the window of an interface into flow log records:
// which flows a flow log wants, every field filled from the flow and from what
// the network model knows of the interface, NODATA and SKIPDATA.
//
// It does not know where records go.
package recorder
