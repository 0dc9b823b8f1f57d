// Package agent captures, on one host, the interfaces that active flow logs
// cover, and hands their windows to the journal, each with what the network
// model knew of its interface.
//
// It learns of flow logs from their store and of interfaces from the model, and
// it decides nothing else: what becomes of a window is the business of whoever
// reads the journal.
package agent
