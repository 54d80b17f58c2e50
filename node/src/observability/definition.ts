import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What a metric is, for Prometheus and for the catalogue. */
export interface Definition {
  /** Ends in its base unit; a counter in `_total`. */
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  /** Its labels, each with what their values may be: always few. */
  labels?: Readonly<Record<string, string>>
  /** What an operator does about it. */
  advice?: string
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[]
}

/** A value, or one for each value of the one label. */
export type Values = number | readonly (readonly [label: string | number, value: number])[]

/** A metric whose value something else keeps, and is asked for at each scrape. */
export interface Reading<S> extends Definition {
  type: 'counter' | 'gauge'
  read: (source: S) => Values | Promise<Values>
}

/** The metric of each definition. */
export type Instruments<T extends Record<string, Definition>> = {
  [Name in keyof T]: T[Name]['type'] extends 'histogram' ? Histogram : Counter
}

/** Metrics that are counted where something happens. */
export function makeInstruments<const T extends Record<string, Definition>>(registry: Registry, definitions: T): Instruments<T> {
  const made = Object.entries(definitions).map(([name, { labels = {}, buckets = [], type, ...definition }]) => {
    const options = { name: definition.name, help: definition.help, labelNames: Object.keys(labels), registers: [registry] }
    return [name, type === 'histogram' ? new Histogram({ ...options, buckets: [...buckets] }) : new Counter(options)]
  })
  return Object.fromEntries(made) as Instruments<T>
}

/** Metrics that are read at each scrape. One that cannot be read is `NaN`, or lacks its labelled values, and hinders no other. */
export function registerReadings<S>(registry: Registry, readings: readonly Reading<S>[], source: () => S): void {
  for (const { name, help, type, labels = {}, read } of readings) {
    const [label] = Object.keys(labels)
    const collect = async (metric: Counter | Gauge): Promise<void> => {
      const values = await Promise.resolve()
        .then(() => read(source()))
        .catch(() => (label === undefined ? Number.NaN : []))
      metric.reset()
      if (typeof values === 'number') add(metric, {}, values)
      else for (const [of, value] of values) add(metric, { [label ?? '']: of }, value)
    }
    const options = { name, help, labelNames: Object.keys(labels), registers: [registry] }
    if (type === 'counter')
      new Counter({
        ...options,
        collect: function () {
          return collect(this)
        },
      })
    else
      new Gauge({
        ...options,
        collect: function () {
          return collect(this)
        },
      })
  }
}

function add(metric: Counter | Gauge, labels: Record<string, string | number>, value: number): void {
  if (metric instanceof Gauge) metric.set(labels, value)
  else metric.inc(labels, Number.isNaN(value) ? 0 : value)
}
