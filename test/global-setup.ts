import type { TestProject } from 'vitest/node'
import { provisionChromium, provisionPrometheus, provisionRedis } from '../scripts/provision.mjs'

/** Makes sure that the programs which the tests start are there. */
export default function provision(project: TestProject): void {
  provisionRedis()
  if (project.name === 'unit') provisionPrometheus()
  if (project.name === 'e2e') provisionChromium()
}
