package place

import (
	"slices"
	"strings"
	"time"

	"weir/recordfile"
)

// A Selection says which records are wanted. The zero value wants all.
type Selection struct {
	// Since and Until bound the time of records: those are wanted that end at
	// Since or later and begin before Until. Zero is no bound.
	Since, Until time.Time
	// Accounts, Regions and FlowLogs are those of which one is wanted; none is
	// all. They are the names that files have: the owner, the region and the id
	// of a flow log.
	Accounts, Regions, FlowLogs []string
}

const (
	// window is the longest that a record may last: the greatest aggregation
	// interval.
	window = 10 * time.Minute
	// late is how much later than its end a record may be filed. Amazon says that
	// files are named by the end of their records, and that delivery is on a best
	// effort basis; so this is a precaution.
	late = 5 * time.Minute
)

// files returns the times that names of files may have which hold wanted records:
// from inclusive, to exclusive; zero is no bound. A file named T holds records whose
// end is in the five minutes from T.
func (s *Selection) files() (from, to time.Time) {
	if !s.Since.IsZero() {
		from = s.Since.Add(-recordfile.Interval + 1)
	}
	if !s.Until.IsZero() {
		to = s.Until.Add(window + late)
	}
	return from, to
}

// overlaps reports whether files named in the time from begin to end, exclusive, may
// be wanted.
func (s *Selection) overlaps(begin, end time.Time) bool {
	from, to := s.files()
	return (from.IsZero() || end.After(from)) && (to.IsZero() || begin.Before(to))
}

// contains reports whether the time says of all files named from begin to end,
// exclusive, that they may be wanted.
func (s *Selection) contains(begin, end time.Time) bool {
	from, to := s.files()
	return (from.IsZero() || !begin.Before(from)) && (to.IsZero() || !end.After(to))
}

// wants reports whether a file may hold what is wanted.
func (s *Selection) wants(n *recordfile.Name) bool {
	return among(s.Accounts, n.Account) && among(s.Regions, n.Region) && among(s.FlowLogs, n.FlowLog) &&
		s.overlaps(n.Time, n.Time.Add(1))
}

func among(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }

// start returns what the names of wanted files in a folder begin with, as far as that
// can be said: of one flow log the files lie together, in the order of time.
func (s *Selection) start(f folder) string {
	if len(s.FlowLogs) != 1 || f.level < hourLevel {
		return ""
	}
	name := f.account + "_vpcflowlogs_" + f.region + "_" + s.FlowLogs[0] + "_"
	from, to := s.files()
	if from.IsZero() || to.IsZero() {
		return name
	}
	const form = "20060102T1504"
	a, b := from.UTC().Format(form), to.UTC().Format(form)
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return name + a[:n]
}

// extensions are those of files in directories that may hold records.
var extensions = []string{".log", ".gz", ".parquet", ".zst", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt"}

// holdsRecords reports whether a file in a directory may hold records, by its name:
// its extension, or that Amazon Data Firehose has named it, which gives no extension.
func holdsRecords(name string) bool {
	for _, e := range extensions {
		if strings.HasSuffix(strings.ToLower(name), e) {
			return true
		}
	}
	// NAME-1-2026-11-24-10-00-00-UUID
	const form = "2006-01-02-15-04-05"
	for i := 0; i+len(form) <= len(name); i++ {
		if name[i] == '2' {
			if _, err := time.Parse(form, name[i:i+len(form)]); err == nil {
				return true
			}
		}
	}
	return false
}

// Partial is what the name of a file ends in that a download is written to; it begins
// with a dot.
const Partial = ".weir-part"

func hidden(name string) bool { return strings.HasPrefix(name, ".") }
