import type { Fields } from '../config-fields.ts'

/** Spans of what a server does, for OpenTelemetry. No message, key or token is in them, nor anything else that clients choose. */
export interface Tracing {
  /** Work, as a part of what is going on here. */
  span<T>(name: string, work: () => Promise<T>): Promise<T>
  /**
   * A request. What `within` begins, and all that follows from it, is a part of it.
   * @param traceparent of the client, if it sent one
   */
  request(name: string, attributes: Readonly<Record<string, string>>, traceparent: string | undefined): RequestSpan
  /** Sends what is still to be sent. */
  close(): Promise<void>
}

export interface RequestSpan {
  within(work: () => void): void
  /** @param status of the answer */
  end(status: number): void
}

/** The `tracing` part of the configuration. */
export interface TracingConfig {
  /** Where spans are sent by OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`. */
  otlpUrl: string
  /** Part of the requests that are traced, from 0 to 1; those too whose client says so, up to ten a second. */
  sampleRatio: number
}

export function readTracing(fields: Fields): TracingConfig {
  const config = {
    otlpUrl: fields.string('otlpUrl', { pattern: /^https?:\/\/[^/\s]/, expected: 'an http:// or https:// address' }),
    sampleRatio: fields.number('sampleRatio', { min: 0, max: 1, fallback: 0.01 }),
  }
  fields.refuseUnknown()
  return config
}

/** Work as part of the trace, where there is one. */
export function traced<T>(tracing: Tracing | undefined, name: string, work: () => Promise<T>): Promise<T> {
  return tracing ? tracing.span(name, work) : work()
}

/** @returns undefined, and loads nothing, when tracing is off */
export async function openTracing(config: TracingConfig | undefined, version: string): Promise<Tracing | undefined> {
  return config && (await import('./open-telemetry.ts')).openTelemetry(config, version)
}
