package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metrics"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
	"weir/internal/logs/pattern"
)

// Names of the metrics that filters make. Labels say which filter it is, and what of the
// event.
const (
	valueName   = "weir_logs_metric_filter_value_total"
	matchesName = "weir_logs_metric_filter_matches_total"
	beyondName  = "weir_logs_metric_filter_left_out_total"
)

// maxSeries is how many combinations of dimensions a filter counts apart; events of others
// are counted as left out.
const maxSeries = 1000

// maxLabel is how long a label's value is at most, in bytes.
const maxLabel = 256

// A FilterStore knows metric filters. A [Store] is one.
type FilterStore interface {
	Group(ctx context.Context, name string) (logs.Group, error)
	Filters(ctx context.Context, group string) ([]logs.MetricFilter, error)
}

// Metrics count what metric filters make of the events that this process has taken, since
// it was started. They may be used from any goroutine.
type Metrics struct {
	set *metrics.Set

	mu     sync.Mutex
	parsed map[string]*pattern.Pattern  // by text
	series map[filterKey]map[string]int // names of a filter's metrics, by labels
}

// NewMetrics returns counters without any filter.
func NewMetrics() *Metrics {
	return &Metrics{set: metrics.NewSet(), parsed: make(map[string]*pattern.Pattern), series: make(map[filterKey]map[string]int)}
}

// Set returns what is counted.
func (m *Metrics) Set() *metrics.Set { return m.set }

// Help returns what each name of the set means.
func (m *Metrics) Help() map[string]string {
	return map[string]string{
		valueName:   "Sum of the values that a metric filter made of events.",
		matchesName: "Events that a metric filter made a value of.",
		beyondName:  "Events that match a metric filter and are not counted: they have no value or dimension, or too many dimensions exist.",
	}
}

// Taken counts events that were put into a group.
func (m *Metrics) Taken(ctx context.Context, store FilterStore, group string, events []cloudwatch.Event) error {
	g, err := store.Group(ctx, group)
	if err != nil || g.Filters == 0 {
		return err
	}
	filters, err := store.Filters(ctx, group)
	if err != nil {
		return err
	}
	for i := range filters {
		f := &filters[i]
		p, err := m.pattern(f.Pattern)
		if err != nil {
			return fmt.Errorf("logs: metric filter %s of %s: %w", f.Name, f.Group, err)
		}
		for j := range f.Transformations {
			m.count(f, p, &f.Transformations[j], events)
		}
	}
	return nil
}

// maxParsed is how many patterns are kept.
const maxParsed = 1000

func (m *Metrics) pattern(text string) (*pattern.Pattern, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.parsed[text]; ok {
		return p, nil
	}
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(m.parsed) == maxParsed {
		clear(m.parsed)
	}
	m.parsed[text] = p
	return p, nil
}

func (m *Metrics) count(f *logs.MetricFilter, p *pattern.Pattern, t *logs.Transformation, events []cloudwatch.Event) {
	type sum struct {
		value float64
		n     int
	}
	sums := make(map[string]sum) // by labels
	left := 0
	for i := range events {
		message := events[i].Message
		if !p.Match(message) {
			continue
		}
		value, ok := p.Metric(message, t.MetricValue)
		labels, all := labelsOf(f, p, t, message)
		if !ok || !all {
			left++
			continue
		}
		s := sums[labels]
		sums[labels] = sum{s.value + value, s.n + 1}
	}
	for _, labels := range slices.Sorted(maps.Keys(sums)) {
		s := sums[labels]
		if !m.may(f, labels) {
			left += s.n
			continue
		}
		m.set.GetOrCreateFloatCounter(valueName + labels).Add(s.value)
		m.set.GetOrCreateCounter(matchesName + labels).Add(s.n)
	}
	if left > 0 {
		labels, _ := labelsOf(f, p, &logs.Transformation{MetricName: t.MetricName, MetricNamespace: t.MetricNamespace}, "")
		m.may(f, labels)
		m.set.GetOrCreateCounter(beyondName + labels).Add(left)
	}
}

// may remembers that a filter has a series, and says whether it may.
func (m *Metrics) may(f *logs.MetricFilter, labels string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := filterKey{f.Group, f.Name}
	known := m.series[key]
	if known == nil {
		known = make(map[string]int)
		m.series[key] = known
	}
	if _, ok := known[labels]; !ok && len(known) >= maxSeries {
		return false
	}
	known[labels]++
	return true
}

// forget drops the counters of a filter, of all of a group if it is empty.
func (m *Metrics) forget(group, filter string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.series {
		if key.Group == group && (filter == "" || key.Name == filter) {
			m.drop(key)
		}
	}
}

func (m *Metrics) drop(key filterKey) {
	for labels := range m.series[key] {
		for _, name := range []string{valueName, matchesName, beyondName} {
			m.set.UnregisterMetric(name + labels)
		}
	}
	delete(m.series, key)
}

// labelsOf returns the labels of what an event adds to, and whether it has all dimensions.
func labelsOf(f *logs.MetricFilter, p *pattern.Pattern, t *logs.Transformation, message string) (string, bool) {
	var b strings.Builder
	label := func(name, value string) {
		b.WriteString(name + `="` + labelValue(value) + `"`)
	}
	b.WriteByte('{')
	label("log_group", f.Group)
	b.WriteByte(',')
	label("filter", f.Name)
	b.WriteByte(',')
	label("namespace", t.MetricNamespace)
	b.WriteByte(',')
	label("metric", t.MetricName)
	used := make(map[string]bool, len(t.Dimensions))
	for _, name := range slices.Sorted(maps.Keys(t.Dimensions)) {
		value, ok := p.Value(message, t.Dimensions[name])
		if !ok {
			return "", false
		}
		name = labelName(name)
		for used[name] {
			name += "_"
		}
		used[name] = true
		b.WriteByte(',')
		label(name, value)
	}
	b.WriteByte('}')
	return b.String(), true
}

// labelName makes a label of a dimension's name: dimension_ and the name, with underscores
// for all but the letters, digits and underscores of ASCII.
func labelName(name string) string {
	return "dimension_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_':
			return r
		}
		return '_'
	}, name)
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labelValue returns a value as it is written between quotation marks, cut where it is too
// long.
func labelValue(v string) string {
	if len(v) > maxLabel {
		n := maxLabel
		for n > 0 && !utf8.RuneStart(v[n]) {
			n--
		}
		v = v[:n]
	}
	return escaper.Replace(strings.ToValidUTF8(v, "\uFFFD"))
}
