import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { TokenBucket } from '../limits/token-bucket.ts'
import { codeOf } from '../thrown.ts'
import type { Tracing, TracingConfig } from './tracing.ts'

/** Traces that clients may ask for. */
const ASKED_FOR = { burst: 10, perSecond: 10 }
/** https://www.w3.org/TR/trace-context: version 00. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NONE = /^0+$/

/** Sends spans by OTLP over HTTP, in batches; what a collector does not take is dropped. */
export function openTelemetry({ otlpUrl, sampleRatio }: TracingConfig, version: string): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'dred', 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: otlpUrl }) })],
  })
  const tracer = provider.getTracer('dred', version)
  const current = new AsyncLocalStorage<Context>()
  const asked = new TokenBucket(ASKED_FOR, performance.now())

  /** That of a client that wants the request traced, for as many as are taken. */
  const parentOf = (traceparent: string | undefined): Context => {
    const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? []
    const sampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) !== 0
    if (!sampled || NONE.test(traceId) || NONE.test(spanId) || !asked.take(ASKED_FOR, 1, performance.now())) return ROOT_CONTEXT
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
  }

  return {
    span: async (name, work) => {
      const parent = current.getStore() ?? ROOT_CONTEXT
      const span = tracer.startSpan(name, {}, parent)
      try {
        return await current.run(trace.setSpan(parent, span), work)
      } catch (error) {
        fail(span, error)
        throw error
      } finally {
        span.end()
      }
    },
    request: (name, attributes, traceparent) => {
      const parent = parentOf(traceparent)
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
      return {
        within: (work) => current.run(trace.setSpan(parent, span), work),
        end: (status) => {
          span.setAttribute('http.response.status_code', status)
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },
    close: () => provider.shutdown(),
  }
}

/** Its code only: messages may hold more. */
function fail(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: codeOf(error) ?? 'internal' })
}
