package flowlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// actives returns the active flow logs, each with its owners.
func actives(t *testing.T, s *Store) (out []string) {
	t.Helper()
	all, err := s.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if f := &all[i]; f.Active() {
			out = append(out, fmt.Sprintf("%s %s %s %s", f.ResourceID, f.Destination, f.TrafficType, strings.Join(f.Owners, "+")))
		}
	}
	slices.Sort(out)
	return out
}

// TestDeclare has two hosts that share a journal, what is made by hand, and what
// was declared before flow logs had owners.
func TestDeclare(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	byHand, old, lost := checked(t, "eni-9", "hand"), checked(t, "eni-7", "b"), checked(t, "eni-8", "b")
	old.Declared, lost.Declared = true, true
	for _, f := range []*FlowLog{byHand, old, lost} {
		if err := s.Create(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	one, two, three := *checked(t, "eni-1", "b"), *checked(t, "eni-2", "b"), *checked(t, "eni-3", "b")
	refused := *checked(t, "eni-2", "b")
	refused.TrafficType = "REJECT"
	all := func(resource, owners string) string { return resource + " arn:aws:s3:::b ALL " + owners }
	const hand = "eni-9 arn:aws:s3:::hand ALL "
	now := time.Unix(5000, 0).UTC()
	for _, step := range []struct {
		name string
		host string
		want []FlowLog
		left []string
	}{
		{"declared ones are made", "a", []FlowLog{one, two},
			[]string{hand, all("eni-1", "a"), all("eni-2", "a"), all("eni-7", ""), all("eni-8", "")}},
		{"the same stay", "a", []FlowLog{two, one},
			[]string{hand, all("eni-1", "a"), all("eni-2", "a"), all("eni-7", ""), all("eni-8", "")}},
		{"two hosts share what both declare", "b", []FlowLog{two, three},
			[]string{hand, all("eni-1", "a"), all("eni-2", "a+b"), all("eni-3", "b"), all("eni-7", ""), all("eni-8", "")}},
		{"one without an owner gets one", "a", []FlowLog{one, two, *old},
			[]string{hand, all("eni-1", "a"), all("eni-2", "a+b"), all("eni-3", "b"), all("eni-7", "a"), all("eni-8", "")}},
		{"what is gone ends with its last owner only", "a", []FlowLog{one},
			[]string{hand, all("eni-1", "a"), all("eni-2", "b"), all("eni-3", "b"), all("eni-8", "")}},
		{"of two that differ the last one counts", "a", []FlowLog{one, refused},
			[]string{hand, all("eni-1", "a"), "eni-2 arn:aws:s3:::b REJECT a", all("eni-3", "b"), all("eni-8", "")}},
		{"and is shared when the other agrees", "b", []FlowLog{refused},
			[]string{hand, all("eni-1", "a"), "eni-2 arn:aws:s3:::b REJECT a+b", all("eni-8", "")}},
		{"none of one", "a", nil, []string{hand, "eni-2 arn:aws:s3:::b REJECT b", all("eni-8", "")}},
		{"none of the other", "b", nil, []string{hand, all("eni-8", "")}},
	} {
		now = now.Add(time.Second)
		if err := s.Declare(ctx, step.host, step.want, now); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		slices.Sort(step.left)
		if diff := cmp.Diff(step.left, actives(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
