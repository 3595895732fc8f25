/**
 * The protocol's parameters: each with unit and reason, in the profiles `mainnet` and `devnet`. Contracts are deployed
 * with these values; nodes of one network must agree on all of them.
 */

export type Parameters = {
  /** Version of this set; a node refuses a network whose version it does not know. */
  readonly version: number;
  /** L1 blocks an epoch lasts; a sequencer's slot is one epoch. Long enough for several batches, short enough that a silent sequencer is replaced soon. */
  readonly epochBlocks: number;
  /** L1 blocks after a slot's end in which its sequencer may still post what it signed. */
  readonly postGraceBlocks: number;
  /** L1 blocks of silence after which the next rank may take a slot over: no shorter than the batch interval, so that nobody is replaced for having little to post. */
  readonly rankDelayBlocks: number;
  /** Seconds from a batch's posting until it is final, where a committee vouched for it. */
  readonly minWindowSeconds: number;
  /** Seconds from a batch's posting until it is final in any case. */
  readonly maxWindowSeconds: number;
  /** Seconds after which an item of a DAC's queue on L1 is overdue: batches have to consume it. */
  readonly forceDelaySeconds: number;
  /** Seconds that an item is overdue until anyone with a bond may post. */
  readonly openAfterSeconds: number;
  /** Seconds that an item is overdue until the chain may be turned to exit: longer than openAfterSeconds, revealDelaySeconds and a rebuild. */
  readonly exitAfterSeconds: number;
  /** Seconds for which a chain's clock stands on after what was asked for was shown: time for two transactions on L1 that prove what it shows. */
  readonly proofTimeSeconds: number;
  /** wei of MT of a batch's first ask for what it commits to, the price of each further one twice as much, eight times: more than the L1 gas of an answer, whose sender gets it, and enough that nobody stops clocks for fun: each stands for proofTimeSeconds at the least. */
  readonly askPriceWei: bigint;
  /** wei of MT that the poster of a batch loses at the most, of which something is asked for and not shown: less than its stake, for it may be asleep. */
  readonly withholdingPenaltyWei: bigint;
  /** Seconds in which an ask has to be answered: for a node to be started again, and others to answer for it, one transaction after the other. */
  readonly revealDelaySeconds: number;
  /** Factor of the Dynamic Bond Threshold at the start, in basis points; MetisDAO may change it. */
  readonly thresholdFactor: number;
  /** Sequencers that have to qualify for a DAC before a deposit may raise its threshold, at the start; MetisDAO may change it. */
  readonly minEligible: number;
  /** wei of MT that a DAC's label costs at the start: squatting has a price; MetisDAO may change it. */
  readonly labelFeeWei: bigint;
  /** Share of a slashed stake that its prover gets at the start, in basis points; MetisDAO may change it. */
  readonly proverShare: number;
  /** wei of MT that a wrong fraud proof costs its prover: more than what checking one costs the poster whom it accuses. */
  readonly accuserBondWei: bigint;
  /** wei of MT for who takes an epoch's record at the start; MetisDAO may change it. */
  readonly recordRewardWei: bigint;
  /** Seconds from a proposal to MetisDAO's vote. */
  readonly votingDelaySeconds: number;
  /** Seconds that a vote of MetisDAO lasts. */
  readonly votingPeriodSeconds: number;
  /** Seconds until what MetisDAO decided is carried out: who disagrees can leave before. */
  readonly timelockSeconds: number;
  /** Percent of all MT that have to vote. */
  readonly quorumPercent: number;
  /** wei of votes that a proposal needs. */
  readonly proposalThresholdWei: bigint;
  /** Seconds between an exit request and the return of the stake; at least twice maxWindowSeconds, so that it outlives every lock. */
  readonly unbondingSeconds: number;
  /** wei of MT; keeps registries short of free identities. */
  readonly minSequencerStakeWei: bigint;
  readonly minProviderStakeWei: bigint;
  readonly minStorageStakeWei: bigint;
  /** Seconds a block's timestamp is a multiple of; also the least distance of two blocks. */
  readonly tickSeconds: number;
  /** Milliseconds between two batches of a chain that has something to post, and not yet a batch's worth: a batch costs as much for one transaction as for ten. */
  readonly batchIntervalMs: number;
  /** Milliseconds after which nobody waits for a job's result any more and its provider gives it up. Who is passed over for being late is so long before, by the block time. */
  readonly jobTimeoutMs: number;
  /** Milliseconds to wait for an answer of a storage host before the next is asked. */
  readonly readTimeoutMs: number;
  /** Milliseconds after which a gateway offers a transaction that is in no block again. */
  readonly resubmitMs: number;
  /**
   * N of the scrypt (r = 8, p = 1) that seals an operator's keys on its disk: a power of two, of which a guess at the password costs N KiB of
   * memory and time in proportion, and each start costs the same three times. At the most keystoreScryptN of LIMITS.
   */
  readonly keystoreScryptN: number;
};

const MT = 10n ** 18n;

const mainnet: Parameters = {
  version: 1,
  epochBlocks: 32,
  postGraceBlocks: 32,
  rankDelayBlocks: 10,
  minWindowSeconds: 3600,
  maxWindowSeconds: 7 * 24 * 3600,
  forceDelaySeconds: 12 * 3600,
  openAfterSeconds: 24 * 3600,
  exitAfterSeconds: 7 * 24 * 3600,
  proofTimeSeconds: 3600,
  askPriceWei: 25n * MT,
  withholdingPenaltyWei: 1_000n * MT,
  revealDelaySeconds: 24 * 3600,
  thresholdFactor: 12_000,
  minEligible: 3,
  labelFeeWei: 100n * MT,
  proverShare: 3_000,
  accuserBondWei: 100n * MT,
  recordRewardWei: MT / 10n,
  votingDelaySeconds: 24 * 3600,
  votingPeriodSeconds: 7 * 24 * 3600,
  timelockSeconds: 2 * 24 * 3600,
  quorumPercent: 4,
  proposalThresholdWei: 10_000n * MT,
  unbondingSeconds: 14 * 24 * 3600,
  minSequencerStakeWei: 10_000n * MT,
  minProviderStakeWei: 100n * MT,
  minStorageStakeWei: 500n * MT,
  tickSeconds: 2,
  batchIntervalMs: 60_000,
  jobTimeoutMs: 2_000,
  readTimeoutMs: 2_000,
  resubmitMs: 6_000,
  // 256 MiB and most of a second for each guess: what geth, ethers and EIP-2335 have
  keystoreScryptN: 262_144,
};

const devnet: Parameters = {
  version: 1,
  epochBlocks: 8,
  postGraceBlocks: 8,
  rankDelayBlocks: 2,
  minWindowSeconds: 20,
  maxWindowSeconds: 120,
  forceDelaySeconds: 10,
  openAfterSeconds: 20,
  exitAfterSeconds: 60,
  proofTimeSeconds: 10,
  askPriceWei: MT / 10n,
  withholdingPenaltyWei: 100n * MT,
  revealDelaySeconds: 20,
  thresholdFactor: 10_000,
  minEligible: 1,
  labelFeeWei: MT,
  proverShare: 3_000,
  accuserBondWei: 10n * MT,
  recordRewardWei: MT / 10n,
  votingDelaySeconds: 1,
  votingPeriodSeconds: 10,
  timelockSeconds: 2,
  quorumPercent: 4,
  proposalThresholdWei: 10_000n * MT,
  unbondingSeconds: 240,
  minSequencerStakeWei: 1_000n * MT,
  minProviderStakeWei: 10n * MT,
  minStorageStakeWei: 50n * MT,
  tickSeconds: 1,
  batchIntervalMs: 2_000,
  jobTimeoutMs: 5_000,
  readTimeoutMs: 2_000,
  resubmitMs: 2_000,
  // 1 MiB and a few milliseconds: many nodes start on one machine, with keys that are worth nothing
  keystoreScryptN: 1_024,
};

export const PROFILES = { mainnet, devnet } as const;
export type ProfileName = keyof typeof PROFILES;

/** What every network shares: bounds of formats, and rules of execution that a proof relies on. */
export const LIMITS = {
  /** gas of a block: one constant for all DACs, so that it names none */
  blockGas: 60_000_000n,
  /** EIP-7825 */
  transactionGas: 16_777_216n,
  /** transactions of a block, system transactions included (design page 10) */
  blockTransactions: 2_048,
  /** bytes of one encoded transaction: one step of a fraud proof must carry it (design page 10) */
  transactionBytes: 56 * 1024,
  /** bytes that the logs of one transaction may take in its receipt, so that it has at most 56 KiB with all that goes with them */
  receiptLogBytes: 56 * 1024 - 288,
  /** bytes of memory that one operation may read and write: one step of a fraud proof must carry them (design page 10) */
  rangeBytes: 64 * 1024,
  /** gas of one call of a precompile: one step of a fraud proof must run it (design page 10) */
  precompileGas: 8_000_000,
  /** tax brackets of a charter */
  charterTaxBrackets: 16,
  /** addresses of an access list, and slots of each */
  accessAddresses: 1_024,
  accessSlots: 1_024,
  /** EIP-7702 authorisations of one transaction */
  authorizations: 256,
  /** bytes of a sealed block with outcomes on the wire: one transaction at the gas cap always fits */
  blockBytes: 3 * 1024 * 1024,
  /** bytes of transactions that a sequencer takes into one block: leaves room for the outcomes within blockBytes */
  blockTransactionBytes: 90_000,
  /** bytes of a batch's data in calldata (design page 30) */
  batchBytes: 96 * 1024,
  /** blocks of a batch (design page 30) */
  batchBlocks: 2_048,
  /** items of L1's queue that one block consumes */
  blockQueueItems: 64,
  /** gas that an honest sequencer lets the items of one block use: leaves two thirds of a block to users. No rule: what bounds others is blockGas */
  blockQueueGas: 20_000_000n,
  /** bytes of the data of one item, so that its system transaction fits transactionBytes */
  queueDataBytes: 55 * 1024,
  /** bytes of the data of all items of one block: their encodings and outcomes leave room for users within blockBytes */
  blockQueueBytes: 64 * 1024,
  /**
   * seconds that a block's timestamp may be ahead of the L1 block that its batch is posted in: thirty times what nodes let a block be
   * ahead of their own clocks, so that no honest sequencer comes near it; little enough that a sequencer that goes up to it holds its chain
   * for no longer than one that is silent
   */
  timestampLeadSeconds: 300n,
  /**
   * seconds that a block's timestamp may be ahead of L1's newest block for it to be posted: half of timestampLeadSeconds, the other half is
   * for L1, which may take back some blocks and take the batch in an earlier one
   */
  postedLeadSeconds: 150n,
  /** addresses that one block adds to the address table (design page 30) */
  seenAddresses: 256,
  /** seats that do each job (k), and stand-ins (m) after them (design page 20) */
  seats: 2,
  standIns: 2,
  /** jobs that a block may need, each with seats of its own: with 30 % of the providers gone, one fails in a twelfth of the blocks and all four in one of 20,000 */
  jobAttempts: 4,
  /** hosts that keep a DAC's state (design page 50) */
  storageReplicas: 3,
  /** keys of one request for values */
  readKeys: 512,
  /** keys of one request for a proof: a witness for all writes of a block is one request, for a branch may lose its children through any of them */
  proofKeys: 16_384,
  /** keys that a provider may ask for in one job: bounds fishing and memory; no read costs less than 2,000 gas, so a block of blockGas makes at most 30,000 */
  jobReadKeys: 32_768,
  /** bytes of the outcomes in one result; a result that would be longer ends earlier, and one transaction at the gas cap always fits */
  resultBytes: 2.5 * 1024 * 1024,
  /** bytes of a job, a result or an answer with values or proofs */
  messageBytes: 6 * 1024 * 1024,
  /** code of one contract (EIP-170) and initcode (EIP-3860) */
  codeBytes: 24_576,
  initcodeBytes: 49_152,
  /** blocks in one answer */
  blocksPerAnswer: 64,
  /** places of a state that are asked for in one request, and bytes of what is given for them: some 20 ms of a host's time */
  statePlaces: 64,
  statePartBytes: 128 * 1024,
  /** transactions offered in one message */
  transactionsPerMessage: 256,
  /** a sender's transactions, and all transactions, that wait in a pool */
  poolPerSender: 256,
  poolTotal: 16_384,
  /** bytes of all transactions that wait in a pool */
  poolBytes: 32 * 1024 * 1024,
  /** greatest N that a keystore may ask for with r = 8: 1 GiB, so that a damaged file takes no machine's memory */
  keystoreScryptN: 1_048_576,
} as const;
