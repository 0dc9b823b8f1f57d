// Package cloudwatch is the API of Amazon CloudWatch Logs as both ends of it need it: what
// is asked, what is answered, which errors there are, and how large a batch of events may
// be. Our service answers in these types, and delivery and reading ask in them.
//
// Names and limits are those of the "Amazon CloudWatch Logs API Reference", read
// 2026-11-24. The protocol is JSON 1.1: a request is POST / with the action in
// X-Amz-Target, and its body is the action's parameters.
package cloudwatch

// Service is what requests are signed for.
const Service = "logs"

// Target is what X-Amz-Target has before the name of an action.
const Target = "Logs_20140328."

// ContentType is that of requests and of answers.
const ContentType = "application/x-amz-json-1.1"
