import { systems } from './systems/index.ts'

const labels = new Map(systems.map(({ name, label }) => [name, label]))

export const labelOf = (name: string): string => labels.get(name) ?? name

export function number(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
