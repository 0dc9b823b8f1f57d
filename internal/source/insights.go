package source

import (
	"encoding/json"
	"errors"
	"strings"

	"weir/record"
)

// CloudWatch Logs Insights exports the results of a query as CSV, JSON, or what
// GetQueryResults answers. Columns are system fields, whose names begin with @, and
// fields that it discovered in flow logs, as accountId and srcAddr ("Supported logs and
// discovered fields" in the user guide of CloudWatch Logs, read 2026-11-24).

// insightsMessage is the system field that holds the whole line.
const insightsMessage = "@message"

// fieldName returns the name that a column of CSV or JSON has in a header: system fields
// become extensions.
func fieldName(name string) string {
	switch name {
	case "startTime":
		return record.Start.Name()
	case "endTime":
		return record.End.Name()
	case "@timestamp":
		return timestamp
	case "@logStream":
		return stream
	}
	if system, ok := strings.CutPrefix(name, "@"); ok {
		return "x-" + strings.ReplaceAll(system, ".", "-")
	}
	return name
}

// errAggregated are results that are no records any more.
var errAggregated = errors.New("results of a CloudWatch Logs Insights query that are no records: " +
	"query for \"fields @timestamp, @message\", or read logs://GROUP")

// aggregated reports whether names are columns of a query of Insights that adds up or
// computes, such as sum(bytes).
func aggregated(names []string) bool {
	for _, n := range names {
		if strings.Contains(n, "(") && strings.HasSuffix(n, ")") || strings.HasPrefix(n, "@") {
			return true
		}
	}
	return false
}

// A cell is a value of a row that GetQueryResults answers.
type cell struct{ Field, Value string }

// results reads the rows of an answer of GetQueryResults, of which "[" has been read.
func (j *jsonForm) results(dead bool) error {
	for j.dec.More() {
		var row []cell
		if err := j.dec.Decode(&row); err != nil {
			if errors.As(err, new(*json.UnmarshalTypeError)) {
				return errors.New(`"results" that are not those of CloudWatch Logs Insights`)
			}
			return err
		}
		o := j.begin(dead)
		for _, c := range row {
			o.add(c.Field, c.Value)
		}
		if err := o.end(); err != nil {
			return err
		}
	}
	_, err := j.dec.Token()
	return err
}
