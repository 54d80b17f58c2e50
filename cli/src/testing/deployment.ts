/** Made up, of a digit. */
export const address = (digit: string): string => `0x${digit.repeat(40)}`

/** As a file of a deployment has it. */
export const deployment = {
  chainId: 7,
  startBlock: 9,
  neighborhoodRegistry: address('1'),
  serverRegistry: address('2'),
  complianceRegistry: address('3'),
  stakeToken: address('4'),
  discovery: ['https://discovery.example'],
}
