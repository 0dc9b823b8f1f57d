package ddl

import (
	"strings"

	"weir/record"
)

var hiveTypes = map[record.ColumnType]string{record.String: "string", record.Int32: "int", record.Int64: "bigint"}

// athena writes a table like the one of the template that Amazon's API gives. Athena
// works out its partitions, so that new folders are there at once.
func (w *writer) athena() error {
	list, template, err := w.projections()
	if err != nil {
		return err
	}
	w.begin("Amazon Athena", append([]string{"the name of the table; put the name of a database and a dot before it"}, w.changeProjections()...)...)
	w.line("CREATE EXTERNAL TABLE IF NOT EXISTS %s (", ticked(w.Name))
	w.list("  ", w.columnList(ticked, hiveTypes))
	w.line(")")
	var keys []string
	for _, p := range list {
		keys = append(keys, ticked(p.name)+" string")
	}
	w.line("PARTITIONED BY (")
	w.list("  ", keys)
	w.line(")")
	properties := [][2]string{{"classification", "csv"}, {"skip.header.line.count", "1"}}
	if w.Parquet {
		properties = [][2]string{{"classification", "parquet"}}
		w.line("ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'")
		w.line("STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'")
		w.line("OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'")
	} else {
		w.line("ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'")
		w.line("WITH SERDEPROPERTIES ('field.delim' = ' ', 'serialization.format' = ' ', 'serialization.null.format' = '-')")
		w.line("STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'")
		w.line("OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'")
	}
	w.line("LOCATION %s", escaped(w.root()))
	properties = append(properties, [2]string{"projection.enabled", "true"}, [2]string{"storage.location.template", template})
	for _, p := range list {
		add := func(what, value string) {
			properties = append(properties, [2]string{"projection." + p.name + "." + what, value})
		}
		add("type", p.typ)
		switch p.typ {
		case "enum":
			add("values", strings.Join(p.values, ","))
		case "date":
			add("format", "yyyy/MM/dd")
			add("range", p.from+","+p.to)
			add("interval", "1")
			add("interval.unit", "DAYS")
		case "integer":
			add("digits", p.digits)
			add("range", p.from+","+p.to)
		}
	}
	var items []string
	for _, p := range properties {
		items = append(items, escaped(p[0])+" = "+escaped(p[1]))
	}
	w.line("TBLPROPERTIES (")
	w.list("  ", items)
	w.line(");")
	w.nulls()
	w.example(double)
	return nil
}

// columnList is the columns with their types.
func (w *writer) columnList(quote func(string) string, types map[record.ColumnType]string) []string {
	var out []string
	for _, c := range w.columns() {
		out = append(out, quote(c.name)+" "+types[c.typ])
	}
	return out
}

// nulls says how absent values look in Parquet, where an engine cannot be told.
func (w *writer) nulls() {
	if w.Parquet {
		w.line("")
		w.line("-- What a record does not have is null in files of Weir. In those of others it may be")
		w.line("-- '-' in text and 0 in numbers: nullif(instance_id, '-') makes it null.")
	}
}
