import type { Message, Subscription } from '../src/index.ts'

/** The data of the next `count` messages. */
export async function take<T>(subscription: Subscription<T>, count: number): Promise<T[]> {
  return (await takeMessages(subscription, count)).map(({ data }) => data)
}

export async function takeMessages<T>(subscription: Subscription<T>, count: number): Promise<Message<T>[]> {
  const messages: Message<T>[] = []
  while (messages.length < count) {
    const { value, done } = await subscription.next()
    if (done) throw new Error(`The subscription ended after ${messages.length} messages`)
    messages.push(value)
  }
  return messages
}

/** Resolves when the subscription has reached a state. */
export async function reached(subscription: Subscription, wanted: Subscription['state']): Promise<void> {
  if (subscription.state === wanted) return
  await new Promise<void>((resolve) => {
    const stopListening = subscription.on('state', ({ state }) => {
      if (state !== wanted) return
      stopListening()
      resolve()
    })
  })
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** Resolves when a number has stayed the same over many turns of the event loop. */
export async function stable(read: () => number): Promise<void> {
  let last = read()
  for (let unchanged = 0; unchanged < 200; unchanged++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (read() === last) continue
    last = read()
    unchanged = 0
  }
}
