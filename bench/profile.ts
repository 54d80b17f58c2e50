// Where a process spent its time, from the CPU profiles that `npm run bench -- --profile FOLDER` leaves: node bench/profile.ts FOLDER [--after 3000] [--top 15]
// Time is given to the nearest function of ours or of a package on the stack. --after leaves out the first milliseconds, in which servers start.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[]
  samples: number[]
  /** Microseconds. */
  timeDeltas: number[]
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { after: { type: 'string', default: '3000' }, top: { type: 'string', default: '15' } },
})
const [folder = '.'] = positionals

/** `package` of npm or `folder/file.js function` of ours; undefined for what is Node's own. */
function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string | undefined {
  if (url === '' || url.startsWith('node:')) return undefined
  const npm = url.split('/node_modules/').at(-1)
  if (npm !== undefined && npm !== url) return npm.split('/', npm.startsWith('@') ? 2 : 1).join('/')
  return `${url.split('/').slice(-4).join('/')}:${lineNumber + 1} ${functionName}`
}

function times({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const spent = new Map<string, number>()
  let elapsed = 0
  for (const [i, id] of samples.entries()) {
    const delta = timeDeltas[i] ?? 0
    elapsed += delta
    const own = byId.get(id)?.callFrame.functionName ?? ''
    if (elapsed < Number(values.after) * 1_000 || own === '(idle)') continue
    let place: string | undefined
    for (let at: number | undefined = id; at !== undefined && place === undefined; at = parents.get(at)) {
      const node = byId.get(at)
      place = node && placeOf(node.callFrame)
    }
    const name = place ?? own
    spent.set(name, (spent.get(name) ?? 0) + delta)
  }
  return spent
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
  const spent = times(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile)
  const total = [...spent.values()].reduce((sum, micros) => sum + micros, 0)
  process.stdout.write(`${file}: busy for ${Math.round(total / 1_000)} ms\n`)
  const top = [...spent].sort(([, a], [, b]) => b - a).slice(0, Number(values.top))
  for (const [name, micros] of top) process.stdout.write(`${((100 * micros) / total).toFixed(1).padStart(6)} % ${name}\n`)
}
