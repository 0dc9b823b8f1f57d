package flowlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/ec2"
	"weir/internal/kv/kvtest"
)

func newStore(t *testing.T) *Store {
	s := NewStore(kvtest.New(), kvtest.New())
	t.Cleanup(s.Close)
	return s
}

func checked(t *testing.T, resource, bucket string) *FlowLog {
	t.Helper()
	f := &FlowLog{ID: NewID(), Created: time.Unix(1000, 0).UTC(), Params: good()}
	f.ResourceID, f.Destination = resource, BucketARN(bucket, "")
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStoreKeepsFlowLogs(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	f := checked(t, "eni-1", "b")
	f.Tags = []Tag{{"Name", "x"}}
	if err := s.Create(ctx, f); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(ctx, f.ID)
	if diff := cmp.Diff(*f, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	var e *Error
	if _, err := s.Get(ctx, "fl-0"); !errors.As(err, &e) || e.Code != ec2.FlowLogNotFound.Code || !strings.Contains(e.Message, "[TotalCount: 1] fl-0") {
		t.Errorf("an unknown id: %v, want %s", err, ec2.FlowLogNotFound.Code)
	}
}

func TestStoreRefusesASecondOfTheSame(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	first := checked(t, "eni-1", "b")
	for _, step := range []struct {
		name string
		f    *FlowLog
		code string
	}{
		{"the first", first, ""},
		{"the same again", checked(t, "eni-1", "b"), ec2.FlowLogAlreadyExists.Code},
		{"another bucket", checked(t, "eni-1", "c"), ""},
		{"another interface", checked(t, "eni-2", "b"), ""},
	} {
		err := s.Create(ctx, step.f)
		var e *Error
		if errors.As(err, &e) != (step.code != "") || e != nil && e.Code != step.code {
			t.Errorf("%s: %v, want %q", step.name, err, step.code)
		}
	}
	if err := s.Delete(ctx, first.ID, time.Unix(2000, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(ctx, checked(t, "eni-1", "b")); err != nil {
		t.Errorf("after the first was deleted: %v", err)
	}
}

func TestStoreHasAQuota(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	for n := range MaxPerResource + 1 {
		err := s.Create(ctx, checked(t, "eni-1", fmt.Sprintf("b%d", n)))
		var e *Error
		if n < MaxPerResource && err != nil {
			t.Fatal(err)
		}
		if n == MaxPerResource && (!errors.As(err, &e) || e.Code != ec2.FlowLogsLimit.Code) {
			t.Errorf("one more than %d: %v, want %s", MaxPerResource, err, ec2.FlowLogsLimit.Code)
		}
	}
}

// TestStoreKeepsItsOwn changes what List returned, in every part.
func TestStoreKeepsItsOwn(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	f := checked(t, "eni-1", "b")
	f.Tags, f.Owners = []Tag{{"Name", "x"}}, []string{"a"}
	f.TagFields = []TagField{{"instance", []string{"k"}}}
	if err := s.Create(ctx, f); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStatus(ctx, f.ID, Status{Objects: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		all, err := s.List(ctx)
		if diff := cmp.Diff([]FlowLog{*f}, all); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		g := &all[0]
		g.ID, g.Tags[0].Value, g.Owners[0], g.TagFields[0].ResourceType, g.TagFields[0].Keys[0] = "", "", "", "", ""
		statuses, err := s.Statuses(ctx)
		if err != nil || len(statuses) != 1 || statuses[f.ID].Objects != 1 {
			t.Fatalf("statuses are %v, %v", statuses, err)
		}
		delete(statuses, f.ID)
	}
}

func TestStoreListsIDs(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	var ids []string
	for _, resource := range []string{"eni-1", "eni-2", "eni-3"} {
		f := checked(t, resource, "b")
		ids = append(ids, f.ID)
		if err := s.Create(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.List(ctx, ids[2], "fl-0", ids[0], ids[2])
	if err != nil || len(all) != 2 || all[0].ID == ids[1] || all[1].ID == ids[1] {
		t.Errorf("listed are %+v, %v, want the first and the third once", all, err)
	}
}

func TestStoreDeletesOnce(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	f := checked(t, "eni-1", "b")
	if err := s.Create(ctx, f); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{2000, 3000} {
		if err := s.Delete(ctx, f.ID, time.Unix(at, 0).UTC()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Get(ctx, f.ID)
	if err != nil || got.Deleted.Unix() != 2000 {
		t.Errorf("deleted at %v, %v, want the first time", got.Deleted, err)
	}
	if err := s.Forget(ctx, f.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := s.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("after it was forgotten: %d flow logs, %v", len(all), err)
	}
}

func TestStoreChangesWhatOthersChange(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	f := checked(t, "eni-1", "b")
	if err := s.Create(ctx, f); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			err := s.Change(ctx, f.ID, func(f *FlowLog) { f.Tags = append(f.Tags, Tag{fmt.Sprint(n), ""}) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, _ := s.Get(ctx, f.ID); len(got.Tags) != 20 {
		t.Errorf("%d tags, want 20", len(got.Tags))
	}
}

func TestStoreTellsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		s := newStore(t)
		f := checked(t, "eni-1", "b")
		if err := s.Create(ctx, f); err != nil {
			t.Fatal(err)
		}
		var seen []string
		go s.Watch(ctx, func(all []FlowLog) {
			n := 0
			for i := range all {
				if all[i].Active() {
					n++
				}
			}
			seen = append(seen, fmt.Sprintf("%d/%d", n, len(all)))
		})
		synctest.Wait()
		if err := s.Delete(ctx, f.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := s.Forget(ctx, f.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"1/1", "0/1", "0/0"}, seen); diff != "" {
			t.Errorf("active/all (-want +got):\n%s", diff)
		}
	})
}

func TestStatus(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	if st, err := s.Status(ctx, "fl-1"); err != nil || st != (Status{}) {
		t.Errorf("before the first delivery: %+v, %v", st, err)
	}
	want := Status{Error: "Access error", Cause: "NoSuchBucket", Records: 5, Last: time.Unix(9, 0).UTC()}
	if err := s.SetStatus(ctx, "fl-1", want); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Status(ctx, "fl-1"); err != nil || st != want {
		t.Errorf("status is %+v, %v, want %+v", st, err, want)
	}
}
