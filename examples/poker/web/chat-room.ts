import { CHAT_PREFIX, type ChatMessage, hueOf, MAX_TEXT, readChatMessage } from './chat-message.ts'
import { element, setText } from './elements.ts'
import { hashOf } from './route.ts'
import type { Follower, ReceivedMessage, Session } from './session.ts'

const RECENT_MESSAGES = 200
/** Scrolled up farther than this, in pixels, a reader is left where they are. */
const NEAR_END_PX = 80

/** One chat channel: what was said, and a field to say something. */
export class ChatRoom {
  readonly root: HTMLElement
  readonly #title = element('h2', { text: 'Channel', testid: 'chat-title' })
  readonly #messages: HTMLElement
  readonly #error = element('p', { class: 'error', testid: 'chat-send-error', attributes: { role: 'alert' } })
  readonly #hint = element('p', { class: 'hint', testid: 'chat-hint', attributes: { role: 'status' } })
  readonly #name: HTMLInputElement
  readonly #input = element('input', {
    testid: 'chat-input',
    attributes: { maxlength: String(MAX_TEXT), autocomplete: 'off', placeholder: 'Say something', required: '' },
  })
  readonly #session: Session
  readonly #channel: string
  readonly #follower: Follower
  /** Message id → its line. */
  readonly #lines = new Map<string, HTMLElement>()
  readonly #unconfirmed: { message: ChatMessage; line: HTMLElement }[] = []

  constructor(session: Session, channel: string, name: HTMLInputElement) {
    this.#session = session
    this.#channel = channel
    this.#name = name
    this.#messages = element('ol', {
      class: 'messages',
      testid: 'chat-messages',
      attributes: {
        role: 'log',
        'aria-label': 'Messages',
        'aria-live': 'polite',
        tabindex: '0',
        'data-empty': 'Nobody has said anything yet.',
      },
    })
    this.root = element('div', { class: 'panel room', testid: 'chat-room', attributes: { 'data-channel': channel } }, [
      element('header', {}, [this.#title, this.#link()]),
      this.#messages,
      element('div', {}, [this.#hint, this.#error]),
      this.#composer(),
    ])
    setText(this.#hint, 'Opening the channel …')
    this.#follower = session.follow(channel, {
      recent: RECENT_MESSAGES,
      message: (message) => this.#receive(message),
      opened: (name) => {
        setText(this.#hint, '')
        setText(this.#title, name.startsWith(CHAT_PREFIX) ? name.slice(CHAT_PREFIX.length) : name || 'Channel')
      },
      failed: (problem) => setText(this.#hint, problem),
    })
  }

  /** To be called once the room is on the page. */
  focus(): void {
    this.#input.focus()
  }

  close(): void {
    this.#follower.close()
  }

  #link(): HTMLElement {
    const href = new URL(hashOf({ view: 'chat', channel: this.#channel }), location.href).href
    const link = element('a', {
      text: href,
      testid: 'chat-link',
      attributes: { href, target: '_blank', rel: 'noopener', title: 'Opens in a second tab' },
    })
    const copy = element('button', { class: 'quiet', text: 'Copy link', testid: 'chat-copy', attributes: { type: 'button' } })
    copy.addEventListener('click', () => {
      void navigator.clipboard.writeText(href).then(
        () => setText(copy, 'Copied'),
        () => setText(copy, 'Copy it from the left'),
      )
    })
    return element('div', { class: 'link' }, [link, copy])
  }

  #composer(): HTMLElement {
    const input = this.#input
    const form = element('form', { class: 'composer', testid: 'chat-form' }, [
      element('label', { class: 'field' }, ['Your name', this.#name]),
      element('label', { class: 'field' }, ['Message', input]),
      element('button', { text: 'Send', testid: 'chat-send', attributes: { type: 'submit' } }),
    ])
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = input.value.trim()
      const name = this.#name.value.trim()
      if (text === '' || name === '') return
      input.value = ''
      void this.#send({ type: 'chat', name, text })
    })
    return form
  }

  async #send(message: ChatMessage): Promise<void> {
    const line = this.#add(message, { mine: true, hue: undefined, at: Date.now() })
    setState(line, 'sending')
    this.#unconfirmed.push({ message, line })
    setText(this.#error, '')
    const result = await this.#session.publish(this.#channel, message)
    if ('problem' in result) {
      setState(line, 'failed')
      setText(this.#error, result.problem)
    } else this.#confirm(line, result.id)
  }

  #receive(received: ReceivedMessage): void {
    const message = readChatMessage(received.data)
    if (!message || this.#lines.has(received.id)) return
    // The subscription may bring an own message before the answer to its publish does.
    const own = received.mine
      ? this.#unconfirmed.find((sent) => sent.message.name === message.name && sent.message.text === message.text)
      : undefined
    const line = own?.line ?? this.#add(message, { mine: received.mine, hue: hueOf(received.sender), at: received.sentAt })
    this.#confirm(line, received.id)
  }

  #confirm(line: HTMLElement, id: string): void {
    const index = this.#unconfirmed.findIndex((sent) => sent.line === line)
    if (index !== -1) this.#unconfirmed.splice(index, 1)
    this.#lines.set(id, line)
    setState(line, 'sent')
  }

  #add({ name, text }: ChatMessage, from: { mine: boolean; hue: number | undefined; at: number }): HTMLElement {
    const nearEnd = this.#messages.scrollHeight - this.#messages.scrollTop - this.#messages.clientHeight < NEAR_END_PX
    const time = new Date(from.at)
    const line = element('li', { class: from.mine ? 'mine' : '', testid: 'chat-message' }, [
      element('p', { class: 'who' }, [
        element('b', { text: name }),
        element('time', {
          text: time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
          attributes: { datetime: time.toISOString() },
        }),
        element('span', { class: 'state' }),
      ]),
      element('p', { class: 'text', text }),
    ])
    line.style.setProperty('--hue', String(from.hue ?? 150))
    this.#messages.append(line)
    if (nearEnd) this.#messages.scrollTop = this.#messages.scrollHeight
    return line
  }
}

const states = { sending: 'sending …', sent: '', failed: 'not sent' }

function setState(line: HTMLElement, state: keyof typeof states): void {
  line.dataset['state'] = state
  const shown = line.querySelector<HTMLElement>('.state')
  if (shown) setText(shown, states[state])
}
