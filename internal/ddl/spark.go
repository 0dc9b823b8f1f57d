package ddl

import "weir/record"

var sparkTypes = map[record.ColumnType]string{record.String: "STRING", record.Int32: "INT", record.Int64: "BIGINT"}

// spark writes a partitioned table of Hive's folders. Of others Spark takes no
// partitions: they become a view of all files.
func (w *writer) spark() error {
	glob, err := w.glob()
	if err != nil {
		return err
	}
	using, options := "parquet", []string{}
	if !w.Parquet {
		// Without enforceSchema the header, with hyphens, would have to have the
		// names of the columns.
		using, options = "csv", []string{"sep ' '", "header 'true'", "enforceSchema 'true'", "nullValue '-'", "quote ''", "mode 'FAILFAST'"}
	}
	columns := w.columnList(ticked, sparkTypes)
	change := []string{"the name of the table"}
	if !w.local {
		change = append(change, "s3:// is s3a:// outside Amazon EMR")
	}
	if !w.Hive {
		w.begin("Apache Spark", append(change, "the path: every query reads all of it, because these folders are no partitions;",
			"replace * by a year, a month, a day to read less")...)
		w.line("CREATE OR REPLACE TEMPORARY VIEW %s (", ticked(w.Name))
		w.list("  ", columns)
		w.line(")")
		w.line("USING %s", using)
		w.line("OPTIONS (")
		w.list("  ", append(options, "path "+escaped(glob)))
		w.line(");")
		w.nulls()
		return nil
	}
	keys := []string{"aws-account-id", w.service(), "aws-region", "year", "month", "day"}
	if w.PerHour {
		keys = append(keys, "hour")
	}
	for i, k := range keys {
		keys[i] = ticked(k)
		columns = append(columns, keys[i]+" STRING")
	}
	w.begin("Apache Spark", change...)
	w.line("CREATE TABLE IF NOT EXISTS %s (", ticked(w.Name))
	w.list("  ", columns)
	w.line(")")
	w.line("USING %s", using)
	if len(options) > 0 {
		w.line("OPTIONS (")
		w.list("  ", options)
		w.line(")")
	}
	w.line("PARTITIONED BY (")
	w.list("  ", keys)
	w.line(")")
	w.line("LOCATION %s;", escaped(w.root()))
	w.line("")
	w.line("-- Finds the folders there are; run it again when there are new ones.")
	w.line("MSCK REPAIR TABLE %s;", ticked(w.Name))
	w.nulls()
	w.line("")
	day := w.From.UTC()
	w.line("-- A day of it:")
	w.line("-- SELECT * FROM %s WHERE `year` = '%s' AND `month` = '%s' AND `day` = '%s' LIMIT 10;", ticked(w.Name), day.Format("2006"), day.Format("01"), day.Format("02"))
	return nil
}
