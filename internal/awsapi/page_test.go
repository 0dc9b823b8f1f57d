package awsapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func self(s *string) string { return *s }

func names(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("i-%03d", n-1-i)) // not in order
	}
	return out
}

func TestPageSizes(t *testing.T) {
	for _, n := range []int{0, 4, 5, 6, 9, 10, 11, 100} {
		var got []string
		token, pages, five := "", 0, 5
		for {
			list, next, err := page(names(n), self, &five, token, 5, 1000)
			if err != nil {
				t.Fatal(err)
			}
			got, pages = append(got, list...), pages+1
			if token = next; token == "" {
				break
			}
			if len(list) != five {
				t.Errorf("%d items: a page of %d with a token", n, len(list))
			}
		}
		want := names(n)
		slices.Sort(want)
		if !slices.Equal(got, want) || pages != max(1, (n+4)/5) {
			t.Errorf("%d items: %d pages, %v", n, pages, got)
		}
	}
}

func TestPageWhileItemsComeAndGo(t *testing.T) {
	size := 5
	list, token, err := page(names(12), self, &size, "", 5, 1000)
	if err != nil || list[4] != "i-004" {
		t.Fatal(list, err)
	}
	changed := slices.DeleteFunc(names(12), func(s string) bool { return s == "i-004" || s == "i-002" || s == "i-006" })
	changed = append(changed, "i-0045", "i-0010")
	list, token, err = page(changed, self, &size, token, 5, 1000)
	if err != nil || strings.Join(list, " ") != "i-0045 i-005 i-007 i-008 i-009" {
		t.Fatal(list, err)
	}
	list, token, err = page(changed, self, nil, token, 5, 1000)
	if err != nil || strings.Join(list, " ") != "i-010 i-011" || token != "" {
		t.Errorf("a token without MaxResults: %v %q %v", list, token, err)
	}
}

func TestPageRefuses(t *testing.T) {
	number := func(n int) *int { return &n }
	_, good, err := page(names(9), self, number(5), "", 5, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		max   *int
		token string
		want  string
	}{
		{number(4), "", "InvalidParameterValue: Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{number(-1), "", "InvalidParameterValue: Value ( -1 ) for parameter maxResults is invalid. Expecting a value greater than 5."},
		{number(5), "", ""},
		{number(1000), "", ""},
		{number(1001), "", "InvalidParameterValue: Value ( 1001 ) for parameter maxResults is invalid. Expecting a value smaller than 1000."},
		{nil, good, ""},
		{nil, "x", "InvalidNextToken: The token 'x' is invalid"},
		{nil, good[1:], "InvalidNextToken: The token '" + good[1:] + "' is invalid"},
		{nil, "d2VpcjA6eA==", "InvalidNextToken: The token 'd2VpcjA6eA==' is invalid"}, // version 0
		{nil, strings.TrimRight(good, "=") + "\n", "InvalidNextToken: The token '" + strings.TrimRight(good, "=") + "\n' is invalid"},
	} {
		_, _, err := page(names(9), self, tt.max, tt.token, 5, 1000)
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("max %v, token %q: got %v, want %v", tt.max, tt.token, got, tt.want)
		}
	}
	if err := notPaged(1, "instancesSet", number(5)); err == nil || err.Error() !=
		"InvalidParameterCombination: The parameter instancesSet cannot be used with the parameter maxResults" {
		t.Errorf("ids with MaxResults: %v", err)
	}
	if err := notPaged(0, "instancesSet", number(5)); err != nil {
		t.Error(err)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(makeToken("eni-1"))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		last, ok := parseToken(token)
		if !ok {
			return
		}
		if again, ok := parseToken(makeToken(last)); !ok || again != last {
			t.Errorf("%q becomes %q", last, again)
		}
	})
}
