import type { Notice } from './port.ts'

/** Of all notices about the same thing. */
export function nameOf({ kind, about }: Pick<Notice, 'kind' | 'about'>): string {
  return `${kind} ${about}`
}

/** Whether of two notices about the same thing the first one counts: the same one everywhere, in whatever order they come. */
export function supersedes(notice: Notice, other: Notice): boolean {
  return notice.at > other.at || (notice.at === other.at && notice.text > other.text)
}
