package ddl

import (
	"errors"
	"fmt"
	"strings"
)

// root is the folder that all files of the table are below.
func (w *writer) root() string {
	root := w.place + "/AWSLogs/"
	if w.Organization != "" {
		root += w.Organization + "/"
	}
	return root
}

// service is Hive's folder of the service.
func (w *writer) service() string {
	if w.TransitGateway {
		return "service"
	}
	return "aws-service"
}

// path is the folder of files below root with these values.
func (w *writer) path(account, region, year, month, day, hour string) string {
	var b strings.Builder
	if w.Hive {
		fmt.Fprintf(&b, "aws-account-id=%s/%s=vpcflowlogs/aws-region=%s/year=%s/month=%s/day=%s/", account, w.service(), region, year, month, day)
		if w.PerHour {
			fmt.Fprintf(&b, "hour=%s/", hour)
		}
		return b.String()
	}
	fmt.Fprintf(&b, "%s/vpcflowlogs/%s/%s/", account, region, join(year, month, day))
	if w.PerHour {
		b.WriteString(hour + "/")
	}
	return b.String()
}

// join joins folders; those that one value stands for are empty.
func join(folders ...string) string {
	return strings.TrimRight(strings.Join(folders, "/"), "/")
}

// glob is a pattern of all files.
func (w *writer) glob() (string, error) {
	if strings.ContainsAny(w.root(), "*?[]{}") {
		return "", fmt.Errorf("location %q: has a character that is a pattern to this engine", w.place)
	}
	return w.root() + w.path(one(w.Accounts), one(w.Regions), "*", "*", "*", "*") + "*" + w.suffix(), nil
}

// one is the only value of a list, and else a pattern of all.
func one(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return "*"
}

// partitionNames are columns that the folders or names of files give. None is the name
// of a field.
var partitionNames = [...]string{"aws_account_id", "aws_region", "date", "year", "month", "day", "hour"}

// A projection is a partition whose folders an engine works out.
type projection struct {
	name   string
	typ    string   // enum, injected, date, integer
	values []string // of an enum
	from   string   // of date and integer, inclusive
	to     string
	digits string // of integer
}

// yearsAhead is how many years of folders nobody has to touch the table.
const yearsAhead = 10

// projections returns the partitions of the table, and the folders as a template. In
// folders of Hive's kind year, month and day are a partition each, as they are in the
// template that Amazon's API gives; else the three folders are one, the date.
func (w *writer) projections() (list []projection, template string, err error) {
	if w.local {
		return nil, "", errors.New("reads no directories, only s3://BUCKET/FOLDER")
	}
	if strings.Contains(w.place, "${") {
		return nil, "", fmt.Errorf("location %q: ${ stands for a partition", w.place)
	}
	list = []projection{known("aws_account_id", w.Accounts), known("aws_region", w.Regions)}
	if w.Hive {
		year := w.From.UTC().Year()
		list = append(list,
			projection{name: "year", typ: "integer", from: fmt.Sprint(year), to: fmt.Sprint(year + yearsAhead), digits: "4"},
			projection{name: "month", typ: "integer", from: "1", to: "12", digits: "2"},
			projection{name: "day", typ: "integer", from: "1", to: "31", digits: "2"})
		template = w.path("${aws_account_id}", "${aws_region}", "${year}", "${month}", "${day}", "${hour}")
	} else {
		list = append(list, projection{name: "date", typ: "date", from: w.From.UTC().Format("2006/01/02"), to: "NOW"})
		template = w.path("${aws_account_id}", "${aws_region}", "${date}", "", "", "${hour}")
	}
	if w.PerHour {
		list = append(list, projection{name: "hour", typ: "integer", from: "0", to: "23", digits: "2"})
	}
	return list, w.root() + template, nil
}

// known is a partition with these values, or with what a query says if there is none.
func known(name string, values []string) projection {
	if len(values) == 0 {
		return projection{name: name, typ: "injected"}
	}
	return projection{name: name, typ: "enum", values: values}
}

// changeProjections says what to change in partitions, for the comment.
func (w *writer) changeProjections() []string {
	out := []string{"aws_account_id, aws_region: the values there are"}
	if len(w.Accounts) == 0 || len(w.Regions) == 0 {
		out[0] = "aws_account_id, aws_region: list the values there are (enum); an injected one"
		out = append(out, "has to be in the WHERE of every query")
	}
	if w.Hive {
		return append(out, "year: the range of years")
	}
	return append(out, "date: its range, from the first day with files; values are like '"+w.From.UTC().Format("2006/01/02")+"'")
}

// example is a query that reads one day only.
func (w *writer) example(quote func(string) string) {
	day := w.From.UTC()
	where := fmt.Sprintf("%s = '%s'", quote("date"), day.Format("2006/01/02"))
	if w.Hive {
		where = fmt.Sprintf("%s = '%s' AND %s = '%s' AND %s = '%s'", quote("year"), day.Format("2006"), quote("month"), day.Format("01"), quote("day"), day.Format("02"))
	}
	for _, p := range [...]struct {
		name   string
		values []string
		like   string
	}{{"aws_account_id", w.Accounts, "123456789012"}, {"aws_region", w.Regions, "us-east-1"}} {
		if len(p.values) == 0 {
			where = fmt.Sprintf("%s = '%s' AND ", quote(p.name), p.like) + where
		}
	}
	w.line("")
	w.line("-- A day of it:")
	w.line("-- SELECT * FROM %s WHERE %s LIMIT 10;", quote(w.Name), where)
}
