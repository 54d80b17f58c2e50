import { ChatView } from './chat-view.ts'
import { showConnection } from './connection-view.ts'
import { element, required } from './elements.ts'
import { routeOf } from './route.ts'
import { Session } from './session.ts'
import { TablesView } from './tables-view.ts'
import type { View } from './views.ts'

interface Config {
  neighborhood: string
  discovery: string[]
}

function main(): HTMLElement {
  const found = document.querySelector('main')
  if (!found) throw new Error('The page has no main element')
  return found
}

/** Shows what the address says, one view at a time, and nothing while nobody looks. */
function startViews(session: Session): void {
  let shown: { hash: string; view: View } | undefined
  const show = (): void => {
    const { hash } = location
    if (document.visibilityState === 'hidden' && routeOf(hash).view === 'tables') {
      // A browser opens few connections to one server: a tab in the background leaves them to the one in front.
      shown?.view.close()
      shown = undefined
      return
    }
    if (shown?.hash === hash) return
    shown?.view.close()
    const route = routeOf(hash)
    const view: View = route.view === 'tables' ? new TablesView(session) : new ChatView(session, route.channel)
    shown = { hash, view }
    main().replaceChildren(view.root)
    view.shown?.()
    document.title = `${route.view === 'tables' ? 'Tables' : 'Chat'} · Dred poker`
    for (const name of ['tables', 'chat'] as const) {
      const link = required(`nav-${name}`)
      if (route.view === name) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    }
  }
  addEventListener('hashchange', show)
  document.addEventListener('visibilitychange', show)
  show()
}

async function start(): Promise<void> {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error(`The page's server answered ${response.status}`)
  const config = (await response.json()) as Config
  const session = new Session(config)
  session.onConnection(showConnection)
  startViews(session)
  // Its own hash would be a route.
  document.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault()
    main().focus()
  })
}

start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error)
  main().replaceChildren(
    element('div', { class: 'empty', testid: 'page-error', attributes: { role: 'alert' } }, [
      element('strong', { text: 'The page could not start' }),
      text,
    ]),
  )
})
