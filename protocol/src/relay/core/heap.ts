/** A binary heap: what has the earliest time comes first. */
export class Heap<Item extends { readonly atMs: number }> {
  readonly #items: Item[] = []

  get first(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent]
      if (!above || above.atMs <= item.atMs) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  removeFirst(): Item | undefined {
    const items = this.#items
    const [first] = items
    const last = items.pop()
    if (items.length === 0 || !last) return first
    let at = 0
    for (;;) {
      const left = items[2 * at + 1]
      if (!left) break
      const right = items[2 * at + 2]
      const child = right && right.atMs < left.atMs ? right : left
      if (child.atMs >= last.atMs) break
      items[at] = child
      at = child === left ? 2 * at + 1 : 2 * at + 2
    }
    items[at] = last
    return first
  }

  clear(): void {
    this.#items.length = 0
  }
}
