package agent

import (
	"context"
	"encoding/json"
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
		a.known[d] = i
	})
	if err != nil {
		return fmt.Errorf("agent: read what was captured: %w", err)
	}
	return bad
}

// keep writes down what a captured device is.
func (a *Agent) keep(d device, i *vpc.Interface) {
	raw, err := json.Marshal(i)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err = a.cfg.Interfaces.Put(ctx, d.key(), raw)
	}
	if err != nil {
		a.cfg.Logger.Error("write down what is captured", "interface", i.ID, "err", err)
	}
}

// forget drops what is known of devices that are covered no more. What they
// carried last may still be in the window that is open while this one is handed
// over, so they stay until the next.
func (a *Agent) forget(ctx context.Context) {
	a.mu.Lock()
	_, interfaces := covered(a.model, a.active)
	var gone []device
	for d := range a.known {
		switch {
		case interfaces[d] != nil:
			delete(a.going, d)
		case a.going[d]:
			gone = append(gone, d)
			delete(a.going, d)
			delete(a.known, d)
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
