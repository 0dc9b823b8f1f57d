// Package insights is the query language of CloudWatch Logs Insights, and the machine that
// runs it over events as they come.
//
// A [Query] is made by [Parse] and is safe for any number of goroutines. [Query.NewRun]
// begins a [Run]; [Run.Add] gives it the events of a time, in any order, and [Run.Result]
// says at any moment what follows from those so far. To cancel a query is to add no more.
// A run holds what the result may still need: groups, or as many events as the limit; not
// the events. The language is described in docs/logs-insights.md.
//
// Its facts are from "CloudWatch Logs Insights query syntax" in Amazon's CloudWatch Logs User
// Guide, read on 2026-11-24 in copies of different age. Where these are silent the page
// in docs says what was decided.
package insights
