import { labelOf, number } from './labels.ts'
import type { ScenarioResult } from './run.ts'

const WIDTH = 960
const LEFT = 230
const RIGHT = 110
const BAR = 16
const STEP = 21
const COLOURS = { dred: '#1f6feb', peer: '#9aa5b1', text: '#24292f', faint: '#57606a' }

/** Bars for the plotted metric of every scenario, Dred's in colour. */
export function plot(results: readonly ScenarioResult[], title: string): string {
  const parts = [text({ x: 24, y: 36, size: 20, weight: 600 }, title)]
  let y = 64
  for (const { scenario, outcomes } of results) {
    const metric = scenario.metrics.find(({ name }) => name === scenario.plotted)
    if (!metric) continue
    for (const { name } of scenario.cases) {
      const bars = outcomes
        .filter((outcome) => outcome.case === name && outcome.rounds.length > 0)
        .map(({ system, medians }) => ({ system, value: medians[metric.name] ?? 0 }))
      if (bars.length === 0) continue
      y += 24
      parts.push(text({ x: 24, y, size: 14, weight: 600 }, `${scenario.id.toUpperCase()} · ${scenario.title}, ${name}`))
      parts.push(text({ x: WIDTH - 24, y, size: 12, anchor: 'end', colour: COLOURS.faint }, metric.label))
      const most = Math.max(...bars.map(({ value }) => value))
      for (const { system, value } of bars.sort((a, b) => b.value - a.value)) {
        y += STEP
        const width = Math.max(1, (value / most) * (WIDTH - LEFT - RIGHT))
        const colour = system.startsWith('dred') ? COLOURS.dred : COLOURS.peer
        parts.push(
          text({ x: LEFT - 8, y, size: 12, anchor: 'end' }, labelOf(system)),
          `<rect x="${LEFT}" y="${y - 12}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
          text({ x: LEFT + width + 6, y, size: 12, colour: COLOURS.faint }, number(value, metric.digits)),
        )
      }
      y += 18
    }
  }
  const height = y + 16
  const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${font}>\n<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`
}

interface TextStyle {
  x: number
  y: number
  size: number
  weight?: number
  anchor?: 'end'
  colour?: string
}

function text({ x, y, size, weight = 400, anchor, colour = COLOURS.text }: TextStyle, content: string): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${colour}"${anchor ? ` text-anchor="${anchor}"` : ''}>${escaped}</text>`
}
