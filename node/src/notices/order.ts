import type { Notice } from './port.ts'

/** Whether of two notices about the same thing the first one counts: the same one everywhere, in whatever order they come. */
export function supersedes(notice: Notice, other: Notice): boolean {
  return notice.at > other.at || (notice.at === other.at && notice.text > other.text)
}
