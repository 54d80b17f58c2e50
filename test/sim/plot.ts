import type { Detail, Result } from './result.ts'

export function plot(result: Result, detail: Detail, name: string): string {
  return `<svg>${name}${result.seed}${detail.endMs}</svg>`
}
