package show

import (
	"math"
	"strconv"
	"time"
)

// Bytes writes a number of bytes for people: three digits and a decimal unit.
func Bytes(n int64) string {
	if n < 1000 && n > -1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n), ""
	for _, unit = range [...]string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		if v /= 1000; v < 999.5 && v > -999.5 {
			break
		}
	}
	digits := 0
	switch a := math.Abs(v); {
	case a < 9.995:
		digits = 2
	case a < 99.95:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + unit
}

// Count writes a number with a comma between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	begin := 0
	if n < 0 {
		begin = 1
	}
	for i := len(s) - 3; i > begin; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Time writes Unix seconds in a zone, with the zone: 2026-11-23T10:00:00Z.
func Time(unix int64, zone *time.Location) string {
	return time.Unix(unix, 0).In(zone).Format(time.RFC3339)
}

// Percent writes what part a is of all. Only nothing is 0 %, and only all 100 %.
func Percent(a, all int64) string {
	if all == 0 {
		return "-"
	}
	p := 100 * float64(a) / float64(all)
	switch {
	case a == 0:
		return "0 %"
	case p < 0.1:
		return "<0.1 %"
	case a < all && p > 99.9:
		return ">99.9 %"
	case p < 9.95 || a < all && p >= 99.5:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}
