package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"weir/internal/vpc"
)

func (d device) key() string { return fmt.Sprintf("%d.%d", d.netns, d.index) }

// remember reads what a former process captured.
func (a *Agent) remember(ctx context.Context) error {
	var bad error
	err := a.cfg.Interfaces.List(ctx, "", func(key string, value []byte) {
		var d device
		i := new(vpc.Interface)
		_, err := fmt.Sscanf(key, "%d.%d", &d.netns, &d.index)
		if err == nil {
			err = json.Unmarshal(value, i)
		}
		if err != nil {
			bad = fmt.Errorf("agent: read what was captured as %s: %w", key, err)
			return
		}
		a.known[d], a.kept[d] = i, string(value)
	})
	if err != nil {
		return fmt.Errorf("agent: read what was captured: %w", err)
	}
	return bad
}

// keep writes down what captured devices are, where that has changed.
func (a *Agent) keep(interfaces map[device]*vpc.Interface) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a.keeping.Lock()
	defer a.keeping.Unlock()
	var errs []error
	for d, i := range interfaces {
		raw, err := json.Marshal(i)
		if err == nil && a.isKept(d, string(raw)) {
			continue
		}
		if err == nil {
			_, err = a.cfg.Interfaces.Put(ctx, d.key(), raw)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("write down what %s is: %w", i.ID, err))
			continue
		}
		a.mu.Lock()
		a.kept[d] = string(raw)
		a.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (a *Agent) isKept(d device, raw string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept[d] == raw
}

// forget drops what is known of devices that are covered no more. What they
// carried last may still be in the window that is open while this one is handed
// over, so they stay until the next.
func (a *Agent) forget(ctx context.Context) {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	a.mu.Lock()
	var gone []device
	for d := range a.known {
		switch {
		case a.covers[d] != nil:
			delete(a.going, d)
		case a.going[d]:
			gone = append(gone, d)
			delete(a.going, d)
			delete(a.known, d)
			delete(a.kept, d)
		default:
			a.going[d] = true
		}
	}
	a.mu.Unlock()
	for _, d := range gone {
		if err := a.cfg.Interfaces.Delete(ctx, d.key()); err != nil {
			a.cfg.Logger.Error("forget what was captured", "err", err)
		}
	}
}
