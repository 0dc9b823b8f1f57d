// Package logs keeps log groups, their streams and the events in them, as Amazon
// CloudWatch Logs does, in the journal's engine. What it has said to have taken survives a
// crash; what is older than its group keeps is let go.
//
// It knows no protocol: logs/api answers requests from it, logs/pattern and logs/insights
// choose events.
//
// # How it keeps them
//
// What one Put takes is one message of the journal's log "events", under the subject of
// its group and its stream: a batch. What the groups, streams and metric filters are is
// in the bucket "logs". Both are followed, so that several processes may work with one
// journal: each has an index of all batches in memory, made of the messages' heads, and
// learns within a second what another one did.
//
// The index has 32 bytes for each batch, and some 300 for each stream. So what counts is
// how often somebody calls Put, not how many events there are: a stream to which one batch
// is put each minute takes 46 KB of memory for each day that its group keeps, 1000 such
// streams kept for 30 days 1.4 GB.
package logs
