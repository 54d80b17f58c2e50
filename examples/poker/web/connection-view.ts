import { element, required, setText } from './elements.ts'
import type { Connection } from './session.ts'

const labels: Record<Connection['state'], string> = {
  idle: 'No channel open',
  connecting: 'Connecting …',
  connected: 'Connected',
  degraded: 'Degraded',
  reconnecting: 'Reconnecting …',
  suspended: 'Out of reach',
  failed: 'Refused',
  closed: 'Closed',
  offline: 'Offline',
}

/** What a person should know beside the state itself; empty when all is well. */
export function noticeOf({ state, problem }: Connection): { text: string; bad: boolean } {
  switch (state) {
    case 'degraded':
      return { text: 'Fewer servers than wanted answer. Everything works; another server is being looked for.', bad: false }
    case 'reconnecting':
      return { text: 'The connection is lost. It is tried again; nothing that was said meanwhile will be missing.', bad: false }
    case 'suspended':
      return {
        text: `${problem ?? 'No server has answered for a while'}. It is tried again all the time.`,
        bad: true,
      }
    case 'offline':
      return { text: 'This device is offline. The page goes on by itself when the network is back.', bad: true }
    case 'failed':
      return { text: `The servers refuse this page${problem === undefined ? '' : `: ${problem}`}.`, bad: true }
    case 'connecting':
      return { text: problem === undefined ? '' : `Still connecting: ${problem}.`, bad: false }
    case 'idle':
    case 'connected':
    case 'closed':
      return { text: '', bad: false }
  }
}

/** A state that passes sooner is not worth a line. */
const NOTICE_AFTER_MS = 1_000
let shown: { state: Connection['state']; sinceMs: number } = { state: 'idle', sinceMs: 0 }

/** Shows the state of the connection and the servers in use. */
export function showConnection(connection: Connection): void {
  const pill = required('state')
  pill.dataset['state'] = connection.state
  setText(pill, labels[connection.state])
  const now = performance.now()
  if (shown.state !== connection.state) shown = { state: connection.state, sinceMs: now }
  const notice = required('notice')
  const { text, bad } = noticeOf(connection)
  notice.hidden = text === '' || now - shown.sinceMs < NOTICE_AFTER_MS
  notice.dataset['kind'] = bad ? 'bad' : 'warn'
  setText(notice, text)
  const list = required('servers')
  const key = connection.servers.map(({ id, endpoint }) => `${id} ${endpoint}`).join()
  if (list.dataset['key'] === key) return
  list.dataset['key'] = key
  list.replaceChildren(
    ...connection.servers.map(({ id, endpoint }) => {
      const host = element('span', { class: 'host', text: ` · ${new URL(endpoint).host}` })
      return element('li', { testid: 'server', attributes: { 'data-server': String(id), title: endpoint } }, [`server ${id}`, host])
    }),
  )
}
