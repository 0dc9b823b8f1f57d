package capture

import (
	"fmt"
	"log/slog"
	"time"

	"weir/internal/flow"
)

// Sizes and defaults of a [Config].
const (
	DefaultMaxFlows = 1 << 17
	MinMaxFlows     = 16
	LimitMaxFlows   = 1 << 24

	// BytesPerFlow is the kernel memory one unit of MaxFlows takes, whether
	// used or not: an entry of 112 bytes for IPv4 and one of 136 for IPv6,
	// each in two generations (measured on Linux 6.18, memlock of the maps).
	BytesPerFlow = 2 * (112 + 136)
)

// Config configures [Open]. Every zero value is a default.
type Config struct {
	// MaxFlows is how many flows of each IP version a window can hold before
	// it is closed early; beyond it packets are skipped, and counted as such.
	// Accepted and refused packets of one 5-tuple are two. 0 means
	// [DefaultMaxFlows]. It is fixed for as long as the tables are pinned.
	MaxFlows int

	// Exclude is what makes no record.
	Exclude Exclusions

	// Pin is a directory on a BPF file system in which tables and hooks
	// outlive this process. Empty: they end with it.
	Pin string

	// Aligned makes intervals begin at multiples of their length since the
	// Unix epoch; the first one is shorter then.
	Aligned bool

	// After is the highest [flow.Window.Tables] handed over so far: new tables
	// get a higher number, even if the clock was set back meanwhile.
	After uint64

	// Covered says that [Source.Cover] tells what to capture: interfaces that
	// a former process captured go on until its first call.
	Covered bool

	Logger *slog.Logger // default discards

	// avoid makes Open do without a feature the kernel has, in tests.
	avoid struct{ tcx, typedTracepoint, membarrier bool }
}

func (c Config) withDefaults() (Config, error) {
	if c.MaxFlows == 0 {
		c.MaxFlows = DefaultMaxFlows
	}
	if c.MaxFlows < MinMaxFlows || c.MaxFlows > LimitMaxFlows {
		return c, fmt.Errorf("max flows %d: want %d to %d", c.MaxFlows, MinMaxFlows, LimitMaxFlows)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// A Target names interfaces of one network namespace.
type Target struct {
	// Netns is a name under /run/netns, or a path such as
	// /proc/1234/ns/net; empty is the namespace of this process.
	Netns string

	// Names are interface names, or patterns as [path.Match] reads them.
	// Interfaces that do not exist are captured from when they appear.
	Names []string

	// Plan tells where the subnet's router and DNS server are, if they are
	// to be left out.
	Plan Plan
}

// A Device is one interface that exists.
type Device struct {
	Netns string // as in [Target]
	Index int
	Plan  Plan
}

// A Sink takes the windows that end together, one for each interface. Once it
// returns nil they are the receiver's and leave the kernel; after an error the
// same windows are offered again. It is called from one goroutine at a time and
// must not keep the slice.
type Sink func([]flow.Window) error

// Totals count, since the tables were created, what made no record, and what
// the capture itself did.
type Totals struct {
	NotIP          flow.Count // ARP and every other EtherType
	Truncated      flow.Count // shorter than the IP header says
	BadHeader      flow.Count // IP version or header length wrong
	TooManyHeaders flow.Count // IPv6 extension headers or VLAN tags beyond the bound
	Unattributed   flow.Count // refused without a device, or unreadable when refused
	OtherHost      flow.Count // frames for another host, discarded by the IP layer
	Skipped        flow.Count // packets that found the table full
	Excluded       map[Exclusion]flow.Count

	Windows    uint64 // closings of a generation
	EarlySwaps uint64 // of those, because a table was nearly full
	Unmatched  uint64 // refusals whose packets were seen in no window that was still open
}

// retryPause is how long a sink that returned an error is left alone.
const retryPause = time.Second
