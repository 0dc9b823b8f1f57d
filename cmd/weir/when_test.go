package main

import (
	"testing"
	"time"

	"weir/internal/place"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	zone := time.FixedZone("", 3600)
	for _, tt := range []struct{ in, want string }{
		{"now", "2026-11-24T12:00:00Z"},
		{"1h", "2026-11-24T11:00:00Z"},
		{"1h30m", "2026-11-24T10:30:00Z"},
		{"2d", "2026-11-22T12:00:00Z"},
		{"2026-11-23T10:00Z", "2026-11-23T10:00:00Z"},
		{"2026-11-23T10:00:30Z", "2026-11-23T10:00:30Z"},
		{"2026-11-23T10:00+02:00", "2026-11-23T08:00:00Z"},
		{"2026-11-23T10:00", "2026-11-23T09:00:00Z"},
		{"2026-11-23 10:00", "2026-11-23T09:00:00Z"},
		{"2026-11-23", "2026-11-22T23:00:00Z"},
		{"1763978400", "2025-11-24T10:00:00Z"},
		{"2026", ""}, {"", ""}, {"-1h", ""}, {"yesterday", ""}, {"2026-13-01", ""}, {"10", ""}, {"99999d", ""},
	} {
		got, err := parseWhen(tt.in, now, zone)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%q is %v, want an error", tt.in, got)
			}
			continue
		}
		if err != nil || got.UTC().Format(time.RFC3339) != tt.want {
			t.Errorf("%q is %v, %v, want %s", tt.in, got.UTC(), err, tt.want)
		}
	}
}

func TestMeterLine(t *testing.T) {
	d := place.Fetched{Objects: 4500, Bytes: 1_200_000_000, Copied: 1203, Written: 300_000_000}
	if got, want := meterLine(d, 10*time.Second), "1,203 of 4,500+ objects, 300.0 MB of 1.2 GB, 30.0 MB/s"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d.Listed = true
	if got, want := meterLine(d, 10*time.Second), "1,203 of 4,500 objects, 300.0 MB of 1.2 GB, 30.0 MB/s, 31s left"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := meterLine(place.Fetched{}, 0), "0 of 0+ objects, 0 B of 0 B, 0 B/s"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for n, want := range map[int64]string{999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1e18: "1000.0 PB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
