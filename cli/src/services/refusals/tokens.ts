import { at, type Refusal } from './refusal.ts'

export const tokenRefusals: Record<string, Refusal> = {
  ERC20InsufficientBalance: (a) => [
    'insufficient_balance',
    `The wallet ${at(a, 0)} holds ${at(a, 1)} of the stake token and needs ${at(a, 2)}: send it some or lower the stake.`,
  ],
  ERC20InsufficientAllowance: (a) => [
    'insufficient_allowance',
    `The registry may take only ${at(a, 1)} of the ${at(a, 2)} it needs: run the command again without other spending meanwhile.`,
  ],
}
