/** Spans of what a server does, for OpenTelemetry. */
export interface Tracing {
  /** Work within the span that is open here, if any is. */
  span<T>(name: string, work: () => Promise<T>): Promise<T>
}
