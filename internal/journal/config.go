package journal

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
)

// Config configures [Open]. Exactly one of Dir and URL is required. Everybody
// who opens one external journal should use the same Replicas and MaxBytes:
// the last one to open it wins.
type Config struct {
	// Dir holds the files of the embedded server; it is created with mode 0700.
	Dir string

	// URL of an external server, such as "nats://user:secret@host:4222"; of
	// several servers of one cluster, separated by commas.
	URL string

	// Replicas is how many servers keep each message: 1, 3 or 5; default 1.
	// An embedded server is one.
	Replicas int

	// MaxBytes limits what waiting windows take on disk; default unlimited,
	// or what the external stream has already. An embedded server also
	// refuses windows when its disk has less than 16 MiB left.
	MaxBytes int64

	Logger *slog.Logger // default discards
}

func (c Config) check() (Config, error) {
	switch {
	case (c.Dir == "") == (c.URL == ""):
		return c, errors.New("exactly one of Dir and URL is required")
	case c.Dir != "" && c.Replicas > 1:
		return c, fmt.Errorf("%d replicas take a cluster, an embedded server is one", c.Replicas)
	case c.Replicas < 0 || c.Replicas > 5:
		return c, fmt.Errorf("want 1 to 5 replicas, not %d", c.Replicas)
	case c.MaxBytes < 0:
		return c, fmt.Errorf("MaxBytes is %d", c.MaxBytes)
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c, nil
}
