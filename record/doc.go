// Package record is the VPC flow log record: the fields of every version, the
// format string that selects them, and the text line, read and written. It does
// no I/O, knows no files and imports only the standard library, so any package
// may depend on it.
//
// A record says what happened to one 5-tuple on one network interface during
// one aggregation interval. In the default (version 2) format a line reads
//
//	2 123456789012 eni-0a1b 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK
//
// # Use
//
// A [Format] is a compiled list of fields; [ParseFormat] reads what a user
// types, [ParseLogFormat] what Amazon's API accepts, [ParseHeader] the first
// line of a file. [Format.Parse] fills a [Record] from a line and [Format.Append]
// writes one; neither allocates. A Record is meant to be used again for the next
// line. Code that makes records fills one with [Record.SetInt], [Record.SetAddr]
// and [Record.SetText] instead and prints it the same way.
//
// # Units and absent values
//
// Times are whole Unix seconds, inclusive. Sizes are bytes. "-" means that a
// field does not apply or could not be computed; such a field is absent from the
// Record ([Record.Has] is false), and an absent field is written "-". A real
// zero is always written "0".
//
// # What a line must look like
//
// Parse is strict: fields are separated by exactly one space, numbers are
// decimal without sign or leading zero and within the field's range, addresses
// are addresses. Every line it accepts is printed again byte for byte, except
// that IPv6 addresses come out in canonical form (RFC 5952). Text that cannot be
// meant as an address, such as a masked xx.xx.xx.xx, is kept as it stands.
//
// # Source
//
// Names, order and versions follow "Flow log records" in the Amazon VPC User
// Guide and "Transit Gateway Flow Logs" in Amazon VPC Transit Gateways,
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html and
// https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html, as of
// September 2026 (version 11). The table of fields, and every place where we
// had to decide for ourselves, is in docs/formats/flow-record.md.
package record

//go:generate env WEIR_WRITE_DOCS=1 go test -run ^TestDocsPage$ .
