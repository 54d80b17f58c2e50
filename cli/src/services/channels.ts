import { createDredClient, type DredClient } from '@dred/sdk'
import { type Config, missing, ownKeyFile } from '../config.ts'
import { CliError } from '../errors.ts'
import { createDeviceKeyFile, openDeviceKey } from './device-key.ts'

/**
 * Runs work with a client of the configured neighborhood. Without a configured device key the user's own is taken, made silently
 * the first time: nobody has to prepare anything to read and write.
 */
export async function withClient<T>(settings: Config, work: (client: DredClient) => Promise<T>): Promise<T> {
  const neighborhood = settings.required('neighborhood', settings.text('neighborhood'))
  const discovery = settings.urls('discovery')
  if (discovery.length === 0) throw missing('discovery')
  const client = createDredClient({ neighborhood, discovery, signer: await openDeviceKey(await deviceKeyFile(settings)) })
  try {
    return await work(client)
  } finally {
    client.close()
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
