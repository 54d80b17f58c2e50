import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provisionChromium } from '../../scripts/provision.mjs'
import { type Network, startNetwork } from './network.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('chat-input').fill(text)
  await page.getByTestId('chat-send').click()
}

/** What the chat shows, in order. */
async function texts(page: Page): Promise<string[]> {
  return page.getByTestId('chat-message').locator('.text').allTextContents()
}

describe('the page in a real browser', () => {
  let network: Network
  let browser: Browser
  beforeAll(async () => {
    network = await startNetwork(['--example', 'poker', '--speed', '20'])
    browser = await chromium.launch({ executablePath: provisionChromium(), args: flags })
  })
  afterAll(async () => {
    await browser.close()
    await network.close()
  })

  it('shows the tables as they are played', async () => {
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(network.page ?? '')
    await page.getByTestId('table').nth(2).waitFor()
    await page.getByTestId('table').filter({ hasText: 'CLEO AVE' }).getByTestId('seat').nth(4).waitFor()
    await page.getByTestId('log').first().locator('li').nth(2).waitFor()
    expect(problems).toEqual([])
    await page.close()
  })

  it('lets two tabs chat, and go on chatting when a server dies', async () => {
    const context = await browser.newContext()
    const first = await context.newPage()
    await first.goto(`${network.page}#/chat`)
    await first.getByTestId('chat-channel-name').fill('after the game')
    await first.getByTestId('chat-create').click()
    const link = (await first.getByTestId('chat-link').getAttribute('href')) ?? ''
    await first.getByTestId('chat-name').fill('Ann')

    const second = await context.newPage()
    await second.goto(link)
    await second.getByTestId('chat-name').fill('Ben')

    await say(first, 'well played')
    await second.getByText('well played').waitFor()
    await say(second, 'thank you')
    await first.getByText('thank you').waitFor()

    // A server that the first tab is using, as it says itself.
    const used = await first.getByTestId('server').first().textContent()
    const victim = network.servers.find(({ id, endpoint }) => used?.includes(new URL(endpoint).host) || used?.trim().endsWith(String(id)))
    expect(victim, `a server in "${used}"`).toBeDefined()
    await network.kill(victim?.id ?? 0)

    await say(first, 'did you notice?')
    await second.getByText('did you notice?').waitFor()
    await say(second, 'notice what?')
    await first.getByText('notice what?').waitFor()
    const expected = ['well played', 'thank you', 'did you notice?', 'notice what?']
    expect(await texts(first)).toEqual(expected)
    expect(await texts(second)).toEqual(expected)

    // A reload gets the history from the servers that are left.
    await second.reload()
    await second.getByText('notice what?').waitFor()
    expect(await texts(second)).toEqual(expected)
    await context.close()
  })
})
