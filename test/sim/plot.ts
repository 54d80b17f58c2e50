import { quantile } from './measures.ts'
import { percent } from './report.ts'
import type { Detail, Result } from './result.ts'

const WIDTH = 960
const MARGIN = { left: 64, right: 24 }
const BINS = 80
const INNER = WIDTH - MARGIN.left - MARGIN.right
const COLOURS = {
  published: '#9aa5b1',
  delivered: '#1f6feb',
  bars: '#1f6feb',
  fault: '#d1242f',
  heal: '#1a7f37',
  grid: '#e4e7eb',
  text: '#24292f',
  faint: '#57606a',
}

interface Chart {
  top: number
  height: number
  title: string
}

/** A picture of one run: how deliveries kept up with what was published, with faults marked; latencies; stretch. */
export function plot(result: Result, detail: Detail, name: string): string {
  const happenings = Math.min(detail.happenings.length, 14)
  const timeline: Chart = { top: 118, height: 240, title: 'Deliveries that were due, and made, over time (s)' }
  const below = timeline.top + timeline.height + 58 + happenings * 17
  const latencies: Chart = { top: below + 34, height: 150, title: 'Latency of deliveries (ms)' }
  const stretches: Chart = {
    top: latencies.top + latencies.height + 84,
    height: 150,
    title: 'Stretch: the way by the tree over the shortest way',
  }
  const height = stretches.top + stretches.height + 52
  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text({ x: MARGIN.left, y: 40, size: 22, weight: 600 }, name === '' ? `${result.servers} servers` : name),
    text({ x: MARGIN.left, y: 66, colour: COLOURS.faint }, subtitle(result)),
    ...drawTimeline(timeline, detail),
    ...drawHistogram(latencies, detail.latencies),
    ...drawHistogram(stretches, detail.stretches),
  ]
  const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ${font}>\n${parts.join('\n')}\n</svg>\n`
}

function subtitle({ seed, servers, published, deliveredRatio, copiesPerServer, convergedMsAfterHeal, violations }: Result): string {
  const converged = convergedMsAfterHeal === null ? 'never converged' : `converged in ${convergedMsAfterHeal} ms`
  const held = violations.length === 0 ? 'all invariants held' : `${violations.length} invariants violated`
  return `${servers} servers · ${published} messages · ${percent(deliveredRatio)} delivered · ${copiesPerServer} copies per server · ${converged} · ${held} · seed ${seed}`
}

function drawTimeline(chart: Chart, { expectedMs, deliveredMs, happenings, endMs }: Detail): string[] {
  const x = (ms: number) => MARGIN.left + (Math.max(0, ms) / endMs) * INNER
  const most = Math.max(1, expectedMs.length)
  const y = (count: number) => chart.top + chart.height * (1 - count / most)
  const step = niceStep(endMs / 1_000 / 10)
  const ticks = Array.from({ length: Math.floor(endMs / 1_000 / step) + 1 }, (_, i) => i * step)
  const shown = happenings.slice(0, 14)
  return [
    ...frame(
      chart,
      [0, most / 2, most].map((count) => ({ y: y(count), label: String(Math.round(count)) })),
    ),
    ...ticks.map((s) =>
      text({ x: x(s * 1_000), y: chart.top + chart.height + 18, size: 11, anchor: 'middle', colour: COLOURS.faint }, String(s)),
    ),
    curve(expectedMs, x, { y, colour: COLOURS.published }),
    curve(deliveredMs, x, { y, colour: COLOURS.delivered }),
    legend(chart.top - 10),
    ...shown.flatMap(({ atMs, text: what, heals }, i) => {
      const colour = heals ? COLOURS.heal : COLOURS.fault
      const line = chart.top + chart.height + 44 + i * 17
      return [
        `<line x1="${at(x(atMs))}" y1="${chart.top}" x2="${at(x(atMs))}" y2="${chart.top + chart.height}" stroke="${colour}" stroke-dasharray="4 3"/>`,
        text({ x: x(atMs), y: chart.top + 12 + (i % 8) * 12, size: 11, colour, anchor: 'middle' }, String(i + 1)),
        text(
          { x: MARGIN.left, y: line, size: 12, colour },
          `${i + 1}  ${at(atMs / 1_000)} s  ${what.length > 110 ? `${what.slice(0, 110)}…` : what}`,
        ),
      ]
    }),
  ]
}

/** The horizontal axis is logarithmic, since what is repaired takes much longer than the rest. */
function drawHistogram(chart: Chart, ascending: readonly number[]): string[] {
  const [low, high] = [quantile(ascending, 0.001) ?? 0, quantile(ascending, 0.999) ?? 0]
  if (low <= 0 || high <= low)
    return [...frame(chart, []), text({ x: MARGIN.left + 12, y: chart.top + 24, colour: COLOURS.faint }, 'nothing to show')]
  const share = (value: number) => Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)))
  const counts = Array.from({ length: BINS }, () => 0)
  for (const value of ascending) {
    const bin = Math.min(BINS - 1, Math.floor(share(value) * BINS))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const most = Math.max(...counts)
  const width = INNER / BINS
  const bottom = chart.top + chart.height
  const x = (value: number) => MARGIN.left + share(value) * INNER
  const ticks = [1, 10, 100, 1_000, 10_000, 100_000].flatMap((decade) => [decade, 1.5 * decade, 2 * decade, 5 * decade])
  return [
    ...frame(chart, []),
    ...counts.map((count, i) => {
      const tall = (count / most) * (chart.height - 22)
      return `<rect x="${at(MARGIN.left + i * width + 0.5)}" y="${at(bottom - tall)}" width="${at(width - 1)}" height="${at(tall)}" fill="${COLOURS.bars}" fill-opacity="0.8"/>`
    }),
    ...ticks
      .filter((tick) => tick >= low && tick <= high)
      .map((tick) => text({ x: x(tick), y: bottom + 18, size: 11, anchor: 'middle', colour: COLOURS.faint }, String(tick))),
    ...[0.5, 0.99].map((q) => {
      const value = quantile(ascending, q) ?? low
      const right = share(value) > 0.5
      const label = text(
        { x: x(value) + (right ? -5 : 5), y: chart.top + 12, size: 11, ...(right ? { anchor: 'end' } : {}) },
        `p${q * 100}: ${short(value)}`,
      )
      return `<line x1="${at(x(value))}" y1="${chart.top}" x2="${at(x(value))}" y2="${bottom}" stroke="${COLOURS.text}" stroke-dasharray="2 3"/>${label}`
    }),
  ]
}

function frame({ top, height, title }: Chart, marks: readonly { y: number; label: string }[]): string[] {
  return [
    text({ x: MARGIN.left, y: top - 14, size: 14, weight: 600 }, title),
    ...marks.map(
      ({ y, label }) =>
        `<line x1="${MARGIN.left}" y1="${at(y)}" x2="${WIDTH - MARGIN.right}" y2="${at(y)}" stroke="${COLOURS.grid}"/>${text({ x: MARGIN.left - 8, y: y + 4, size: 11, anchor: 'end', colour: COLOURS.faint }, label)}`,
    ),
    `<line x1="${MARGIN.left}" y1="${top + height}" x2="${WIDTH - MARGIN.right}" y2="${top + height}" stroke="${COLOURS.text}"/>`,
  ]
}

/** How many of these times had come, at each. */
function curve(
  ascending: readonly number[],
  x: (ms: number) => number,
  { y, colour }: { y: (count: number) => number; colour: string },
): string {
  const every = Math.max(1, Math.floor(ascending.length / 600))
  const points = ascending.flatMap((ms, i) => (i % every === 0 || i === ascending.length - 1 ? [`${at(x(ms))},${at(y(i + 1))}`] : []))
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`
}

function legend(y: number): string {
  const entry = (x: number, colour: string, label: string) =>
    `<rect x="${x}" y="${y - 8}" width="14" height="3" fill="${colour}"/>${text({ x: x + 20, y: y - 3, size: 12, colour: COLOURS.faint }, label)}`
  return `${entry(WIDTH - 230, COLOURS.published, 'due')}${entry(WIDTH - 170, COLOURS.delivered, 'made')}`
}

interface TextStyle {
  x: number
  y: number
  size?: number
  weight?: number
  anchor?: 'middle' | 'end'
  colour?: string
}

function text({ x, y, size = 13, weight = 400, anchor, colour = COLOURS.text }: TextStyle, content: string): string {
  const anchored = anchor ? ` text-anchor="${anchor}"` : ''
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" font-weight="${weight}" fill="${colour}"${anchored}>${escaped}</text>`
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function short(value: number): string {
  return String(value >= 100 ? Math.round(value) : Math.round(value * 100) / 100)
}
