import { parentPort } from 'node:worker_threads'
import sodium from 'sodium-native'
import { unpackChecks } from './batch.ts'

/** Of each check of a batch, in order, 1 when it holds. */
function verdicts(packed: ArrayBuffer): Uint8Array {
  const found: number[] = []
  for (const { key, signature, bytes } of unpackChecks(packed))
    found.push(sodium.crypto_sign_verify_detached(signature, bytes, key) ? 1 : 0)
  return Uint8Array.from(found)
}

parentPort?.on('message', (packed: ArrayBuffer) => parentPort?.postMessage(verdicts(packed)))
