package ddl

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"weir/internal/parquet"
	"weir/record"
	"weir/recordfile"
	"weir/recordfile/parquetfile"
)

// An Object is a file at the place.
type Object struct {
	// Key is where it is, from the place on or from further above; it may begin
	// with a slash.
	Key string
	// Open opens it. What is returned is closed if it is an io.Closer.
	Open func() (r io.ReaderAt, size int64, err error)
}

// Want is what objects to learn from, and what need not be learnt. What is nil or empty
// wants all.
type Want struct {
	Format            *record.Format // do not look into files
	Hive, PerHour     *bool
	Parquet           *bool
	Accounts, Regions []string
}

// ErrNone reports that no object is the file of a flow log.
var ErrNone = errors.New("no file of a flow log")

// A MixedError reports that objects cannot be one table.
type MixedError struct {
	What string // "layout", "format", …
	A, B string // keys, or ids of flow logs, that differ
}

// Error returns a text like: files differ in their layout: A and B.
func (e *MixedError) Error() string {
	return fmt.Sprintf("files differ in their %s: %s and %s", e.What, e.A, e.B)
}

// Learn finds out what table objects make: of their keys, and of the header of one file
// of each flow log. What is no file of a flow log is passed over. The table has neither
// name nor location: prefix is the folder that AWSLogs is in, as keys have it. The error
// is [ErrNone], a [*MixedError] or what the objects failed with.
func Learn(objects iter.Seq2[Object, error], want Want) (t Table, prefix string, err error) {
	var first, k recordfile.Key
	var firstKey, slash string
	formats := map[string]record.Format{}
	from := "" // the flow log that t.Format is of
	for o, err := range objects {
		if err != nil {
			return t, "", err
		}
		rest, rooted := strings.CutPrefix(o.Key, "/")
		if k, err = recordfile.ParseKey(rest); err != nil || !want.has(k) {
			continue
		}
		switch {
		case first.Account == "":
			first, firstKey = k, o.Key
			if rooted {
				slash = "/"
			}
			t.Options, t.Organization, t.TransitGateway = k.Options, k.Organization, k.TransitGateway
			prefix, t.From = k.Prefix, k.Time
		case k.Prefix != prefix:
			return t, "", &MixedError{"place", path.Join(slash+prefix, "AWSLogs"), path.Join(slash+k.Prefix, "AWSLogs")}
		case k.Parquet != first.Parquet:
			return t, "", &MixedError{"kind", firstKey, o.Key}
		case k.Options != first.Options, k.Organization != first.Organization, k.TransitGateway != first.TransitGateway:
			return t, "", &MixedError{"layout", firstKey, o.Key}
		}
		if k.Time.Before(t.From) {
			t.From = k.Time
		}
		t.Accounts, t.Regions = add(t.Accounts, k.Account), add(t.Regions, k.Region)
		if _, known := formats[k.FlowLog]; known || want.Format != nil {
			continue
		}
		f, err := formatOf(o, k.Parquet)
		if err == io.EOF {
			continue // an empty file: the next may say more
		}
		if err != nil {
			return t, "", fmt.Errorf("read %s: %w", o.Key, err)
		}
		formats[k.FlowLog] = f
		if from == "" {
			from, t.Format = k.FlowLog, f
		}
		if !f.Equal(t.Format) {
			return t, "", &MixedError{"format", from, k.FlowLog}
		}
	}
	if first.Account == "" || from == "" && want.Format == nil {
		return t, "", ErrNone
	}
	if want.Format != nil {
		t.Format = *want.Format
	}
	slices.Sort(t.Accounts)
	slices.Sort(t.Regions)
	return t, slash + prefix, nil
}

func (w *Want) has(k recordfile.Key) bool {
	is := func(want *bool, have bool) bool { return want == nil || *want == have }
	return is(w.Hive, k.Hive) && is(w.PerHour, k.PerHour) && is(w.Parquet, k.Parquet) &&
		(len(w.Accounts) == 0 || slices.Contains(w.Accounts, k.Account)) && (len(w.Regions) == 0 || slices.Contains(w.Regions, k.Region))
}

func add(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// formatOf reads the format in a file; io.EOF if the file is empty.
func formatOf(o Object, isParquet bool) (f record.Format, err error) {
	r, size, err := o.Open()
	if err != nil {
		return f, err
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	if isParquet {
		file, err := parquet.Open(r, size)
		if err != nil {
			return f, err
		}
		return parquetfile.Format(file.Names())
	}
	text := recordfile.NewTextReader(io.NewSectionReader(r, 0, size))
	var rec record.Record
	err = text.Read(&rec)
	switch bad := (*recordfile.RecordError)(nil); {
	case err == nil, errors.As(err, &bad) && !errors.Is(err, recordfile.ErrNoHeader):
	case err == io.EOF && text.Line() > 0: // a header and no more
	default:
		return f, err
	}
	return text.Format(), nil
}

// A Layout is how the folders of files are named.
type Layout string

// Layouts returns the four that there are, Amazon's default first.
func Layouts() []Layout { return []Layout{"plain", "hive", "hour", "hive+hour"} }

// Of returns which layout options have.
func Of(o recordfile.Options) Layout {
	i := 0
	if o.Hive {
		i++
	}
	if o.PerHour {
		i += 2
	}
	return Layouts()[i]
}

// Options returns the options of a layout; false if there is none of this name.
func (l Layout) Options() (o recordfile.Options, ok bool) {
	if !slices.Contains(Layouts(), l) {
		return o, false
	}
	return recordfile.Options{Hive: strings.HasPrefix(string(l), "hive"), PerHour: strings.HasSuffix(string(l), "hour")}, true
}
