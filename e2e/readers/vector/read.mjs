// Reads a text file of flow log records with the parser of Vector, the function
// parse_aws_vpc_flow_log of its language VRL (here 0.25.0, compiled to WebAssembly),
// and prints what it understood: the header, then a line for each record with "-"
// for null. It takes no line with a field that it does not know; such columns are
// left out of what it is given, and print "?".
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import vrl from '@bpinternal/verel'

// Of the values, only text comes out of VRL: JavaScript's numbers are not exact.
const program = `
format = string!(.format)
fields = split(format, " ")
. = map_values(array!(.lines)) -> |line| {
  record = parse_aws_vpc_flow_log!(line, format)
  values = map_values(fields) -> |field| {
    value = get!(record, [field])
    if is_null(value) { "-" } else { to_string!(value) }
  }
  join!(values, " ")
}`

function parse(format, lines) {
  return vrl.execute(program, { format, lines }).result
}

function knows(name) {
  try {
    parse(name, ['-'])
    return true
  } catch (e) {
    if (String(e).includes(`unknown key: \`${name}\``)) return false
    throw e
  }
}

const text = gunzipSync(readFileSync(process.argv[2])).toString()
if (!text.endsWith('\n')) throw new Error('the last line does not end')
const [header, ...lines] = text.slice(0, -1).split('\n')
const names = header.split(' ').map(n => n.replaceAll('-', '_')) // as Vector spells them
const known = names.map(knows)
const format = names.filter((_, i) => known[i]).join(' ')
const cut = lines.map(line => {
  const values = line.split(' ')
  if (values.length !== names.length) throw new Error(`${values.length} values for ${names.length} fields: ${line}`)
  return values.filter((_, i) => known[i]).join(' ')
})
const out = [header]
for (const line of parse(format, cut)) {
  const values = line.split(' ')
  out.push(known.map(k => (k ? values.shift() : '?')).join(' '))
}
process.stdout.write(out.join('\n') + '\n')
