import type { Confirmation, Replicator } from '../peers/port.ts'
import type { Bus } from './bus.ts'

const TOLD = 'confirmed'
const WANTED = 'confirmed-wanted'
/** Milliseconds between two words of the leader. */
const EVERY_MS = 10

/** What the leader has heard of an incarnation. */
export interface Word extends Confirmation {
  term: number
  incarnation: number
}

/** Tells the other processes on how many servers messages are stored. @returns the way to stop it */
export function tellConfirmed(bus: Bus, term: number, source: { replicator: Replicator; incarnation: () => number }): () => void {
  let timer: NodeJS.Timeout | undefined
  let last = ''
  const say = (again: boolean): void => {
    const incarnation = source.incarnation()
    const word: Word = { term, incarnation, ...source.replicator.confirmed(incarnation) }
    const text = JSON.stringify(word)
    if (text !== last || again) bus.publish(TOLD, text)
    last = text
  }
  const soon = (again: boolean): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      say(again)
    }, EVERY_MS).unref()
  }
  const stops = [source.replicator.onConfirmed(() => soon(false)), bus.subscribe(WANTED, () => soon(true))]
  soon(true)
  return () => {
    clearTimeout(timer)
    for (const stop of stops) stop()
  }
}

/** Listens to what the leader tells, and asks it for what it knows. @returns the way to stop it */
export function hearConfirmed(bus: Bus, heard: (word: Word) => void): () => void {
  const stop = bus.subscribe(TOLD, (text) => heard(JSON.parse(text) as Word))
  bus.publish(WANTED, '')
  return stop
}
