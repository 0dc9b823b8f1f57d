// Package logs keeps log groups, their streams and the events in them, as Amazon
// CloudWatch Logs does, in the journal's engine. What it has said to have taken survives a
// crash; what is older than its group keeps is let go.
//
// It knows no protocol: logs/api answers requests from it, logs/pattern and logs/insights
// choose events.
package logs
