import { type ChannelDescription, DredError } from '@dred/protocol'
import type { Store } from '../store/port.ts'
import type { RetentionConfig } from './config.ts'

/** What this server keeps at most: see that nothing more is, and tell clients. */
export class Retention {
  /** As descriptions of channels say it; undefined where channels are kept as they ask. */
  readonly told: ChannelDescription['retention']
  readonly #config: RetentionConfig
  readonly #store: Pick<Store, 'account' | 'channel' | 'purge' | 'cut'>

  constructor(config: RetentionConfig, store: Pick<Store, 'account' | 'channel' | 'purge' | 'cut'>) {
    const { maxChannels: _channels, totalMessages: _messages, totalBytes: _bytes, ...ofChannels } = config
    this.told = Object.keys(ofChannels).length === 0 ? undefined : ofChannels
    this.#config = config
    this.#store = store
  }

  /** Of several that come at the same moment all may be let in. @throws DredError `too_many_channels` for one that is not known */
  async assertRoomFor(channel: string): Promise<void> {
    const { maxChannels } = this.#config
    if (maxChannels === undefined || (await this.#store.account()).channels < maxChannels) return
    if (!(await this.#store.channel(channel))) throw new DredError('too_many_channels')
  }

  /**
   * Deletes what has expired, and what is beyond the bounds.
   * @param now Unix ms
   * @returns how many entries
   */
  async apply(now: number): Promise<number> {
    return (await this.#store.purge(now)) + (await this.#store.cut(this.#config, now))
  }
}
