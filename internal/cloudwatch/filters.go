package cloudwatch

// PutMetricFilter makes or changes a metric filter of a group.
type PutMetricFilter struct {
	LogGroupName          string                 `json:"logGroupName" is:"required,group"`
	FilterName            string                 `json:"filterName" is:"required,filter"`
	FilterPattern         string                 `json:"filterPattern" is:"required,pattern"`
	MetricTransformations []MetricTransformation `json:"metricTransformations" is:"required,list=1-1"`
}

// A MetricTransformation says what a matching event adds to a metric.
type MetricTransformation struct {
	MetricName      string            `json:"metricName" is:"required,metric"`
	MetricNamespace string            `json:"metricNamespace" is:"required,metric"`
	MetricValue     string            `json:"metricValue" is:"required,metricValue"` // a number, or a field such as "$.size"
	DefaultValue    *float64          `json:"defaultValue,omitempty"`
	Dimensions      map[string]string `json:"dimensions,omitempty" is:"dimension:dimension"` // fields by their names
	Unit            string            `json:"unit,omitempty"`
}

// A MetricFilter describes a metric filter.
type MetricFilter struct {
	FilterName            string                 `json:"filterName"`
	FilterPattern         string                 `json:"filterPattern"`
	MetricTransformations []MetricTransformation `json:"metricTransformations"`
	CreationTime          int64                  `json:"creationTime"` // milliseconds since 1970
	LogGroupName          string                 `json:"logGroupName"`
}

// DescribeMetricFilters asks for metric filters, of one group or of all.
type DescribeMetricFilters struct {
	LogGroupName     string `json:"logGroupName,omitempty" is:"group"`
	FilterNamePrefix string `json:"filterNamePrefix,omitempty" is:"filter"`
	MetricName       string `json:"metricName,omitempty" is:"metric"`
	MetricNamespace  string `json:"metricNamespace,omitempty" is:"metric"`
	NextToken        string `json:"nextToken,omitempty" is:"token"`
	Limit            *int   `json:"limit,omitempty" is:"limit50"`
}

// DescribeMetricFiltersAnswer is the answer to DescribeMetricFilters.
type DescribeMetricFiltersAnswer struct {
	MetricFilters []MetricFilter `json:"metricFilters"`
	NextToken     string         `json:"nextToken,omitempty"`
}

// DeleteMetricFilter deletes a metric filter.
type DeleteMetricFilter struct {
	LogGroupName string `json:"logGroupName" is:"required,group"`
	FilterName   string `json:"filterName" is:"required,filter"`
}

// TestMetricFilter asks which of some messages match a pattern.
type TestMetricFilter struct {
	FilterPattern    string   `json:"filterPattern" is:"required,pattern"`
	LogEventMessages []string `json:"logEventMessages" is:"required,list=1-50,message"`
}

// TestMetricFilterAnswer is the answer to TestMetricFilter.
type TestMetricFilterAnswer struct {
	Matches []MetricFilterMatch `json:"matches"`
}

// A MetricFilterMatch is a message that matches.
type MetricFilterMatch struct {
	EventNumber     int64             `json:"eventNumber"` // from 1 on
	EventMessage    string            `json:"eventMessage"`
	ExtractedValues map[string]string `json:"extractedValues"`
}
