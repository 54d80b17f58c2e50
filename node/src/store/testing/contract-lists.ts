import { expect, it } from 'vitest'
import type { ChannelQuery, ChannelState, Store } from '../port.ts'
import { genesis, self, type NewGenesis } from './samples.ts'

const byText = (a: string, b: string): number => (a < b ? -1 : 1)

export function listing(store: () => Store): void {
  const fill = async (...geneses: NewGenesis[]): Promise<void> => {
    await Promise.all(geneses.map((entry) => store().append(entry, self, 1)))
  }
  /** All pages, of which there may be no more than so many. */
  const all = async (query: ChannelQuery, pages: number): Promise<ChannelState[]> => {
    const found: ChannelState[] = []
    for (let next: string | undefined; ; pages--) {
      expect(pages).toBeGreaterThan(0)
      const page = await store().channels(next, query)
      expect(page.found.length).toBeLessThanOrEqual(query.limit)
      found.push(...page.found)
      next = page.next
      if (next === undefined) return found
    }
  }
  const names = (found: readonly ChannelState[]) => found.map((state) => state.genesis.name ?? '').toSorted(byText)

  it('pages through the known channels in ascending order of id', async () => {
    const five = Array.from({ length: 5 }, (_, i) => genesis(`channel ${i}`))
    await fill(...five)
    const sorted = five.map(({ id }) => id).sort()
    const first = await store().channels(undefined, { limit: 2 })
    expect(first.found.map(({ id }) => id)).toEqual(sorted.slice(0, 2))
    expect(first.next).toBe(sorted[1])
    const rest = await store().channels(first.next, { limit: 3 })
    expect(rest.found.map(({ id }) => id)).toEqual(sorted.slice(2))
    expect(rest.next).toBeUndefined()
    expect(rest.found[0]?.genesis).toEqual(five.find(({ id }) => id === sorted[2])?.genesis)
  })

  it('leaves out the channels of members, and no page lies about the end', async () => {
    const geneses = Array.from({ length: 30 }, (_, i) =>
      genesis(`channel ${i}`, { access: (['open', 'members', 'token'] as const)[i % 3] ?? 'open' }),
    )
    await fill(...geneses)
    const expected = geneses.filter(({ genesis: { access } }) => access !== 'members').map(({ genesis: { name } }) => name)
    for (const limit of [1, 3, 20, 100]) expect(names(await all({ limit }, 21))).toEqual(expected.map(String).toSorted(byText))
  })

  it('finds channels by a part of the name, in whatever case', async () => {
    const private_ = genesis('Poker of members', { access: 'members' })
    await fill(private_, ...['Poker 1', 'poker 2', 'Video poker', 'Chess', 'ÄRGER 100%', 'ärger_x'].map((name) => genesis(name)))
    const search = async (name: string) => names(await all({ limit: 2, name }, 4))
    expect(await search('poker')).toEqual(['Poker 1', 'Video poker', 'poker 2'])
    expect(await search('OKER ')).toEqual(['Poker 1', 'poker 2'])
    expect(await search('Ärger')).toEqual(['ÄRGER 100%', 'ärger_x'])
    // Nothing in it has a meaning of its own.
    expect(await search('%')).toEqual(['ÄRGER 100%'])
    expect(await search('_')).toEqual(['ärger_x'])
    expect(await search('.*')).toEqual([])
    expect(await search('nothing')).toEqual([])
  })

  it('looks at a bounded number of channels at once, and says where to go on', { timeout: 30_000 }, async () => {
    await fill(...Array.from({ length: 1_150 }, (_, i) => genesis(`haystack ${i}`)), genesis('needle'))
    const first = await store().channels(undefined, { limit: 10, name: 'needle' })
    expect(first.next).toBeDefined()
    const second = await store().channels(first.next, { limit: 10, name: 'needle' })
    expect(second.next).toBeUndefined()
    expect(names([...first.found, ...second.found])).toEqual(['needle'])
    expect((await all({ limit: 500 }, 3)).length).toBe(1_151)
  })
}
