// Package ec2 is Amazon EC2's Query protocol: the requests and answers of the
// calls that flow logs need, and a codec that works both ways, for a service and
// for its clients ("Query requests", Amazon EC2 API Reference). It
// knows names and forms, not what they do.
//
// A request is a struct whose fields have the tag `ec2:"Name"`: strings, integers,
// booleans, times, structs (Name.Member) and slices of these (Name.1, Name.2 …).
// A pointer tells a value that was not sent from its zero. An answer is a struct
// for encoding/xml.
package ec2

// Version is that of the API, which requests name.
const Version = "2016-11-15"

// Namespace is that of the answers.
const Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
