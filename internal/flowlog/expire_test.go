package flowlog

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func expiring(id, at string) *FlowLog {
	return &FlowLog{ID: id, Params: Params{ResourceID: id, Tags: []Tag{{"Name", "x"}, {ExpiresTag, at}}}}
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		f    *FlowLog
		want bool
	}{
		{"no tag", &FlowLog{}, false},
		{"no time", expiring("a", "tomorrow"), false},
		{"a second before", expiring("a", "2026-11-24T10:00:01Z"), false},
		{"on the second", expiring("a", "2026-11-24T10:00:00Z"), true},
		{"another time zone", expiring("a", "2026-11-24T10:59:59+01:00"), true},
		{"ending already", func() *FlowLog { f := expiring("a", "2026-11-24T09:00:00Z"); f.Deleted = now; return f }(), false},
		{"declared", func() *FlowLog { f := expiring("a", "2026-11-24T09:00:00Z"); f.Declared = true; return f }(), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Expired(tt.f, now); got != tt.want {
				t.Errorf("Expired is %v, want %v", got, tt.want)
			}
		})
	}
}

func TestExpireDeletesOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStore(t)
		start := time.Now()
		deleted := make(map[string]time.Duration)
		ended := make(chan error)
		go func() {
			ended <- s.Expire(ctx, func(f *FlowLog, err error) {
				if err != nil {
					t.Error(err)
				}
				deleted[f.ID] = time.Since(start)
			})
		}()
		for id, after := range map[string]time.Duration{"fl-1": 3 * time.Hour, "fl-2": 30 * time.Minute, "fl-3": -time.Minute} {
			if err := s.Create(ctx, expiring(id, start.Add(after).UTC().Format(time.RFC3339))); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(deleted) != 3 || deleted["fl-1"] != 3*time.Hour || deleted["fl-2"] != 30*time.Minute || deleted["fl-3"] != 0 {
			t.Errorf("deleted after %v", deleted)
		}
		all, err := s.List(ctx)
		for i := range all {
			if err != nil || all[i].Active() {
				t.Errorf("there is %+v, %v", all[i], err)
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Expire returned %v", err)
		}
	})
}

func TestResourceTypeOf(t *testing.T) {
	for id, want := range map[string]ResourceType{
		"vpc-1": VPC, "subnet-1": Subnet, "eni-1": NetworkInterface, "tgw-1": TransitGateway,
		"tgw-attach-1": TransitGatewayAttachment, "nat-1": RegionalNATGateway,
		"i-1": "", "vpc-": "", "": "",
	} {
		if got, ok := ResourceTypeOf(id); got != want || ok != (want != "") {
			t.Errorf("ResourceTypeOf(%q) = %q, %v, want %q", id, got, ok, want)
		}
	}
}
