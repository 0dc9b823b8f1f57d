package ddl

import (
	"fmt"
	"strings"

	"weir/record"
)

var trinoTypes = map[record.ColumnType]string{record.String: "varchar", record.Int32: "integer", record.Int64: "bigint"}

// trino writes a table of the Hive connector, which knows Athena's partition projection.
func (w *writer) trino() error {
	list, template, err := w.projections()
	if err != nil {
		return err
	}
	w.begin("the Hive connector of Trino", append([]string{"the name of the table; put catalog and schema before it: hive.default." + w.Name,
		"s3:// is s3a:// in some older installations"}, w.changeProjections()...)...)
	columns := w.columnList(double, trinoTypes)
	var keys []string
	for _, p := range list {
		properties := []string{"partition_projection_type = " + quoted(p.typ)}
		add := func(what, value string) {
			properties = append(properties, "partition_projection_"+what+" = "+value)
		}
		switch p.typ {
		case "enum":
			add("values", array(p.values))
		case "date":
			add("format", "'yyyy/MM/dd'")
			add("range", array([]string{p.from, p.to}))
			add("interval", "1")
			add("interval_unit", "'DAYS'")
		case "integer":
			add("digits", p.digits)
			add("range", array([]string{p.from, p.to}))
		}
		columns = append(columns, fmt.Sprintf("%s varchar WITH (%s)", double(p.name), strings.Join(properties, ", ")))
		keys = append(keys, p.name)
	}
	w.line("CREATE TABLE IF NOT EXISTS %s (", double(w.Name))
	w.list("  ", columns)
	w.line(") WITH (")
	properties := []string{"format = 'PARQUET'"}
	if !w.Parquet {
		properties = []string{"format = 'TEXTFILE'", "textfile_field_separator = ' '", "null_format = '-'", "skip_header_line_count = 1"}
	}
	w.list("  ", append(properties,
		"external_location = "+quoted(w.root()),
		"partitioned_by = "+array(keys),
		"partition_projection_enabled = true",
		"partition_projection_location_template = "+quoted(template)))
	w.line(");")
	w.nulls()
	w.example(double)
	return nil
}

func array(values []string) string {
	var out []string
	for _, v := range values {
		out = append(out, quoted(v))
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]"
}
