/** Real keys, an L1 view fed with events, blocks and transactions signed for it: what the tests of the roles build on. */
import {
  addressOf,
  type BatchHeader,
  type BlockContext,
  type BlockOutcome,
  type BlsKey,
  bigIntToBytes,
  blockDigest,
  blsKeyFromSeed,
  type ChainId,
  concatBytes,
  decodeTransaction,
  depositItem,
  drawBlockOf,
  drawSequencers,
  EMPTY_TRIE_ROOT,
  encodeRlp,
  encodeSystemTransaction,
  epochOf,
  epochRandomness,
  evidenceHash,
  type Founding,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  type Header,
  jobIdOf,
  keccakHash,
  LIMITS,
  merkleRoot,
  type NetworkIdentity,
  NO_WORK,
  nextBaseFee,
  type Parameters,
  type PeerId,
  PROFILES,
  prevRandaoOf,
  type QueueItem,
  resultDigest,
  type SealedBlock,
  StakeTree,
  seatedIn,
  servedBy,
  signDigest,
  slotSeed,
  stakeGridOf,
  type Transaction,
  taggedHash,
  toAddress,
  toChainId,
  toWord,
  vrfOutput,
  vrfProve,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  closingTransaction,
  GENESIS_CONTEXT,
  L1View,
  type Member,
  type Moment,
  openingTransactions,
  type Parent,
  parentOf,
  type RegistryName,
  randomnessMessage,
} from "../src/index.ts";

export const NETWORK: NetworkIdentity = { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) };
export const PARAMETERS = PROFILES.devnet;
export const CHAIN: ChainId = toChainId(1_000);
export const SELF = "self" as PeerId;
/** Time of the genesis block, in seconds; L1 blocks come each second from then on. */
export const GENESIS_SECONDS = 1_800_000_000;

const secretOf = (name: string): Uint8Array => fromHex(taggedHash("test/secret", new TextEncoder().encode(name)));

export type Operator = Member & { readonly secret: Uint8Array; readonly bls: BlsKey };

export function operator(name: string, index: number): Operator {
  const secret = secretOf(name);
  const bls = blsKeyFromSeed(secretOf(`${name}/bls`));
  return {
    index,
    operator: addressOf(secret),
    stakeWei: 1n,
    blsPublicKey: bls.publicKey,
    peerId: name as PeerId,
    multiaddr: `/memory/${name}`,
    secret,
    bls,
  };
}

const group = (name: string, count: number): readonly Operator[] =>
  Array.from({ length: count }, (_, i) => operator(`${name}-${i}`, i));

export const SEQUENCERS = group("sequencer", 2);
export const PROVIDERS = group("provider", 6);
export const HOSTS = group("storage", 4);
export const USERS = group("user", 3);

/** Roles look at a charter as bytes: any will do. */
export const FOUNDING: Founding = {
  charter: new TextEncoder().encode("a charter of no multiple of 32 bytes, which its call fills up"),
  metisDao: toAddress(`0x${"da".repeat(20)}`),
  bridge: toAddress(`0x${"b1".repeat(20)}`),
};

/** The first slot that can be drawn, and its first L1 block. */
export const FIRST_SLOT = 2n;
export const FIRST_BLOCK = FIRST_SLOT * BigInt(PARAMETERS.epochBlocks);
const STAKE_WEI = 1_000n * 10n ** 18n;
const STAKE_GRID = stakeGridOf(STAKE_WEI);
const SEAT_WEIGHT_MT = 100;

export type ViewSpec = { readonly sequencers?: readonly Operator[]; readonly parameters?: Parameters };

/** A view in which everybody is registered and staked in epoch 0 and the DAC exists, before its first L1 block. */
export function blankView({ sequencers = SEQUENCERS, parameters = PARAMETERS }: ViewSpec = {}): L1View {
  const view = new L1View(parameters);
  const registries: readonly [RegistryName, readonly Operator[]][] = [
    ["sequencer", sequencers],
    ["provider", PROVIDERS],
    ["storage", HOSTS],
  ];
  for (const [registry, members] of registries)
    for (const member of members) view.apply({ kind: "registered", registry, member });
  for (const { index } of sequencers)
    view.apply({ kind: "stakeChanged", index, grid: STAKE_GRID, stakeWei: STAKE_WEI, l1Block: 0n });
  const timestamp = BigInt(GENESIS_SECONDS);
  for (const { index } of PROVIDERS)
    view.apply({ kind: "seatTaken", index, place: index, weightMT: SEAT_WEIGHT_MT, l1Block: 0n });
  view.apply({
    kind: "dacCreated",
    chainId: CHAIN,
    label: "dac",
    genesisHash: keccakHash(toWord(1n)),
    timestamp,
    founding: FOUNDING,
  });
  return view;
}

/** The view at an L1 block, of which it has seen all: by default the first of slot 2. */
export function startView(l1Block = FIRST_BLOCK, spec: ViewSpec = {}): L1View {
  const view = blankView(spec);
  mine(view, l1Block);
  return view;
}

/** Base fee of an L1 block: another one in each. */
const l1BaseFeeAt = (number: bigint): bigint => 10n ** 9n + number;

const PAIR = SEQUENCERS.reduce((tree, { index }) => tree.move(index, STAKE_GRID), StakeTree.empty);

/** Randomness of an L1 block; in draw blocks such that the two sequencers lead the chain's slots in turn. */
function prevRandaoAt(number: bigint): Hash {
  const epoch = epochOf(number, PARAMETERS.epochBlocks) + 1n;
  for (let salt = 0n; ; salt++) {
    const prevRandao = keccakHash(concatBytes(toWord(number), toWord(salt)));
    if (drawBlockOf(epoch, PARAMETERS.epochBlocks) !== number) return prevRandao;
    const seed = slotSeed(epochRandomness(epoch, prevRandao), CHAIN, epoch);
    const [leader] = drawSequencers({ tree: PAIR, seed, thresholdWei: 0n }, 1);
    if (BigInt(leader!) === epoch % 2n) return prevRandao;
  }
}

/** One L1 block alone. */
export function mineOnly(view: L1View, number: bigint): void {
  const timestamp = BigInt(GENESIS_SECONDS) + number;
  view.apply({
    kind: "l1Block",
    number,
    timestamp,
    baseFeePerGas: l1BaseFeeAt(number),
    prevRandao: prevRandaoAt(number),
  });
}

/** All L1 blocks up to one. */
export function mine(view: L1View, number: bigint): void {
  for (let next = view.block.number + 1n; next <= number; next++) mineOnly(view, next);
}

/** Puts an item into the chain's queue. */
export function queue(view: L1View, item: QueueItem, l1Block: bigint): QueueItem {
  const timestamp = BigInt(GENESIS_SECONDS) + l1Block;
  const mintedBefore = item.queueIndex * item.mint;
  view.apply({ kind: "queueItemAdded", chainId: CHAIN, item, l1Block, timestamp, mintedBefore });
  return item;
}

export function depositTo(view: L1View, queueIndex: bigint, l1Block: bigint): QueueItem {
  const to = USERS[0]!.operator;
  return queue(view, depositItem({ queueIndex, from: to, to, mint: 10n ** 21n }), l1Block);
}

/** The sequencer of a rank of a slot. */
export function turnOf(view: L1View, slot: bigint, rank = 0, sequencers: readonly Operator[] = SEQUENCERS): Operator {
  const found = sequencers.find((member) => view.rankOf(CHAIN, slot, member.operator) === rank);
  if (found === undefined) throw new RangeError(`slot ${slot} has no rank ${rank}`);
  return found;
}

let drawn = 0n;
export const freshHash = (): Hash => keccakHash(toWord(drawn++));
export const at = (seconds: number): Moment => ({ nowMs: (GENESIS_SECONDS + seconds) * 1000, entropy: freshHash() });

const BARE: Header = {
  parentHash: ZERO_HASH,
  stateRoot: EMPTY_TRIE_ROOT,
  transactionsRoot: EMPTY_TRIE_ROOT,
  receiptsRoot: EMPTY_TRIE_ROOT,
  logsBloom: new Uint8Array(256),
  number: 0n,
  gasUsed: 0n,
  timestamp: BigInt(GENESIS_SECONDS),
  checkpointsRoot: ZERO_HASH,
  withdrawalsRoot: EMPTY_TRIE_ROOT,
  prevRandao: ZERO_HASH,
  baseFeePerGas: GENESIS_BASE_FEE,
};

export const GENESIS: Parent = parentOf({
  chainId: CHAIN,
  generation: 0n,
  header: BARE,
  context: GENESIS_CONTEXT,
  transactions: [],
  outcomes: [],
  evidence: null,
});

export const outcome = (gasUsed = 21_000n): BlockOutcome => ({ status: 1, gasUsed, logs: [], writes: [] });

export function sign(block: SealedBlock, by: Operator): SealedBlock {
  return { ...block, signature: signDigest(by.secret, blockDigest(NETWORK, block)) };
}

export type BlockSpec = {
  readonly view: L1View;
  readonly parent: Parent;
  readonly slot?: bigint;
  readonly queueItems?: readonly QueueItem[];
  /** users' transactions */
  readonly transactions?: readonly Uint8Array[];
  /** who signs and is paid: the slot's leader */
  readonly signer?: Operator;
  /** jobs of the block that failed, and seats of its last one that were passed over: none unless said */
  readonly attempt?: number;
  readonly passed?: readonly number[];
  /** the view's present one unless said */
  readonly generation?: bigint;
  /** makes two blocks of one place differ */
  readonly salt?: bigint;
};

/** What the sequencer drew for a block. */
export function drawOf(view: L1View, by: Operator, place: { generation: bigint; number: bigint; slot: bigint }): Draw {
  const proof = vrfProve(by.bls, randomnessMessage(view, NETWORK, { chainId: CHAIN, ...place })!);
  return { proof, randomness: vrfOutput(proof) };
}
type Draw = Pick<WorkEvidence, "proof"> & Pick<BlockContext, "randomness">;

/** Seats of a job, the first ones that are not passed over, with their holders' signatures on some result. */
export function workOf(
  view: L1View,
  slot: bigint,
  { proof, randomness }: Draw,
  passed: readonly number[] = [],
  attempt = 0,
) {
  const jobId = jobIdOf(randomness, attempt);
  const holders = view.seatsOf(slot, jobId).map(({ index }) => PROVIDERS[index]!);
  const served = holders
    .map((_, seat) => seat)
    .filter((seat) => !passed.includes(seat))
    .slice(0, LIMITS.seats);
  const seats = holders.slice(0, served.at(-1)! + 1).map(({ index }, seat) => (served.includes(seat) ? index : null));
  const result = taggedHash("test/result", jobId);
  const signatures = served.map((seat) => holders[seat]!.bls.sign(resultDigest(NETWORK, jobId, result)));
  const evidence: WorkEvidence = { proof, result, signatures };
  return { work: { attempt, seats }, evidence };
}

/** A block that no rule objects to, signed by the slot's sequencer. */
export function blockOn(spec: BlockSpec): SealedBlock {
  const { view, parent, slot = FIRST_SLOT, queueItems = [], salt = 0n } = spec;
  const users = spec.transactions ?? [toWord(salt + 1n)];
  const { l1Block, l1BaseFee } = view.valuesOf(slot)!;
  const queueEnd = parent.context.queueEnd + BigInt(queueItems.length);
  const number = parent.header.number + 1n;
  const generation = spec.generation ?? view.generation(CHAIN);
  const sequencer = spec.signer ?? turnOf(view, slot);
  const draw = drawOf(view, sequencer, { generation, number, slot });
  const { work, evidence } =
    users.length === 0
      ? { work: NO_WORK, evidence: { proof: draw.proof, result: ZERO_HASH, signatures: [] } }
      : workOf(view, slot, draw, spec.passed, spec.attempt);
  const { randomness } = draw;
  const context: BlockContext = {
    slot,
    l1Block,
    l1BaseFee,
    queueEnd,
    randomness,
    work,
    evidence: evidenceHash(evidence),
  };
  const place = { number, generation, context, founding: FOUNDING, queueItems };
  const openingCount = openingTransactions({ ...place, transactionCount: 0 }).length;
  const opening = openingTransactions({ ...place, transactionCount: openingCount + users.length + 1 });
  const paid = [sequencer.operator, ...servedBy(work).map((index) => PROVIDERS[index]!.operator)] as const;
  const settle = closingTransaction(
    CHAIN,
    { number, l1BaseFee },
    { paid, seated: seatedIn(work), transactions: users },
  );
  const transactions = [
    ...opening.map((transaction) => encodeSystemTransaction(CHAIN, transaction)),
    ...users,
    encodeSystemTransaction(CHAIN, settle),
  ];
  const outcomes = [...opening.map(() => outcome(0n)), ...users.map(() => outcome()), outcome(0n)];
  const header: Header = {
    ...BARE,
    parentHash: parent.hash,
    number,
    transactionsRoot: keccakHash(concatBytes(...transactions)),
    timestamp: parent.header.timestamp + 1n,
    gasUsed: outcomes.reduce((sum, { gasUsed }) => sum + gasUsed, 0n),
    prevRandao: prevRandaoOf(randomness),
    baseFeePerGas: nextBaseFee(parent.header),
  };
  const block = { chainId: CHAIN, generation, header, context, transactions, outcomes, evidence };
  return sign({ ...block, signature: `0x${"00".repeat(65)}` }, sequencer);
}

/** `count` blocks on each other. */
export function chainOf(spec: BlockSpec, count: number): readonly SealedBlock[] {
  const blocks: SealedBlock[] = [];
  let parent = spec.parent;
  for (let i = 0; i < count; i++) {
    const block = blockOn({ ...spec, parent });
    blocks.push(block);
    parent = parentOf(block);
  }
  return blocks;
}

/** Puts a batch over the blocks on L1. */
export function post(view: L1View, blocks: readonly SealedBlock[], poster = SEQUENCERS[0]!): void {
  const [first, last] = [blocks[0]!, blocks.at(-1)!];
  const header: BatchHeader = {
    chainId: CHAIN,
    generation: first.generation,
    index: BigInt(view.batches(CHAIN).length),
    previousBatchHash: ZERO_HASH,
    firstBlock: first.header.number,
    lastBlock: last.header.number,
    blobHash: ZERO_HASH,
    dataHash: ZERO_HASH,
    blocksRoot: merkleRoot(blocks.map((block) => parentOf(block).hash)),
    transactionsRoot: ZERO_HASH,
    queueEnd: last.context.queueEnd,
    slot: last.context.slot,
    poster: poster.operator,
  };
  const { number: l1Block, timestamp } = view.block;
  view.apply({
    kind: "batchAppended",
    header,
    batchHash: freshHash(),
    transactionHash: freshHash(),
    timestamp,
    l1Block,
  });
}

/** L1 convicts the batch of an index: it and all later ones fall. */
export function convict(view: L1View, fromIndex: bigint): void {
  const lastBlock = view.batches(CHAIN)[Number(fromIndex)]!.header.firstBlock - 1n;
  const { timestamp } = view.block;
  const generation = view.generation(CHAIN);
  view.apply({ kind: "rolledBack", chainId: CHAIN, generation, fromIndex, lastBlock, timestamp });
}

export type TransferSpec = {
  readonly from?: Operator;
  readonly nonce?: bigint;
  readonly maxFee?: bigint;
  readonly tip?: bigint;
  readonly data?: Uint8Array;
  readonly gas?: bigint;
};

/** A signed transfer (EIP-1559). */
export function transfer(spec: TransferSpec = {}): Transaction {
  const { from = USERS[0]!, nonce = 0n, maxFee = 10n ** 9n, tip = 1n, data = new Uint8Array(0), gas = 21_000n } = spec;
  const numbers = [CHAIN, nonce, tip, maxFee, gas].map(bigIntToBytes);
  const fields = [...numbers, fromHex(USERS[1]!.operator), bigIntToBytes(5n), data, []];
  const type = Uint8Array.of(2);
  const signature = fromHex(signDigest(from.secret, keccakHash(concatBytes(type, encodeRlp(fields)))));
  const word = (start: number): Uint8Array =>
    bigIntToBytes(BigInt(`0x${Buffer.from(signature.subarray(start, start + 32)).toString("hex")}`));
  const signed = [...fields, bigIntToBytes(BigInt(signature[64]!)), word(0), word(32)];
  return decodeTransaction(concatBytes(type, encodeRlp(signed)), CHAIN);
}
