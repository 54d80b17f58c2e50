import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../test/fake-clock.ts'
import { Watchdog } from './watchdog.ts'

function watched(): { clock: FakeClock; watchdog: Watchdog; heard: string[] } {
  const clock = new FakeClock()
  const heard: string[] = []
  const on = { suspect: () => heard.push('suspect'), dead: () => heard.push('dead') }
  return { clock, watchdog: new Watchdog({ clock, keepaliveMs: 1_000 }, on), heard }
}

describe('Watchdog', () => {
  it('suspects after 1.25 intervals, is sure after 2.5, and is then done', () => {
    const { clock, watchdog, heard } = watched()
    watchdog.arm()
    clock.advance(1_249)
    expect(heard).toEqual([])
    clock.advance(1)
    expect(heard).toEqual(['suspect'])
    clock.advance(1_249)
    expect(heard).toEqual(['suspect'])
    clock.advance(1)
    expect(heard).toEqual(['suspect', 'dead'])
    expect(clock.pending).toBe(0)
  })

  it('counts only while it is armed', () => {
    const { clock, watchdog, heard } = watched()
    watchdog.arm()
    clock.advance(1_000)
    watchdog.disarm()
    expect(clock.pending).toBe(0)
    clock.advance(10_000)
    watchdog.check()
    watchdog.arm()
    clock.advance(1_000)
    expect(heard).toEqual([])
  })

  it('judges by the clock when its timer did not run', () => {
    const clock = new FakeClock()
    let now = 0
    const heard: string[] = []
    const late = new Watchdog(
      { clock: { ...bound(clock), now: () => now }, keepaliveMs: 1_000 },
      { suspect: () => heard.push('suspect'), dead: () => heard.push('dead') },
    )
    late.arm()
    now = 60_000
    late.check()
    expect(heard).toEqual(['dead'])
  })
})

function bound(clock: FakeClock): Pick<FakeClock, 'setTimeout' | 'clearTimeout'> {
  return { setTimeout: clock.setTimeout.bind(clock), clearTimeout: clock.clearTimeout.bind(clock) }
}
