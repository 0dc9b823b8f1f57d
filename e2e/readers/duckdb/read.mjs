// Reads a file of flow log records with DuckDB and prints what it holds: a line
// with the names of the columns, for Parquet one with their types, then a line for
// each record with "-" for null. Of Parquet, it also asks for records by the values
// of the first, middle and last one, so that wrong statistics of pages would show.
import { DuckDBInstance } from '@duckdb/node-api'

const file = process.argv[2]
const parquet = file.endsWith('.parquet')
const quoted = file.replaceAll("'", "''")
const table = parquet
  ? `read_parquet('${quoted}')`
  : `read_csv('${quoted}', delim=' ', header=true, all_varchar=true, quote='', escape='', nullstr='-', auto_detect=false, columns=COLUMNS)`

const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run('SET threads = 1')

async function source() {
  if (parquet) return table
  // The header says what the columns are.
  const first = await connection.runAndReadAll(
    `SELECT * FROM read_csv('${quoted}', delim='\x01', header=false, all_varchar=true, quote='', escape='', auto_detect=false, columns={'l': 'VARCHAR'}) LIMIT 1`)
  const names = first.getRows()[0][0].split(' ')
  return table.replace('COLUMNS', `{${names.map(n => `'${n}': 'VARCHAR'`).join(', ')}}`)
}

const from = await source()
const result = await connection.runAndReadAll(`SELECT * FROM ${from}`)
const names = result.columnNames()
const rows = result.getRows()
const out = [names.join(' ')]
if (parquet) out.push(result.columnTypes().map(String).join(' '))
for (const row of rows) out.push(row.map(v => (v === null ? '-' : String(v))).join(' '))
process.stdout.write(out.join('\n') + '\n')

if (parquet && rows.length > 0) {
  for (const [i, name] of names.entries()) {
    for (const row of [rows[0], rows[rows.length >> 1], rows[rows.length - 1]]) {
      const value = row[i]
      const is = value === null ? 'IS NULL' : typeof value === 'string' ? `= '${value.replaceAll("'", "''")}'` : `= ${value}`
      const got = Number((await connection.runAndReadAll(`SELECT count(*) FROM ${from} WHERE "${name}" ${is}`)).getRows()[0][0])
      const want = rows.filter(r => r[i] === value).length
      if (got !== want) {
        console.error(`${name} ${is}: found ${got} records, want ${want}`)
        process.exitCode = 1
      }
    }
  }
}
