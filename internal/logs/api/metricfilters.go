package api

import (
	"context"
	"strings"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
	"weir/internal/logs/pattern"
)

// Bounds of metric filters, "CloudWatch Logs quotas" and "PutMetricFilter".
const (
	maxFilters    = 100 // of a group
	maxDimensions = 3
)

func (s *Service) putMetricFilter(ctx context.Context, in *cloudwatch.PutMetricFilter) (*nothing, error) {
	t := in.MetricTransformations[0]
	if err := checkFilter(in.FilterPattern, &t); err != nil {
		return nil, err
	}
	g, err := s.cfg.Store.Group(ctx, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if g.Class != "" && g.Class != "STANDARD" {
		return nil, cloudwatch.ClassOfGroup
	}
	if g.Filters >= maxFilters {
		all, err := s.cfg.Store.Filters(ctx, in.LogGroupName)
		if err != nil {
			return nil, err
		}
		if !hasFilter(all, in.FilterName) {
			return nil, cloudwatch.TooManyFilters
		}
	}
	s.metrics.forget(in.LogGroupName, in.FilterName)
	return nil, s.cfg.Store.PutFilter(ctx, logs.MetricFilter{
		Group: in.LogGroupName, Name: in.FilterName, Pattern: in.FilterPattern,
		Transformations: []logs.Transformation{logs.Transformation(t)},
	})
}

func hasFilter(all []logs.MetricFilter, name string) bool {
	for i := range all {
		if all[i].Name == name {
			return true
		}
	}
	return false
}

// checkFilter says what is wrong with a filter's pattern, or with what it makes of events.
func checkFilter(text string, t *cloudwatch.MetricTransformation) error {
	p, err := pattern.Parse(text)
	if err != nil {
		return cloudwatch.Invalid(err.Error())
	}
	if err := p.CheckValue(t.MetricValue); err != nil {
		return cloudwatch.Invalid("Invalid metric value: " + err.Error())
	}
	if len(t.Dimensions) > maxDimensions {
		return cloudwatch.Invalid("A metric filter can have no more than 3 dimensions.")
	}
	if len(t.Dimensions) > 0 && t.DefaultValue != nil {
		return cloudwatch.Invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	}
	for _, selector := range t.Dimensions {
		if !strings.HasPrefix(selector, "$") {
			return cloudwatch.Invalid("Invalid dimension: a value is a field of the pattern, such as $.name")
		}
		if err := p.CheckValue(selector); err != nil {
			return cloudwatch.Invalid("Invalid dimension: " + err.Error())
		}
	}
	return nil
}

// A filterKey is what metric filters are in the order of.
type filterKey struct {
	Group string `json:"g"`
	Name  string `json:"n"`
}

func (s *Service) describeMetricFilters(ctx context.Context, in *cloudwatch.DescribeMetricFilters) (*cloudwatch.DescribeMetricFiltersAnswer, error) {
	if (in.MetricName == "") != (in.MetricNamespace == "") {
		return nil, cloudwatch.MetricAndNamespace
	}
	all, err := s.cfg.Store.Filters(ctx, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	var found []logs.MetricFilter
	for _, f := range all {
		if strings.HasPrefix(f.Name, in.FilterNamePrefix) && (in.MetricName == "" || makes(&f, in.MetricName, in.MetricNamespace)) {
			found = append(found, f)
		}
	}
	page, token, err := pageOf(found, "filters", in.NextToken, in.Limit, 50,
		func(f *logs.MetricFilter) filterKey { return filterKey{f.Group, f.Name} },
		func(f *logs.MetricFilter, last filterKey) bool {
			return f.Group > last.Group || f.Group == last.Group && f.Name > last.Name
		})
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeMetricFiltersAnswer{MetricFilters: make([]cloudwatch.MetricFilter, len(page)), NextToken: token}
	for i := range page {
		f := &page[i]
		d := &out.MetricFilters[i]
		*d = cloudwatch.MetricFilter{FilterName: f.Name, FilterPattern: f.Pattern, CreationTime: f.Created, LogGroupName: f.Group}
		for _, t := range f.Transformations {
			d.MetricTransformations = append(d.MetricTransformations, cloudwatch.MetricTransformation(t))
		}
	}
	return out, nil
}

func makes(f *logs.MetricFilter, metric, namespace string) bool {
	for _, t := range f.Transformations {
		if t.MetricName == metric && t.MetricNamespace == namespace {
			return true
		}
	}
	return false
}

func (s *Service) deleteMetricFilter(ctx context.Context, in *cloudwatch.DeleteMetricFilter) (*nothing, error) {
	if err := s.cfg.Store.DeleteFilter(ctx, in.LogGroupName, in.FilterName); err != nil {
		return nil, err
	}
	s.metrics.forget(in.LogGroupName, in.FilterName)
	return nil, nil
}

func (s *Service) testMetricFilter(_ context.Context, in *cloudwatch.TestMetricFilter) (*cloudwatch.TestMetricFilterAnswer, error) {
	p, err := pattern.Parse(in.FilterPattern)
	if err != nil {
		return nil, cloudwatch.Invalid(err.Error())
	}
	out := &cloudwatch.TestMetricFilterAnswer{Matches: []cloudwatch.MetricFilterMatch{}}
	for i, message := range in.LogEventMessages {
		if p.Match(message) {
			out.Matches = append(out.Matches, cloudwatch.MetricFilterMatch{
				EventNumber: int64(i + 1), EventMessage: message, ExtractedValues: p.Extract(message),
			})
		}
	}
	return out, nil
}
