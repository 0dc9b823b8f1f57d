package source

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/internal/rows"
	"weir/record"
)

// Columns that CloudWatch Logs puts in front of a line: the time of the event, in what
// it exports to a bucket, and the name of the stream, in what "aws logs tail" prints.
const (
	timestamp = "x-timestamp"
	stream    = "x-stream"
)

// inferLines is how many lines are looked at, at a time, to infer a format.
const inferLines = 200

// knownFormats are those of Amazon's console and documentation (the page "Flow log
// record examples" of the VPC user guide, read 2026-11-23). Several have as many
// fields as others.
var knownFormats = func() []knownFormat {
	known := []knownFormat{{record.Default(), "the default format"}}
	add := func(what, format string) {
		f, err := record.ParseFormat(format)
		if err != nil {
			panic("BUG: source: " + err.Error())
		}
		known = append(known, knownFormat{f, what})
	}
	add("the default format and tcp-flags", "default+tcp-flags")
	for _, v := range []string{"3", "4", "5", "7", "8", "9", "10", "11"} {
		add("all fields up to version "+v, "v"+v)
	}
	add("the default format of transit gateways", "tgw")
	const example = "the example of Amazon's documentation for "
	add(example+"TCP flags", "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport "+
		"pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status")
	add(example+"NAT gateways", "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr")
	add(example+"regional NAT gateways", "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr")
	add(example+"transit gateways", "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport "+
		"protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status")
	add(example+"service names", "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id "+
		"subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr "+
		"pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status")
	return known
}()

type knownFormat struct {
	record.Format
	what string
}

// infer finds out the format of lines that have no header, from the first of them. It
// refuses rather than guess: one known format must read half of the lines or more, and
// none as many; or else every column must have values that only one field can have.
// The reason says what it found, the error why it found nothing.
func infer(text []byte) (f record.Format, reason string, err error) {
	lines := sample(text)
	var front []string
	if front = frontOf(lines); len(front) > 0 {
		for i, l := range lines {
			for range front {
				_, l, _ = bytes.Cut(l, []byte{' '})
			}
			lines[i] = l
		}
	}
	f, reason, err = inferFields(lines)
	if err != nil {
		return f, "", fmt.Errorf("no header, and %w: name the fields with --format", err)
	}
	if len(front) > 0 {
		return inFront(front, f), "CloudWatch's " + strings.Join(front, " and ") + " and " + reason, nil
	}
	return f, reason, nil
}

// sample returns lines that are not empty: all if they are few, else the first and some
// of all parts of the text, most of them of traffic. Lines without any say little of
// their format.
func sample(text []byte) (lines [][]byte) {
	few := bytes.Count(text, []byte{'\n'}) <= inferLines
	quiet, at := 0, 0
	for line := range bytes.Lines(text) {
		at += len(line)
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			continue
		}
		if !few && (bytes.Contains(line, []byte(" NODATA")) || bytes.Contains(line, []byte(" SKIPDATA"))) {
			if quiet++; quiet > inferLines/4 {
				continue
			}
		}
		if lines = append(lines, line); !few && len(lines) == inferLines/2 {
			break
		}
	}
	rest := text[at:]
	for i := 0; i < inferLines/2 && len(rest) > 0; i++ {
		_, part, _ := bytes.Cut(rest[len(rest)/(inferLines/2)*i:], []byte{'\n'})
		line, _, _ := bytes.Cut(part, []byte{'\n'})
		if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// frontOf returns the names of what stands in front of the fields of most lines.
func frontOf(lines [][]byte) []string {
	n, streams := 0, 0
	for _, l := range lines {
		if t, rest, _ := bytes.Cut(l, []byte{' '}); isTimestamp(t) {
			n++
			if name, _, _ := bytes.Cut(rest, []byte{' '}); bytes.HasPrefix(name, []byte("eni-")) &&
				bytes.Count(name, []byte{'-'}) == 2 {
				streams++
			}
		}
	}
	switch {
	case 2*n <= len(lines):
		return nil
	case 2*streams > len(lines):
		return []string{timestamp, stream}
	}
	return []string{timestamp}
}

// inFront puts extensions in front of a format.
func inFront(names []string, f record.Format) record.Format {
	with, ok := record.ParseHeader(f.AppendHeader([]byte(strings.Join(names, " ") + " ")))
	if !ok {
		return f
	}
	return with
}

func inferFields(lines [][]byte) (record.Format, string, error) {
	lines, n, err := sameCount(lines)
	if err != nil {
		return record.Format{}, "", err
	}
	var s shaper
	best, most, equal := -1, 0, false
	var why *record.FieldError
	for i, k := range knownFormats {
		if k.Len() != n {
			continue
		}
		fit := 0
		for _, l := range lines {
			err := s.check(k.Format, l)
			if err == nil {
				err = s.sane(k.Format)
			}
			if err == nil {
				fit++
			} else if why == nil {
				why = err
			}
		}
		switch {
		case fit > most:
			best, most, equal = i, fit, false
		case fit == most && fit > 0:
			equal = true
		}
	}
	if best >= 0 && 2*most >= len(lines) {
		k := knownFormats[best]
		if equal {
			return record.Format{}, "", fmt.Errorf("%d fields that fit several formats, %s among them", n, k.what)
		}
		return k.Format, fmt.Sprintf("%d fields that look like %s", n, k.what), nil
	}
	f, err := inferColumns(lines, n)
	if err == nil {
		return f, fmt.Sprintf("%d columns of which the values tell what they are", n), nil
	}
	if why != nil && n == record.Default().Len() {
		err = fmt.Errorf("%d fields that are not the default format, with %s %q: %w", n, why.Name, why.Value, why.Err)
	}
	return record.Format{}, "", err
}

// sameCount returns the lines with the number of fields that most lines have.
func sameCount(lines [][]byte) (same [][]byte, n int, err error) {
	if len(lines) == 0 {
		return nil, 0, errors.New("nothing in the lines")
	}
	counts := map[int]int{}
	for _, l := range lines {
		c := bytes.Count(l, []byte{' '}) + 1
		if counts[c]++; counts[c] > counts[n] {
			n = c
		}
	}
	if 2*counts[n] <= len(lines) {
		return nil, 0, errors.New("lines have different numbers of fields")
	}
	for _, l := range lines {
		if bytes.Count(l, []byte{' '})+1 == n {
			same = append(same, l)
		}
	}
	if n == 1 && bytes.ContainsAny(same[0], ",;\t") {
		return nil, 0, errors.New("commas or tabs instead of spaces")
	}
	return same, n, nil
}

var (
	errVersion = errors.New("version is not that of the format")
	errOrder   = errors.New("value does not go with its neighbours")
)

// sane says what contradicts the format in the line last checked, although each value
// is one of its field: it is how two numbers that have changed places are found.
func (s *shaper) sane(f record.Format) *record.FieldError {
	bad := func(field record.Field, err error) *record.FieldError {
		return &record.FieldError{Field: field, Name: field.Name(), Column: f.Index(field) + 1, Want: f.Len(),
			Value: string(s.r.AppendField(nil, field)), Err: err}
	}
	if v, ok := s.r.Int(record.Version); ok && int(v) != f.Version() {
		return bad(record.Version, errVersion)
	}
	packets, ok1 := s.r.Int(record.Packets)
	size, ok2 := s.r.Int(record.Bytes)
	if ok1 && ok2 && size < packets {
		return bad(record.Bytes, errOrder)
	}
	start, ok1 := s.r.Int(record.Start)
	end, ok2 := s.r.Int(record.End)
	if ok1 && ok2 && start > end {
		return bad(record.Start, errOrder)
	}
	if st := s.r.Status(); (st == record.NoData || st == record.SkipData) && s.r.Has(record.SrcAddr) {
		return bad(record.LogStatus, errOrder)
	}
	return nil
}

// A columnKind is what the values of a column without a name may be.
type columnKind uint8

const (
	unknownColumn columnKind = iota
	fieldColumn              // of one field and no other
	addrColumn
	timeColumn
	intColumn
)

// Fields that can be told by their values alone.
var telling = []record.Field{
	record.InterfaceID, record.VPCID, record.SubnetID, record.InstanceID, record.Action, record.LogStatus,
	record.Type, record.FlowDirection, record.Region, record.AZID, record.SublocationType,
}

// inferColumns infers each field by itself.
func inferColumns(lines [][]byte, n int) (record.Format, error) {
	table := make([][][]byte, n) // values by column
	for _, l := range lines {
		for i, v := range bytes.Split(l, []byte{' '}) {
			table[i] = append(table[i], v)
		}
	}
	fields := make([]record.Field, n)
	var addrs, times, ints []int
	for i, values := range table {
		f, kind := columnOf(values)
		switch kind {
		case fieldColumn:
			if j := slices.Index(fields, f); j >= 0 {
				return record.Format{}, fmt.Errorf("columns %d and %d both look like %s", j+1, i+1, f)
			}
			fields[i] = f
		case addrColumn:
			addrs = append(addrs, i)
		case timeColumn:
			times = append(times, i)
		case intColumn:
			ints = append(ints, i)
		default:
			return record.Format{}, fmt.Errorf("the values of column %d of %d do not tell what it is", i+1, n)
		}
	}
	assign := func(at []int, to ...record.Field) {
		for i, col := range at {
			fields[col] = to[i]
		}
	}
	if len(addrs) != 2 && len(addrs) != 4 {
		return record.Format{}, fmt.Errorf("%d columns of addresses", len(addrs))
	}
	assign(addrs, []record.Field{record.SrcAddr, record.DstAddr, record.PktSrcAddr, record.PktDstAddr}[:len(addrs)]...)
	switch len(times) {
	case 0:
	case 2:
		assign(times, record.Start, record.End)
	default:
		return record.Format{}, fmt.Errorf("%d columns of times", len(times))
	}
	// The version proves that no field of a later one was taken for an older one,
	// such as next-hop-vpc-id for vpc-id.
	if len(ints) == 0 || ints[0] != 0 {
		return record.Format{}, errors.New("no version in the first column")
	}
	assign(ints[:1], record.Version)
	if err := inferInts(ints[1:], table, assign); err != nil {
		return record.Format{}, err
	}
	if !slices.Contains(fields, record.LogStatus) && !slices.Contains(fields, record.Action) && len(times) == 0 {
		return record.Format{}, errors.New("nothing in the lines tells that this is a flow log")
	}
	f, err := record.NewFormat(fields...)
	if err != nil {
		return f, err
	}
	return f, proven(f, lines)
}

// proven checks that lines are of a format that was made of columns, and that nothing
// in it could be the other way round.
func proven(f record.Format, lines [][]byte) error {
	var s shaper
	order := map[record.Field]bool{}
	for _, l := range lines {
		err := s.check(f, l)
		if err == nil {
			err = s.sane(f)
		}
		if err != nil {
			return fmt.Errorf("%s %q: %w", err.Name, err.Value, err.Err)
		}
		for _, p := range [][2]record.Field{{record.Packets, record.Bytes}, {record.Start, record.End}} {
			a, ok1 := s.r.Int(p[0])
			b, ok2 := s.r.Int(p[1])
			if ok1 && ok2 && a < b {
				order[p[0]] = true
			}
		}
	}
	for _, first := range []record.Field{record.Packets, record.Start} {
		if f.Has(first) && !order[first] {
			return fmt.Errorf("which column is %s cannot be told", first)
		}
	}
	return nil
}

// inferInts tells apart numbers: ports, protocol, packets and bytes in this order and
// next to each other, with TCP flags somewhere else.
func inferInts(ints []int, table [][][]byte, assign func([]int, ...record.Field)) error {
	run := func(at []int) bool { return len(at) > 0 && at[len(at)-1]-at[0] == len(at)-1 }
	var flags int
	switch {
	case len(ints) == 0:
		return nil
	case len(ints) == 5 && run(ints):
		assign(ints, record.SrcPort, record.DstPort, record.Protocol, record.Packets, record.Bytes)
		return nil
	case len(ints) == 6 && run(ints[:5]) && !run(ints):
		flags = ints[5]
		assign(ints[:5], record.SrcPort, record.DstPort, record.Protocol, record.Packets, record.Bytes)
	case len(ints) == 6 && run(ints[1:]) && !run(ints):
		flags = ints[0]
		assign(ints[1:], record.SrcPort, record.DstPort, record.Protocol, record.Packets, record.Bytes)
	default:
		return fmt.Errorf("%d columns of numbers", len(ints))
	}
	// A traffic path is a number from 1 to 8, and came with version 5.
	certain := string(table[0][0]) == "3" || string(table[0][0]) == "4"
	for _, v := range table[flags] {
		n, ok := rows.ParseInt(v)
		certain = certain || ok && (n == 0 || n > 8)
		if n > 63 {
			return fmt.Errorf("the numbers of column %d, such as %d, are no tcp-flags", flags+1, n)
		}
	}
	if !certain {
		return fmt.Errorf("the numbers of column %d may be tcp-flags or traffic-path", flags+1)
	}
	assign([]int{flags}, record.TCPFlags)
	return nil
}

// columnOf says what the values of a column may be.
func columnOf(values [][]byte) (record.Field, columnKind) {
	values = slices.DeleteFunc(slices.Clone(values), rows.Absent)
	if len(values) == 0 {
		return 0, unknownColumn
	}
	all := func(ok func([]byte) bool) bool {
		return !slices.ContainsFunc(values, func(v []byte) bool { return !ok(v) })
	}
	number := func(v []byte) bool { _, ok := rows.ParseInt(v); return ok }
	account := func(v []byte) bool { return len(v) == 12 && only(v, "0123456789") }
	switch {
	case slices.ContainsFunc(values, account) && all(func(v []byte) bool { return account(v) || string(v) == "unknown" }):
		return record.AccountID, fieldColumn
	case all(func(v []byte) bool { return len(v) == 10 && v[0] > '0' && number(v) }):
		return 0, timeColumn
	case all(number):
		return 0, intColumn
	case all(func(v []byte) bool { _, ok := rows.ParseAddr(v); return ok || isMasked(v) }):
		return 0, addrColumn
	}
	for _, f := range telling {
		ok := shapeOf(f)
		if ok == nil { // of these, action and the like
			ok = oneOf(f.Values()...)
		}
		if all(ok) {
			return f, fieldColumn
		}
	}
	return 0, unknownColumn
}
