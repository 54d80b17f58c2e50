/** One of the page's views while it is shown. */
export interface View {
  root: HTMLElement
  /** Ends its subscriptions and timers. */
  close(): void
}
