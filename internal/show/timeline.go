package show

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/internal/query"
)

// Chart draws a timeline for a terminal: a line for each bin, with a bar of what was
// accepted and, behind it, what was refused. A bar is at most width characters.
func Chart(w io.Writer, bins []query.Minute, m query.Measure, width int, zone *time.Location) error {
	out := bufio.NewWriter(w)
	most := highest(bins, m)
	fmt.Fprintf(out, "%-20s  %10s  %10s\n", "TIME "+zoneName(bins, zone), "ACCEPTED", "REFUSED")
	day := ""
	for _, b := range bins {
		at := time.Unix(b.Start, 0).In(zone)
		label := at.Format("2006-01-02 15:04")
		if d := label[:10]; d == day {
			label = strings.Repeat(" ", 11) + label[11:]
		} else {
			day = d
		}
		accepted, refused := m.Of(b.Accepted), m.Of(b.Refused)
		a, r := bars(accepted, refused, most, width)
		fmt.Fprintf(out, "%-20s  %10s  %10s  %s%s\n", label, amount(accepted, m), amount(refused, m),
			strings.Repeat("█", a), strings.Repeat("░", r))
	}
	return out.Flush()
}

// highest returns what the bin with most has.
func highest(bins []query.Minute, m query.Measure) (most int64) {
	for _, b := range bins {
		most = max(most, plus(m.Of(b.Accepted), m.Of(b.Refused)))
	}
	return most
}

// plus adds numbers that are not negative; a sum too large stays at the greatest.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// zoneName is what the zone is called when the timeline begins.
func zoneName(bins []query.Minute, zone *time.Location) string {
	var at int64
	if len(bins) > 0 {
		at = bins[0].Start
	}
	return time.Unix(at, 0).In(zone).Format("MST")
}

// bars is how long the bars of what was accepted and refused are, together at most
// width or 2. What is not nothing is seen, however much there is of the other.
func bars(accepted, refused, most int64, width int) (a, r int) {
	all := bar(plus(accepted, refused), most, width)
	switch {
	case refused == 0:
		return all, 0
	case accepted == 0:
		return 0, all
	}
	a = bar(accepted, most, width)
	if r = all - a; r <= 0 {
		r = 1
		a = max(1, all-1)
	}
	return a, r
}

// bar is how long the bar of n is; what is not nothing is seen.
func bar(n, most int64, width int) int {
	if n == 0 || most == 0 {
		return 0
	}
	return max(1, int(float64(n)/float64(most)*float64(width)+0.5))
}

func amount(n int64, m query.Measure) string {
	if m == query.ByBytes {
		return Bytes(n)
	}
	return Count(n)
}

// Units of a measure, for a title.
func unit(m query.Measure) string {
	switch m {
	case query.ByPackets:
		return "packets"
	case query.ByRecords:
		return "records"
	}
	return "bytes"
}

// SVG draws a timeline as a picture of 960 by 320 pixels that needs nothing else.
func SVG(w io.Writer, bins []query.Minute, m query.Measure, seconds int64, zone *time.Location) error {
	const (
		width, height            = 960, 320
		left, right, top, bottom = 72, 16, 40, 40
	)
	out := bufio.NewWriter(w)
	most := highest(bins, m)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12" role="img">`+"\n",
		width, height, width, height)
	fmt.Fprintf(out, `<title>Flow log: %s by time</title>`+"\n", unit(m))
	fmt.Fprintf(out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(out, `<text x="%d" y="20" fill="#1f2937">%s every %s, %s</text>`+"\n", left, unit(m), time.Duration(seconds)*time.Second, html.EscapeString(zoneName(bins, zone)))
	fmt.Fprintf(out, `<rect x="%d" y="10" width="10" height="10" fill="#2563eb"/><text x="%d" y="20" fill="#1f2937">accepted</text>`+"\n", width-190, width-175)
	fmt.Fprintf(out, `<rect x="%d" y="10" width="10" height="10" fill="#ea580c"/><text x="%d" y="20" fill="#1f2937">refused</text>`+"\n", width-100, width-85)
	inner := float64(height - top - bottom)
	for i := range 5 {
		y := float64(top) + inner*float64(i)/4
		fmt.Fprintf(out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e5e7eb"/><text x="%d" y="%.1f" text-anchor="end" fill="#4b5563">%s</text>`+"\n",
			left, width-right, y, y, left-6, y+4, amount(most/4*int64(4-i)+most%4*int64(4-i)/4, m))
	}
	step := float64(width-left-right) / float64(max(1, len(bins)))
	label := max(1, len(bins)/8)
	for i, b := range bins {
		x := float64(left) + step*float64(i)
		at := time.Unix(b.Start, 0).In(zone)
		accepted, refused := m.Of(b.Accepted), m.Of(b.Refused)
		y := float64(height - bottom)
		for _, part := range [...]struct {
			n    int64
			fill string
		}{{accepted, "#2563eb"}, {refused, "#ea580c"}} {
			if part.n == 0 {
				continue
			}
			h := max(1, inner*float64(part.n)/float64(most))
			y -= h
			fmt.Fprintf(out, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"><title>%s: %s accepted, %s refused</title></rect>`+"\n",
				x, y, max(0.5, step-1), h, part.fill, at.Format(time.RFC3339), amount(accepted, m), amount(refused, m))
		}
		if i%label == 0 {
			form := "15:04"
			if seconds >= 86400 || i == 0 {
				form = "01-02 15:04"
			}
			fmt.Fprintf(out, `<text x="%.1f" y="%d" fill="#4b5563">%s</text>`+"\n", x, height-bottom+18, at.Format(form))
		}
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// Timeline writes the bins of a timeline as CSV or TSV. Times are UTC.
func Timeline(w io.Writer, bins []query.Minute, seconds int64, f Form) error {
	out := appendRow(nil, []string{"start", "seconds", "accepted-records", "accepted-packets", "accepted-bytes",
		"refused-records", "refused-packets", "refused-bytes"}, f)
	for _, b := range bins {
		row := []string{Time(b.Start, time.UTC), strconv.FormatInt(seconds, 10)}
		for _, n := range [...]int64{b.Accepted.Records, b.Accepted.Packets, b.Accepted.Bytes, b.Refused.Records, b.Refused.Packets, b.Refused.Bytes} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		out = appendRow(out, row, f)
	}
	_, err := w.Write(out)
	return err
}
