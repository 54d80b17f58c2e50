/** Opens a page where a person is likely to see it: on a desktop, with a terminal, not in CI or over SSH. */
export function openInBrowser(url: string, env: NodeJS.ProcessEnv = process.env): void {
  if (!hasDesktop(env)) return
  void import('open').then(({ default: open }) => open(url)).catch(() => undefined)
}

function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  if (!process.stdin.isTTY || !process.stderr.isTTY || env['CI'] || env['SSH_CONNECTION']) return false
  return process.platform !== 'linux' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}
