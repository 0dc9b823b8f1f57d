package api

import (
	"encoding/base64"
	"encoding/json"
	"sort"

	"weir/internal/cloudwatch"
)

// pageOf returns at most max of items, which are in the order of their keys, and the token
// that asks for the next ones, empty if there are none. After says whether an item comes
// behind that of a key. A token has the key of the last item of the page and not a position:
// what is made or deleted between two calls neither repeats nor hides anything else. Kind
// is what the items are, so that a token of another call is not taken.
func pageOf[T, K any](items []T, kind, token string, max *int, def int, key func(*T) K, after func(*T, K) bool) ([]T, string, error) {
	if token != "" {
		k, ok := readToken[K](kind, token)
		if !ok {
			return nil, "", cloudwatch.InvalidToken
		}
		items = items[sort.Search(len(items), func(i int) bool { return after(&items[i], k) }):]
	}
	n := def
	if max != nil {
		n = *max
	}
	if n >= len(items) {
		return items, "", nil
	}
	items = items[:n:n]
	return items, makeToken(kind, key(&items[n-1])), nil
}

// A pageToken is what a token is made of.
type pageToken[K any] struct {
	Kind  string `json:"t"`
	After K      `json:"a"`
}

func makeToken[K any](kind string, after K) string {
	b, err := json.Marshal(pageToken[K]{kind, after})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readToken[K any](kind, token string) (after K, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	var t pageToken[K]
	if err != nil || json.Unmarshal(b, &t) != nil || t.Kind != kind {
		return after, false
	}
	return t.After, true
}
