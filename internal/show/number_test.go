package show

import (
	"math"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.00 kB", 1004: "1.00 kB", 1005: "1.00 kB", 1234: "1.23 kB", 9994: "9.99 kB", 9996: "10.0 kB",
		99_949: "99.9 kB", 99_951: "100 kB", 999_499: "999 kB", 999_500: "1.00 MB", 1_000_000: "1.00 MB", 123_456_789: "123 MB",
		5_000_000_000: "5.00 GB", 1e12: "1.00 TB", 1e15: "1.00 PB", 1e18: "1.00 EB", math.MaxInt64: "9.22 EB",
		-5: "-5 B", -1234: "-1.23 kB", -123_456: "-123 kB", math.MinInt64: "-9.22 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 123456: "123,456", 1234567: "1,234,567", -1: "-1", -999: "-999", -1000: "-1,000", -123456: "-123,456",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestTime(t *testing.T) {
	for _, tt := range []struct {
		unix int64
		zone *time.Location
		want string
	}{
		{1700000000, time.UTC, "2023-11-14T22:13:20Z"},
		{1700000000, time.FixedZone("", 5*3600+1800), "2023-11-15T03:43:20+05:30"},
		{253402300799, time.UTC, "9999-12-31T23:59:59Z"},
	} {
		if got := Time(tt.unix, tt.zone); got != tt.want {
			t.Errorf("%d: got %s, want %s", tt.unix, got, tt.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		a, all int64
		want   string
	}{
		{0, 0, "-"}, {0, 7, "0 %"}, {1, 10_000, "<0.1 %"}, {1, 1000, "0.1 %"}, {15, 1000, "1.5 %"}, {994, 10_000, "9.9 %"}, {996, 10_000, "10 %"},
		{1, 3, "33 %"}, {994, 1000, "99 %"}, {995, 1000, "99.5 %"}, {999, 1000, "99.9 %"}, {9999, 10_000, ">99.9 %"}, {7, 7, "100 %"},
		{math.MaxInt64, math.MaxInt64, "100 %"},
	} {
		if got := Percent(tt.a, tt.all); got != tt.want {
			t.Errorf("%d of %d: got %s, want %s", tt.a, tt.all, got, tt.want)
		}
	}
}
