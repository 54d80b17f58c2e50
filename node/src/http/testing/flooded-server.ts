import { defaultLimits } from '../../limits/config.ts'
import { startTestNode } from '../../testing/test-node.ts'

// A server with the limits of one in production, whose slow clients are given up sooner.
const node = await startTestNode({
  limits: defaultLimits,
  http: {
    bodyTimeoutMs: 1_000,
    headTimeoutMs: 1_000,
    bodyBytes: { total: 33_554_432, perAddress: 8_388_608 },
    heldPageBytes: { total: 33_554_432, perAddress: 8_388_608 },
  },
})
process.once('SIGTERM', () => void node.close())
process.stdout.write(`${JSON.stringify({ url: node.url, adminUrl: node.adminUrl })}\n`)
