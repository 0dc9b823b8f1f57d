// Package ddl writes the SQL that makes a table of delivered flow log files, for the
// engines that people query them with. It knows where files lie and what is in them;
// it opens no connection to anything.
//
// # Source
//
// Amazon Athena User Guide, "Partition projection with Amazon Athena" and "LazySimpleSerDe";
// Trino, "Hive connector"; Spark, "CSV Files" and "CREATE VIEW"; ClickHouse, "S3 table
// engine" and "Format settings"; DuckDB, "CSV Import" and "Hive Partitioning"; all as of
// November 2026. DuckDB has run what is written for it, in a test; the others have not.
package ddl
