type Child = Node | string

interface Properties {
  class?: string
  text?: string
  /** Attributes by name; undefined leaves one out. */
  attributes?: Record<string, string | undefined>
  testid?: string
}

/** A new element with its class, text, attributes and children. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (properties.class !== undefined) made.className = properties.class
  if (properties.text !== undefined) made.textContent = properties.text
  if (properties.testid !== undefined) made.dataset['testid'] = properties.testid
  for (const [attribute, value] of Object.entries(properties.attributes ?? {})) {
    if (value !== undefined) made.setAttribute(attribute, value)
  }
  made.append(...children)
  return made
}

/** The element of the page's own HTML that carries a test id. */
export function required(testid: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)
  if (!found) throw new Error(`The page has no element ${testid}`)
  return found
}

/** Sets a text only where it differs, so that a reader of the screen hears no change where there is none. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}
