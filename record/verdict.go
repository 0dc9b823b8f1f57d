package record

import "strconv"

// A Verdict is the value of the action field.
type Verdict uint8

const (
	NoVerdict Verdict = iota // action is absent
	Accept
	Reject
)

// String returns "ACCEPT", "REJECT" or "-".
func (v Verdict) String() string {
	switch v {
	case NoVerdict:
		return "-"
	case Accept:
		return "ACCEPT"
	case Reject:
		return "REJECT"
	}
	return "Verdict(" + strconv.Itoa(int(v)) + ")"
}

// Verdict returns what the action field says.
func (r *Record) Verdict() Verdict {
	if r.Has(Action) {
		if text, _ := r.text(uint8(Action)); text[0] == 'A' {
			return Accept
		}
		return Reject
	}
	return NoVerdict
}

// SetVerdict sets the action field; NoVerdict leaves it absent.
func (r *Record) SetVerdict(v Verdict) { r.SetText(Action, v.String()) }

// A Status is the value of the log-status field.
type Status uint8

const (
	NoStatus Status = iota // log-status is absent: the format does not have it
	OK                     // a flow
	NoData                 // no traffic in the aggregation interval
	SkipData               // some flows of the interval were not recorded
)

// String returns "OK", "NODATA", "SKIPDATA" or "-".
func (s Status) String() string {
	switch s {
	case NoStatus:
		return "-"
	case OK:
		return "OK"
	case NoData:
		return "NODATA"
	case SkipData:
		return "SKIPDATA"
	}
	return "Status(" + strconv.Itoa(int(s)) + ")"
}

// Status returns what the log-status field says.
func (r *Record) Status() Status {
	if r.Has(LogStatus) {
		switch text, _ := r.text(uint8(LogStatus)); text[0] {
		case 'O':
			return OK
		case 'N':
			return NoData
		}
		return SkipData
	}
	return NoStatus
}

// SetStatus sets the log-status field; NoStatus leaves it absent.
func (r *Record) SetStatus(s Status) { r.SetText(LogStatus, s.String()) }

// Flags returns the value of tcp-flags. ok is false if it is absent.
func (r *Record) Flags() (flags Flags, ok bool) {
	v, ok := r.Int(TCPFlags)
	return Flags(v), ok
}
