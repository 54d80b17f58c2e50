import { CHAT_PREFIX, guestName, MAX_NAME } from './chat-message.ts'
import { ChatRoom } from './chat-room.ts'
import { element } from './elements.ts'
import { hashOf } from './route.ts'
import type { ChannelInfo, Session } from './session.ts'
import type { View } from './views.ts'

/** A tab keeps its own name: two tabs are two people. */
const NAME_KEY = 'dred-poker:name'

function nameField(): HTMLInputElement {
  const input = element('input', {
    testid: 'chat-name',
    attributes: { maxlength: String(MAX_NAME), autocomplete: 'nickname', required: '' },
  })
  input.value = sessionStorage.getItem(NAME_KEY) ?? guestName(Math.random())
  sessionStorage.setItem(NAME_KEY, input.value)
  input.addEventListener('change', () => sessionStorage.setItem(NAME_KEY, input.value))
  return input
}

/** The choice of a chat channel, and the one chosen. */
export class ChatView implements View {
  readonly root: HTMLElement
  readonly #list = element('ul', { class: 'channels', testid: 'chat-channels' })
  readonly #hint = element('p', { class: 'hint', text: 'Looking for channels …' })
  readonly #error = element('p', { class: 'error', testid: 'chat-error', attributes: { role: 'alert' } })
  readonly #session: Session
  readonly #current: string | undefined
  readonly #room: ChatRoom | undefined
  readonly #stop: () => void

  constructor(session: Session, channel: string | undefined) {
    this.#session = session
    this.#current = channel
    this.#room = channel === undefined ? undefined : new ChatRoom(session, channel, nameField())
    const side = element('div', { class: 'side' }, [this.#creation(), this.#choice()])
    this.root = element('section', { class: 'chat', attributes: { 'aria-label': 'Chat' } }, [
      element('h1', { class: 'visually-hidden', text: 'Chat' }),
      side,
      this.#room?.root ?? invitation(),
    ])
    this.#stop = session.watchChannels({
      found: (channels) => this.#show(channels),
      failed: (problem) => {
        this.#hint.textContent = problem
      },
    })
  }

  shown(): void {
    this.#room?.focus()
  }

  close(): void {
    this.#stop()
    this.#room?.close()
  }

  #creation(): HTMLElement {
    const name = element('input', {
      testid: 'chat-channel-name',
      attributes: { maxlength: '48', placeholder: 'Railbirds', autocomplete: 'off' },
    })
    const button = element('button', { text: 'Create channel', testid: 'chat-create', attributes: { type: 'submit' } })
    const form = element('form', { class: 'stackform', testid: 'chat-create-form' }, [
      element('label', { class: 'field' }, ['Name of the channel', name]),
      button,
      this.#error,
    ])
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      button.disabled = true
      this.#error.textContent = ''
      void this.#session.createChannel(`${CHAT_PREFIX}${name.value.trim() || 'Railbirds'}`).then((result) => {
        button.disabled = false
        if ('problem' in result) this.#error.textContent = result.problem
        else location.hash = hashOf({ view: 'chat', channel: result.id })
      })
    })
    return element('div', { class: 'panel' }, [element('h2', { text: 'New channel' }), form])
  }

  #choice(): HTMLElement {
    return element('div', { class: 'panel' }, [element('h2', { text: 'Open channels' }), this.#hint, this.#list])
  }

  #show(channels: readonly ChannelInfo[]): void {
    const chats = channels.filter(({ name }) => name.startsWith(CHAT_PREFIX)).sort((a, b) => b.createdAt - a.createdAt)
    this.#hint.textContent = chats.length === 0 ? 'None yet. Create the first one.' : ''
    const key = chats.map(({ id }) => id).join()
    if (this.#list.dataset['key'] === key) return
    this.#list.dataset['key'] = key
    this.#list.replaceChildren(
      ...chats.map(({ id, name }) => {
        const current = id === this.#current ? 'page' : undefined
        const link = element('a', {
          text: name.slice(CHAT_PREFIX.length),
          attributes: { href: hashOf({ view: 'chat', channel: id }), 'aria-current': current },
        })
        return element('li', {}, [link])
      }),
    )
  }
}

function invitation(): HTMLElement {
  return element('div', { class: 'empty' }, [
    element('strong', { text: 'Talk over a Dred channel' }),
    'Create a channel, then open its link in a second tab: each tab is a client with a key of its own.',
  ])
}
