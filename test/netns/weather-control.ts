import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Climate, WeatherCount, WeatherOrder } from './weather.ts'

/** The weather between the servers; orders are carried out when they resolve. */
export class WeatherControl {
  readonly #process: ChildProcess
  #last: Promise<unknown>

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#last = once(process, 'message')
  }

  /** In the namespace of the caller, which has to be the hub. */
  static async start(climate: Climate): Promise<WeatherControl> {
    const weather = new WeatherControl(fork(join(import.meta.dirname, 'weather.ts')))
    await weather.#order({ type: 'climate', climate })
    return weather
  }

  /** Has nothing, or everything again, pass in these directions. */
  async change(type: 'cut' | 'mend', pairs: [from: number, to: number][]): Promise<void> {
    await this.#order({ type, pairs })
  }

  count(): Promise<WeatherCount> {
    return this.#order({ type: 'count' })
  }

  /** One at a time, so that an answer belongs to its order. */
  #order(order: WeatherOrder): Promise<WeatherCount> {
    const answered = this.#last.then(async () => {
      const answer = once(this.#process, 'message')
      this.#process.send(order)
      const [count] = (await answer) as [WeatherCount]
      return count
    })
    this.#last = answered
    return answered
  }
}
