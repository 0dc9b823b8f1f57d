// Runs the statements of a file, then queries, and prints what each query finds: a line
// with the names of the columns, one with their types, a line for each row with "-" for
// null, an empty line.
import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [file, ...queries] = process.argv.slice(2)
const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run('SET threads = 1')
await connection.run(readFileSync(file, 'utf8'))
for (const query of queries) {
  const result = await connection.runAndReadAll(query)
  const out = [result.columnNames().join(' '), result.columnTypes().map(String).join(' ')]
  for (const row of result.getRows()) out.push(row.map(v => (v === null ? '-' : String(v))).join(' '))
  process.stdout.write(out.join('\n') + '\n\n')
}
