// Package api answers the calls of Amazon CloudWatch Logs from a store of log groups. It
// knows what each call asks and in which words it is answered; who may ask is for the
// caller to know.
//
// Its facts are those of the "Amazon CloudWatch Logs API Reference" and of botocore's
// service model, read 2026-11-24; where these are silent or only half remembered see the
// decision "Amazon's API" in docs/decisions.
package api
