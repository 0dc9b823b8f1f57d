package flowlog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Declare makes the flow logs that a host owns those of its configuration file:
// what is new is created, what is gone is asked to end, what is the same stays.
// A flow log is the same if its parameters are; then hosts share it, and it ends
// when none of them declares it any more. Of two that differ, for one resource
// with one destination, the last one declared counts.
//
// A declared flow log that nobody owns gets an owner with the first host that
// declares the same, and stays until then.
//
// Hosts must not call it at the same time.
func (s *Store) Declare(ctx context.Context, owner string, want []FlowLog, now time.Time) error {
	have, err := s.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i := range have {
		h := &have[i]
		if !h.Declared || !h.Active() {
			continue
		}
		switch {
		case slices.ContainsFunc(want, func(w FlowLog) bool { return sameParams(&w.Params, &h.Params) }):
			errs = append(errs, s.own(ctx, h, owner))
		case slices.ContainsFunc(want, func(w FlowLog) bool { return samePlace(&w.Params, &h.Params) }):
			errs = append(errs, s.Delete(ctx, h.ID, now)) // whoever shares it
		case slices.Contains(h.Owners, owner):
			errs = append(errs, s.disown(ctx, h.ID, owner, now))
		}
	}
	for i := range want {
		w := want[i]
		if slices.ContainsFunc(have, func(h FlowLog) bool {
			return h.Declared && h.Active() && sameParams(&w.Params, &h.Params)
		}) {
			continue
		}
		w.Declared, w.Owners, w.Created = true, []string{owner}, now
		if w.ID == "" {
			w.ID = NewID()
		}
		errs = append(errs, s.Create(ctx, &w))
	}
	return errors.Join(errs...)
}

// own adds an owner.
func (s *Store) own(ctx context.Context, f *FlowLog, owner string) error {
	if slices.Contains(f.Owners, owner) {
		return nil
	}
	return s.Change(ctx, f.ID, func(f *FlowLog) {
		f.Owners = append(f.Owners, owner)
		slices.Sort(f.Owners)
	})
}

// disown removes an owner, and with the last one the flow log.
func (s *Store) disown(ctx context.Context, id, owner string, now time.Time) error {
	return s.Change(ctx, id, func(f *FlowLog) {
		f.Owners = slices.DeleteFunc(f.Owners, func(o string) bool { return o == owner })
		if len(f.Owners) == 0 && f.Active() {
			f.Deleted = now
		}
	})
}

func sameParams(a, b *Params) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// samePlace reports whether two flow logs would bring the same records to the
// same place.
func samePlace(a, b *Params) bool {
	if a.ResourceID != b.ResourceID || a.DestinationType != b.DestinationType {
		return false
	}
	if a.DestinationType == CloudWatchLogs {
		x, errX := a.GroupName()
		y, errY := b.GroupName()
		if errX == nil && errY == nil {
			return x == y // the one may be given by its name, the other by its ARN
		}
	}
	return a.Destination == b.Destination && a.LogGroup == b.LogGroup
}
