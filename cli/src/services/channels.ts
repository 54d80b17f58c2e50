import { setTimeout as sleep } from 'node:timers/promises'
import { routeUrl } from '@dred/protocol'
import { type Channel, createDredClient, type DredClient } from '@dred/sdk'
import { type Config, missing, ownKeyFile } from '../config.ts'
import { CliError } from '../errors.ts'
import { parseId } from '../units.ts'
import { createDeviceKeyFile, openDeviceKey } from './device-key.ts'
import { listActiveServers, showNeighborhood, unknownNeighborhood } from './discovery.ts'

/** A channel that was made a moment ago may be on its way to the other servers. */
const COPY_MS = 1_500
const ASK_AGAIN_MS = 250
const SERVER_TIMEOUT_MS = 3_000

/**
 * Runs work with a client of the configured neighborhood. Without a configured device key the user's own is taken, made silently
 * the first time: nobody has to prepare anything to read and write.
 * @throws CliError `missing_value`, `discovery_unreachable`, `unknown_neighborhood` before the work; what the work throws
 */
export async function withClient<T>(settings: Config, work: (client: DredClient) => Promise<T>): Promise<T> {
  const neighborhood = settings.required('neighborhood', settings.text('neighborhood'))
  const discovery = settings.urls('discovery')
  if (discovery.length === 0) throw missing('discovery')
  // The SDK waits for what may still come up; a person who mistyped wants to know now.
  const id = parseId(neighborhood, 'The id of a neighborhood')
  if (!(await showNeighborhood(discovery, id))) throw unknownNeighborhood(id)
  const client = createDredClient({ neighborhood, discovery, signer: await openDeviceKey(await deviceKeyFile(settings)) })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/**
 * The channel of an id. That no server knows it is said within seconds, where the SDK would go on asking.
 * @throws CliError `invalid_value`, `unknown_channel`; DredClientError
 */
export async function openChannel(settings: Config, client: DredClient, target: { id: string; signal?: AbortSignal }): Promise<Channel> {
  const { id, signal } = target
  if (!/^[\w-]{43}$/.test(id))
    throw new CliError('usage', 'invalid_value', `${id} is not the id of a channel (43 characters): see \`dred channel list\`.`)
  await refuseUnknown(settings, id, signal)
  return client.channels.get(id, signal ? { signal } : {})
}

/** Passes when a server knows the channel, or none answers: then the SDK has to find one that does. */
async function refuseUnknown(settings: Config, id: string, signal: AbortSignal | undefined): Promise<void> {
  const neighborhood = parseId(settings.required('neighborhood', settings.text('neighborhood')), 'The id of a neighborhood')
  const servers = await listActiveServers(settings.urls('discovery'), neighborhood)
  const endpoints = servers.map(({ endpoint }) => endpoint)
  const deadline = Date.now() + COPY_MS
  while ((await verdict(endpoints.map((endpoint) => ask(endpoint, id, signal)))) === 'unknown') {
    if (Date.now() > deadline) {
      const what = `No server of neighborhood ${neighborhood} knows the channel ${id}`
      throw new CliError('failure', 'unknown_channel', `${what}: see \`dred channel list\`.`)
    }
    await sleep(ASK_AGAIN_MS, undefined, signal ? { signal } : {})
  }
}

type Verdict = 'known' | 'unknown' | 'silent'

/** Known as soon as one server says so; unknown when all that answer say so. */
async function verdict(answers: Promise<Verdict>[]): Promise<Verdict> {
  const known = answers.map(async (answer) => {
    if ((await answer) !== 'known') throw new Error('Another server may know it')
  })
  return Promise.any(known).then(
    () => 'known',
    async () => ((await Promise.all(answers)).includes('unknown') ? 'unknown' : 'silent'),
  )
}

async function ask(endpoint: string, id: string, signal: AbortSignal | undefined): Promise<Verdict> {
  const timeout = AbortSignal.timeout(SERVER_TIMEOUT_MS)
  try {
    const url = routeUrl(endpoint, 'describeChannel', { params: { id } })
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout, redirect: 'error' })
    await response.body?.cancel()
    if (response.status === 404) return 'unknown'
    // An expired channel is known; the SDK says so.
    return response.ok || response.status === 410 ? 'known' : 'silent'
  } catch {
    return 'silent'
  }
}

async function deviceKeyFile(settings: Config): Promise<string> {
  const configured = settings.text('deviceKey')
  if (configured !== undefined) return configured
  const own = ownKeyFile('device')
  await createDeviceKeyFile(own).catch((error: unknown) => {
    if (!(error instanceof CliError && error.code === 'file_exists')) throw error
  })
  return own
}

/** What a person types as a message: JSON where it is JSON, else the text itself. */
export function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
