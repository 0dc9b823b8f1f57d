package awsapi

import (
	"encoding/base64"
	"slices"
	"sort"
	"strings"

	"weir/internal/ec2"
)

// tokenVersion begins what is in a token.
const tokenVersion = "weir1:"

// page returns the part of items that a call asks for, and the token that asks for
// the next part, empty if there is none. items, which page may sort, are put in the
// order of their ids. max is MaxResults, nil for all; lo and hi are its bounds. A
// token names the last item of the page before and not a position: what is made or
// deleted between two calls neither repeats nor hides anything else. The message
// for a value below lo is Amazon's; that for one above hi is a guess by analogy.
func page[T any](items []T, id func(*T) string, max *int, token string, lo, hi int) ([]T, string, error) {
	if max != nil && *max < lo {
		return nil, "", ec2.MaxResultsTooSmall.With(*max, lo)
	}
	if max != nil && *max > hi {
		return nil, "", ec2.MaxResultsTooLarge.With(*max, hi)
	}
	after := ""
	if token != "" {
		var ok bool
		if after, ok = parseToken(token); !ok {
			return nil, "", ec2.InvalidNextToken.With(token)
		}
	}
	byID := func(i, j int) bool { return id(&items[i]) < id(&items[j]) }
	if !sort.SliceIsSorted(items, byID) {
		sort.Slice(items, byID)
	}
	if token != "" {
		items = items[sort.Search(len(items), func(i int) bool { return id(&items[i]) > after }):]
	}
	if max == nil || *max >= len(items) {
		return items, "", nil
	}
	items = slices.Clip(items[:*max])
	return items, makeToken(id(&items[len(items)-1])), nil
}

func makeToken(last string) string {
	return base64.URLEncoding.EncodeToString([]byte(tokenVersion + last))
}

func parseToken(token string) (last string, ok bool) {
	b, err := base64.URLEncoding.Strict().DecodeString(token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(b), tokenVersion)
}

// notPaged is the error for MaxResults beside ids. set is what Amazon calls the
// list of ids, such as "instancesSet".
func notPaged(ids int, set string, max *int) error {
	if ids > 0 && max != nil {
		return ec2.MaxResultsWithIDs.With(set)
	}
	return nil
}
