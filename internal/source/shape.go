package source

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"weir/record"
)

var errShape = errors.New("value does not look like one of this field")

// A shaper reads lines of a format that was inferred. It is stricter than
// [record.Format.Parse]: an account has digits, and a VPC does not begin with "eni-".
// It belongs to one goroutine.
type shaper struct {
	r     record.Record
	bound record.Format // that columns are of
	ready bool
	// columns are those whose values have a shape.
	columns []shapedColumn
}

type shapedColumn struct {
	at    int // in the format
	field record.Field
	ok    func([]byte) bool
}

func (s *shaper) bind(f record.Format) {
	if s.ready && s.bound.Equal(f) {
		return
	}
	s.ready, s.bound, s.columns = true, f, nil
	for i := range f.Len() {
		field := f.Field(i)
		if ok := shapeOf(field); ok != nil {
			s.columns = append(s.columns, shapedColumn{i, field, ok})
		} else if f.Name(i) == timestamp {
			s.columns = append(s.columns, shapedColumn{i, record.None, isTimestamp})
		}
	}
}

// check reads a line, and says what is wrong with it.
func (s *shaper) check(f record.Format, line []byte) *record.FieldError {
	s.bind(f)
	if err := f.Parse(line, &s.r); err != nil {
		fe, ok := errors.AsType[*record.FieldError](err)
		if !ok {
			panic("BUG: source: Parse: " + err.Error())
		}
		return fe
	}
	for _, c := range s.columns {
		var text []byte
		var ok bool
		if c.field == record.None {
			if text, ok = s.r.Extension(timestamp); !ok {
				text, ok = []byte("-"), true
			}
		} else {
			text, ok = s.r.Text(c.field)
		}
		if ok && !c.ok(text) {
			return &record.FieldError{Field: c.field, Name: f.Name(c.at), Column: c.at + 1, Want: f.Len(), Value: string(text), Err: errShape}
		}
	}
	return nil
}

// prefixes are what values of fields begin with, all that are not absent.
var prefixes = [...]struct {
	field  record.Field
	prefix string
}{
	{record.InterfaceID, "eni-"},
	{record.VPCID, "vpc-"},
	{record.SubnetID, "subnet-"},
	{record.InstanceID, "i-"},
	{record.ECSClusterARN, "arn:"},
	{record.ECSContainerInstanceARN, "arn:"},
	{record.ECSTaskDefinitionARN, "arn:"},
	{record.ECSTaskARN, "arn:"},
	{record.NextHopInterfaceID, "eni-"},
	{record.NextHopSubnetID, "subnet-"},
	{record.NextHopVPCID, "vpc-"},
	{record.ResourceType, "TransitGateway"},
	{record.TGWID, "tgw-"},
	{record.TGWAttachmentID, "tgw-attach-"},
	{record.TGWSrcVPCID, "vpc-"},
	{record.TGWDstVPCID, "vpc-"},
	{record.TGWSrcSubnetID, "subnet-"},
	{record.TGWDstSubnetID, "subnet-"},
	{record.TGWSrcENI, "eni-"},
	{record.TGWDstENI, "eni-"},
	{record.TGWPairAttachmentID, "tgw-attach-"},
}

// shapeOf returns what tells whether a text looks like a value of a field; nil for those
// that may hold anything, such as tags.
func shapeOf(f record.Field) func([]byte) bool {
	switch f {
	case record.AccountID, record.TGWSrcVPCAccountID, record.TGWDstVPCAccountID:
		return isAccount
	case record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr:
		return isMasked
	case record.Type:
		return oneOf("IPv4", "IPv6", "EFA")
	case record.Region:
		return isRegion
	case record.AZID, record.TGWSrcAZID, record.TGWDstAZID, record.NextHopAZID:
		return isZone
	case record.SublocationType:
		return oneOf("wavelength", "outpost", "localzone")
	case record.PktSrcAWSService, record.PktDstAWSService:
		return func(v []byte) bool { return only(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") }
	}
	for _, p := range prefixes {
		if p.field == f {
			return func(v []byte) bool { return len(v) >= len(p.prefix) && string(v[:len(p.prefix)]) == p.prefix }
		}
	}
	return nil
}

func oneOf(values ...string) func([]byte) bool {
	return func(v []byte) bool { return slices.Contains(values, string(v)) }
}

// isAccount takes 9 digits too: those who write examples lose some.
func isAccount(v []byte) bool {
	if len(v) < 9 || len(v) > 12 {
		return string(v) == "unknown"
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func only(v []byte, chars string) bool {
	for _, c := range v {
		if strings.IndexByte(chars, c) < 0 {
			return false
		}
	}
	return true
}

// isMasked reports whether v is an address of which parts were made unreadable.
func isMasked(v []byte) bool {
	return bytes.ContainsAny(v, ".:") && only(v, "0123456789abcdefABCDEFxX*.:")
}

// isRegion knows the shape of us-east-1, us-gov-west-1 and the like.
func isRegion(v []byte) bool {
	n := len(v)
	return n >= 9 && n < 32 && v[2] == '-' && v[n-2] == '-' && v[n-1] >= '0' && v[n-1] <= '9' &&
		only(v[:n-1], "abcdefghijklmnopqrstuvwxyz-") && bytes.Count(v, []byte{'-'}) >= 2
}

// isZone knows the shape of use1-az1 and of local zones' usw2-lax1-az1.
func isZone(v []byte) bool {
	i := bytes.LastIndex(v, []byte("-az"))
	return i >= 4 && i+3 < len(v) && len(v) < 32 && only(v[i+3:], "0123456789") &&
		only(v[:i], "abcdefghijklmnopqrstuvwxyz0123456789-")
}

// isTimestamp knows the shape of 2026-01-02T03:04:05 and what may follow it.
func isTimestamp(v []byte) bool {
	const shape = "0000-00-00T00:00:00"
	if len(v) < len(shape) || len(v) > 40 {
		return false
	}
	for i := range len(shape) {
		c := v[i]
		if c >= '0' && c <= '9' {
			c = '0'
		}
		if c != shape[i] {
			return false
		}
	}
	return only(v[len(shape):], "0123456789.:+-Z")
}

// countError reports whether a line has too many fields or too few.
func countError(e *record.FieldError) bool {
	return e.Err == record.ErrTooFew || e.Err == record.ErrTooMany
}
