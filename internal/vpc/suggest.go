package vpc

import (
	"slices"
	"strings"
)

// didYouMean names the valid word nearest to s, or all if none is near.
func didYouMean(s string, valid []string) string {
	best, distance := "", 3+len(s)/8
	for _, v := range valid {
		if n := edits(strings.ToLower(s), strings.ToLower(v), distance); n < distance {
			best, distance = v, n
		}
	}
	if best == "" {
		for _, v := range valid { // "format" for "log-format"
			if len(s) > 2 && slices.Contains(strings.Split(v, "-"), strings.ToLower(s)) {
				best = v
				break
			}
		}
	}
	switch {
	case best != "":
		return `did you mean "` + best + `"?`
	case len(valid) == 0:
		return "none is declared"
	case len(valid) > 30:
		return "want another"
	}
	list := slices.Clone(valid)
	slices.Sort(list)
	return "want one of " + strings.Join(list, ", ")
}

// edits returns how many letters must be inserted, removed, replaced or swapped
// with their neighbour to make a into b; at most limit.
func edits(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 {
		return limit
	}
	older, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, prev, row = prev, row, older
	}
	return min(prev[len(b)], limit)
}
