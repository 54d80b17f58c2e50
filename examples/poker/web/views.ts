/** One of the page's views while it is shown. */
export interface View {
  root: HTMLElement
  /** Called once it is on the page. */
  shown?(): void
  /** Ends its subscriptions and timers. */
  close(): void
}
