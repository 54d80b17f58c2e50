import { Flags } from '@oclif/core'

/** What a neighborhood asks of its servers and channels, as flags. @param usually says what holds for a flag that is left out */
function flagsOf(usually: (value: string) => string) {
  return {
    'min-stake': Flags.string({ description: 'Least stake of a server, in whole tokens', helpValue: 'AMOUNT' }),
    unbonding: Flags.string({
      description: `Wait between exit and withdrawal, and before changed parameters hold, 1d to 30d${usually('7d')}`,
    }),
    'key-overlap': Flags.string({ description: `Longest time for which a rotated server key is accepted, up to 7d${usually('1d')}` }),
    attestation: Flags.string({ description: `How long an attestation holds at most, 1h to 90d${usually('30d')}` }),
    'attested-by': Flags.option({
      options: ['appointed', 'peers'] as const,
      description: `Who attests${usually("the owner's appointed attesters")}`,
    })(),
    'max-servers': Flags.integer({ description: `Most active servers at once, 1 to 64${usually('16')}`, min: 0, max: 255 }),
    redundancy: Flags.integer({ description: `Number of active servers wanted${usually('3')}`, min: 0, max: 255 }),
    'slash-percent': Flags.integer({
      description: `Share of the stake that a proven equivocation costs, 10 to 100${usually('50')}`,
      min: 0,
      max: 255,
    }),
    quorum: Flags.string({ description: `Votes that an attestation needs, as a share of the attesters${usually('2/3')}` }),
    'max-channel-lifetime': Flags.string({ description: `Longest life of a channel${usually('30d')}` }),
    'max-channel-idle': Flags.string({ description: `Longest time a channel lives without a message${usually('7d')}` }),
    'max-message-bytes': Flags.integer({ description: `Largest message${usually('65536')}`, min: 0 }),
  }
}

/** Those of a new neighborhood. */
export const parameterFlags = flagsOf((value) => ` [${value}]`)
/** Those that change one: what is left out stays. */
export const changeFlags = flagsOf(() => '')

export const attesterListFlag = Flags.string({
  description: 'An attester: its account, and the id or the file of its P-256 key; give it once for each',
  helpValue: 'ACCOUNT:KEY',
  multiple: true,
  multipleNonGreedy: true,
})

/** Who may register servers. */
export const admissionFlags = {
  'gate-token': Flags.string({ description: 'With token-gate: the ERC-20 or ERC-721 that an operator has to hold', helpValue: 'ADDRESS' }),
  'gate-balance': Flags.string({ description: "With token-gate: least balance, in the token's smallest unit [1]" }),
}

export const admissions = ['open', 'allowlist', 'token-gate'] as const
