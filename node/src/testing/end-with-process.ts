import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

process.once('exit', killAll)
// Vitest ends its workers so, and of a signal that nobody handles 'exit' says nothing.
process.once('SIGTERM', () => process.exit(143))

/** Has a child killed when this process ends, whatever ends it short of SIGKILL. */
export function endWithProcess(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}
