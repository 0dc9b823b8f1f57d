package ddl

import (
	"strings"

	"weir/record"
)

var duckDBTypes = map[record.ColumnType]string{record.String: "VARCHAR", record.Int32: "INTEGER", record.Int64: "BIGINT"}

// duckDB writes a view. Of Hive's folders DuckDB makes partitions itself; of others
// they come from the names of files. Either way a condition on them keeps files closed.
func (w *writer) duckDB() error {
	glob, err := w.glob()
	if err != nil {
		return err
	}
	change := []string{"the name of the view"}
	if !w.local {
		change = append(change, "credentials and region: see CREATE SECRET below; other S3 servers also need",
			"ENDPOINT 'HOST:9000', URL_STYLE 'path', USE_SSL false")
	}
	w.begin("DuckDB", change...)
	if !w.local {
		region := "us-east-1"
		if len(w.Regions) == 1 {
			region = w.Regions[0]
		}
		w.line("INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;")
		w.line("CREATE OR REPLACE SECRET (TYPE s3, PROVIDER credential_chain, REGION %s, SCOPE %s);", quoted(region), quoted(w.root()))
		w.line("")
	}
	var selected, types []string
	for _, c := range w.columns() {
		selected = append(selected, double(c.name))
		types = append(types, quoted(c.name)+": "+quoted(duckDBTypes[c.typ]))
	}
	var options []string
	if w.Hive {
		selected = append(selected, `"aws-account-id" AS "aws_account_id"`, `"aws-region" AS "aws_region"`)
		keys := []string{"aws-account-id", w.service(), "aws-region", "year", "month", "day"}
		if w.PerHour {
			keys = append(keys, "hour")
		}
		var hive []string
		for i, k := range keys {
			hive = append(hive, quoted(k)+": VARCHAR")
			if i > 2 {
				selected = append(selected, double(k))
			}
		}
		options = append(options, "hive_partitioning = true", "hive_types = {"+strings.Join(hive, ", ")+"}")
	} else {
		const name = `split_part(parse_filename("filename"), '_', `
		selected = append(selected, name+`1) AS "aws_account_id"`, name+`3) AS "aws_region"`,
			`CAST(strptime(left(`+name+`5), 8), '%Y%m%d') AS DATE) AS "date"`)
		if w.PerHour {
			selected = append(selected, `substr(`+name+`5), 10, 2) AS "hour"`)
		}
		options = append(options, "hive_partitioning = false", "filename = true")
	}
	read := "read_parquet"
	if !w.Parquet {
		read = "read_csv"
		options = append(options, "delim = ' '", "header = true", "nullstr = '-'", "quote = ''", "escape = ''", "compression = 'gzip'",
			"auto_detect = false", "columns = {"+strings.Join(types, ", ")+"}")
	}
	w.line("CREATE OR REPLACE VIEW %s AS", double(w.Name))
	w.line("SELECT")
	w.list("  ", selected)
	w.line("FROM %s(", read)
	w.list("  ", append([]string{quoted(glob)}, options...))
	w.line(");")
	w.nulls()
	return nil
}
