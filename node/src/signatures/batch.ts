/** One signature to be checked. */
export interface Check {
  /** 32 bytes. */
  key: Uint8Array
  /** 64 bytes. */
  signature: Uint8Array
  bytes: Uint8Array
}

const FIXED_BYTES = 4 + 32 + 64

/** Checks as one piece of memory, which goes to another thread without a copy: of each its length, key, signature and bytes. */
export function packChecks(checks: readonly Check[]): ArrayBuffer {
  const size = checks.reduce((sum, { bytes }) => sum + FIXED_BYTES + bytes.length, 0)
  const packed = new Uint8Array(new ArrayBuffer(size))
  const view = new DataView(packed.buffer)
  let at = 0
  for (const { key, signature, bytes } of checks) {
    view.setUint32(at, bytes.length)
    packed.set(key, at + 4)
    packed.set(signature, at + 36)
    packed.set(bytes, at + FIXED_BYTES)
    at += FIXED_BYTES + bytes.length
  }
  return packed.buffer
}

export function* unpackChecks(packed: ArrayBuffer): Generator<Check, void, undefined> {
  const view = new DataView(packed)
  for (let at = 0; at < packed.byteLength; ) {
    const bytes = new Uint8Array(packed, at + FIXED_BYTES, view.getUint32(at))
    yield { key: new Uint8Array(packed, at + 4, 32), signature: new Uint8Array(packed, at + 36, 64), bytes }
    at += FIXED_BYTES + bytes.length
  }
}
