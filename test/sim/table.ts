/** TODO */
export async function printTable(): Promise<boolean> {
  return true
}
