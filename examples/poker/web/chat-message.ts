/** Channels for talk are named with this before the name that people give them. */
export const CHAT_PREFIX = 'chat: '
export const MAX_TEXT = 2_000
export const MAX_NAME = 32

export interface ChatMessage {
  type: 'chat'
  name: string
  text: string
}

/** @returns undefined for what is not a chat message: channels are open, anybody may write anything */
export function readChatMessage(value: unknown): ChatMessage | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'chat') return undefined
  if (!('text' in value) || typeof value.text !== 'string' || value.text === '' || value.text.length > MAX_TEXT) return undefined
  const name = 'name' in value && typeof value.name === 'string' ? value.name.trim().slice(0, MAX_NAME) : ''
  return { type: 'chat', name: name === '' ? 'Somebody' : name, text: value.text }
}

/** A colour that stays the same for a sender: a hue of 0 to 359 from the device key. */
export function hueOf(key: string): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) % 3_600
  return hash % 360
}

/** A name for somebody who has not chosen one. */
export function guestName(random: number): string {
  return `Guest ${1000 + Math.floor(random * 9000)}`
}
