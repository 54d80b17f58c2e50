import { CONTROL_EXPIRES_AT, type Control, controlOf, foldMembership, type Membership } from '@dred/protocol'
import type { ChannelTracker, TrackedChannel } from '../channel-tracker.ts'
import type { Store } from '../store/port.ts'

/** Control messages that are read from the store at once. */
const PAGE = 500

/** The control messages of a channel, and who belongs to it by them. */
export class Controls {
  readonly #creator: string
  readonly #byId = new Map<string, Control>()
  #membership: Membership | undefined
  #comingsAndGoings = 0

  constructor(creator: string) {
    this.#creator = creator
  }

  get size(): number {
    return this.#byId.size
  }

  /** Joins and leaves among them. */
  get comingsAndGoings(): number {
    return this.#comingsAndGoings
  }

  get membership(): Membership {
    this.#membership ??= foldMembership(this.#creator, this.#byId.values())
    return this.#membership
  }

  get(id: string): Control | undefined {
    return this.#byId.get(id)
  }

  add(control: Control | undefined): void {
    if (!control || this.#byId.has(control.id)) return
    this.#byId.set(control.id, control)
    if (isOfEverybody(control)) this.#comingsAndGoings++
    this.#membership = undefined
  }

  /** Who would belong to the channel with one control message more. */
  with(control: Control): Membership {
    return foldMembership(this.#creator, [...this.#byId.values(), control])
  }
}

/** Whether it is one that needs no owner. */
export function isOfEverybody({ control }: Control): boolean {
  return control === 'join' || control === 'leave'
}

/** Who belongs to the channels in use: read once, and kept as the store announces more, for as long as a channel is tracked. */
export class ChannelMembers {
  readonly #store: Pick<Store, 'controls'>
  readonly #slots = new WeakMap<TrackedChannel, { controls: Controls; loaded: Promise<void> }>()

  constructor(store: Pick<Store, 'controls'>, tracker: ChannelTracker) {
    this.#store = store
    tracker.onMessage((channel, { entry }) => {
      if (entry.expiresAt === CONTROL_EXPIRES_AT) this.#slots.get(channel)?.controls.add(controlOf(entry))
    })
  }

  /** @throws DredError `store_unavailable` */
  async of(channel: TrackedChannel): Promise<Controls> {
    const slot = this.#slots.get(channel) ?? this.#open(channel)
    await slot.loaded
    return slot.controls
  }

  #open(channel: TrackedChannel): { controls: Controls; loaded: Promise<void> } {
    const controls = new Controls(channel.genesis.key)
    // What is announced from here on is added beside what is read.
    const loaded = this.#load(channel.id, controls)
    const slot = { controls, loaded }
    this.#slots.set(channel, slot)
    loaded.catch(() => this.#slots.delete(channel))
    return slot
  }

  async #load(channel: string, controls: Controls): Promise<void> {
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = await this.#store.controls(channel, { limit: PAGE, after })
      for (const { entry } of page) controls.add(controlOf(entry))
      after = page.length === PAGE ? page.at(-1)?.position : undefined
    }
  }
}
