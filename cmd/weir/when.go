package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// whenHelp says what --since and --until take.
const whenHelp = `a time ago (90s, 30m, 1h, 2d), a time (2026-11-23T10:00Z, 2026-11-23T10:00,
2026-11-23) or seconds since 1970`

// whenForms are the forms of times without a zone; those with one end in Z or +01:00.
var whenForms = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// parseWhen reads a time: how long ago, or when. A time without a zone is one of zone.
func parseWhen(s string, now time.Time, zone *time.Location) (time.Time, error) {
	if s == "now" {
		return now, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	const least = 9 // digits; fewer are a year, or a mistake
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) >= least && len(s) <= least+2 {
		return time.Unix(n, 0), nil
	}
	for _, form := range whenForms {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, nil
		}
		if t, err := time.Parse(form+"Z07:00", s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", s)
}
