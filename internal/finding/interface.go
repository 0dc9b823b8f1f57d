package finding

import (
	"fmt"
	"slices"
	"strings"
)

// Thresholds of what is said about interfaces.
const (
	leastStretches = 12       // before anything is unusual or missing
	manyStretches  = 24       //
	unusual        = 8        // deviations above the median
	unusualTimes   = 3        // the median
	unusualLeast   = 10 << 20 // bytes
	maxMissing     = 10       // percent
)

// interfaces looks at what each interface recorded over time.
func (s *search) interfaces() {
	all := s.series.byFace()
	s.skipped()
	gaps := map[gap][]uint32{}
	for _, n := range s.series.named() {
		s.volume(n, all[n])
		if s.o.Partial {
			continue
		}
		for _, g := range missing(all[n]) {
			gaps[g] = append(gaps[g], n)
		}
	}
	for g, faces := range gaps {
		s.missing(g, faces, all)
	}
}

// skipped reports records that say that some were not recorded.
func (s *search) skipped() {
	f := Finding{Kind: Skipped, Confidence: High}
	var ids []string
	var most *face
	for _, n := range s.series.named() {
		x := &s.series.faces[n]
		if x.skipped == 0 {
			continue
		}
		ids = append(ids, quoted(x.id))
		f.Records += x.skipped
		if f.First == 0 || int64(x.first) < f.First {
			f.First = int64(x.first)
		}
		f.Last = max(f.Last, int64(x.last))
		if most == nil || x.skipped > most.skipped {
			most = x
		}
	}
	if most == nil {
		return
	}
	slices.SortFunc(most.evidence, func(a, b Evidence) int { return strings.Compare(a.Line, b.Line) })
	f.Count, f.Evidence = int64(len(ids)), most.evidence[:min(len(most.evidence), maxEvidence)]
	f.Text = fmt.Sprintf("%s had traffic that was not recorded, most often %s, in %s", those(f.Count, "interface", "interfaces"), most.id, those(most.skipped, "window", "windows"))
	f.Where = and("skipdata", oneOf("interface-id", ids))
	s.add(f)
}

// volume reports stretches of time with far more bytes than others of the interface.
func (s *search) volume(n uint32, all []stretch) {
	if len(all) < leastStretches {
		return
	}
	sizes := make([]float64, len(all))
	for i, x := range all {
		sizes[i] = float64(x.bytes)
	}
	middle, spread := deviation(sizes)
	limit := max(middle+unusual*max(spread, middle/20), unusualTimes*middle, unusualLeast)
	var most stretch
	count := 0
	for _, x := range all {
		if float64(x.bytes) <= limit {
			continue
		}
		count++
		if most.bucket == nil || x.bytes > most.bytes {
			most = x
		}
	}
	if count == 0 || count*10 > len(all) { // what happens often is not unusual
		return
	}
	from := int64(most.at) * s.series.width
	id := s.series.faces[n].id
	s.add(Finding{Kind: Volume, Confidence: confidence(false, len(all) >= manyStretches), Records: int64(most.records), Count: int64(count),
		First: from, Last: from + s.series.width - 1,
		Text: fmt.Sprintf("%s recorded %.1f MB in %s, where the median of %d is %.1f MB; so much in %s", id, float64(most.bytes)/1e6,
			lasting(s.series.width), len(all), middle/1e6, those(int64(count), "of them", "of them")),
		Where: and("interface-id = "+quoted(id), between(from, from+s.series.width)), Evidence: []Evidence{{most.format, string(most.line)}}})
}

// deviation returns the median, and the median of what differs from it, as a standard
// deviation if the values were normal.
func deviation(values []float64) (middle, spread float64) {
	middle = median(values)
	for i, v := range values {
		values[i] = max(v-middle, middle-v)
	}
	return middle, 1.4826 * median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// A gap is stretches without a record between others.
type gap struct{ from, to uint32 } // the first and the last

// missing returns the gaps of an interface which has few.
func missing(all []stretch) (out []gap) {
	if len(all) < leastStretches {
		return nil
	}
	lost := 0
	for i, x := range all[1:] {
		if n := int(x.at - all[i].at - 1); n > 0 {
			out = append(out, gap{all[i].at + 1, x.at - 1})
			lost += n
		}
	}
	if lost*100 > maxMissing*(lost+len(all)) {
		return nil
	}
	return out
}

// missing reports a gap of some interfaces.
func (s *search) missing(g gap, faces []uint32, all map[uint32][]stretch) {
	width := s.series.width
	f := Finding{Kind: Missing, Confidence: confidence(false, len(faces) > 1), Count: int64(len(faces)),
		First: int64(g.from) * width, Last: int64(g.to+1)*width - 1, Evidence: []Evidence{}}
	var ids []string
	for _, n := range faces {
		ids = append(ids, quoted(s.series.faces[n].id))
		for _, x := range all[n] {
			if (x.at == g.from-1 || x.at == g.to+1) && len(f.Evidence) < maxEvidence {
				f.Evidence = append(f.Evidence, Evidence{x.format, string(x.line)})
			}
		}
	}
	who := s.series.faces[faces[0]].id
	if n := len(faces) - 1; n > 0 {
		who += " and " + those(int64(n), "other interface", "other interfaces")
	}
	f.Text = fmt.Sprintf("%s has no record of the %s from %s, not even NODATA, but before and after", who, lasting(f.Last+1-f.First), clock(f.First))
	f.Where = and(oneOf("interface-id", ids), between(int64(g.from-1)*width, int64(g.to+2)*width))
	s.add(f)
}
