// Adds up the refused bytes of each source in a file of records of the default format
// with DuckDB, on one thread, and prints the ten that have most.
import { DuckDBInstance } from '@duckdb/node-api'

const [file, threads] = [process.argv[2], process.argv[3] ?? '1']
const quoted = file.replaceAll("'", "''")
const table = file.endsWith('.parquet')
  ? `read_parquet('${quoted}')`
  : `read_csv('${quoted}', delim=' ', header=true, quote='', escape='', nullstr='-', auto_detect=false, columns={
      'version': 'INTEGER', 'account_id': 'VARCHAR', 'interface_id': 'VARCHAR', 'srcaddr': 'VARCHAR', 'dstaddr': 'VARCHAR',
      'srcport': 'INTEGER', 'dstport': 'INTEGER', 'protocol': 'INTEGER', 'packets': 'BIGINT', 'bytes': 'BIGINT',
      'start': 'BIGINT', 'end': 'BIGINT', 'action': 'VARCHAR', 'log_status': 'VARCHAR'})`
const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run(`SET threads = ${threads}`)
const result = await connection.runAndReadAll(
  `SELECT srcaddr, sum(bytes)::BIGINT AS bytes FROM ${table} WHERE action = 'REJECT' GROUP BY srcaddr ORDER BY bytes DESC, srcaddr LIMIT 10`)
for (const row of result.getRows()) process.stdout.write(`${row[0]} ${row[1]}\n`)
