// Writes docs/operating/metrics.md from the metrics that the server has. `--check` fails when the committed page differs.
import { catalogue } from '../node/src/observability/catalogue.ts'
import { generated } from './generated.mjs'

const UNITS = ['seconds', 'bytes']

/** By the end of the name; without one it is a number of what the text says. */
function unitOf(name) {
  return UNITS.find((unit) => name.replace(/_total$/, '').endsWith(`_${unit}`)) ?? '–'
}

function row({ name, type, help, labels = {}, advice = '' }) {
  const named = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
  return `| \`${name}\` | ${type} | ${unitOf(name)} | ${[help, ...named].join('<br>')} | ${advice} |`
}

const sections = (await catalogue()).map(
  ({ title, definitions }) => `## ${title}

| metric | type | unit | meaning, labels | what to do |
|---|---|---|---|---|
${definitions.map(row).join('\n')}
`,
)
const page = `# Metrics

Generated from \`node/src/observability\` by \`node scripts/metrics-doc.mjs\`.

Every process tells its metrics in Prometheus' text format at \`/metrics\` of its admin port (\`server.adminPort\`), which is not for the
public. A server of several processes is scraped at each of them and summed up by queries. Counters begin at 0 with the process; seconds,
bytes and Unix time are the units. No label holds what clients choose: neither channels nor addresses nor keys. Counting a publish takes
about a microsecond.

\`packaging/prometheus\` has [alerts](alerts.md) and a configuration to scrape with, \`packaging/grafana\` a dashboard.

${sections.join('\n')}`

generated('docs/operating/metrics.md', page)
