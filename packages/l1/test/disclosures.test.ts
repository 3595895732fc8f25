import {
  type AskedBatch,
  allowanceOf,
  answerAsk,
  answerTo,
  appendBatches,
  askAt,
  askFor,
  askPrice,
  askQueue,
  type BlockWord,
  balanceOf,
  chainIdOfLabel,
  expireAsk,
  headOf,
  payBackAsk,
  postingOf,
  revealDelay,
  standingBatches,
} from "@mvm/l1";
import {
  type Address,
  type Answer,
  type AskItem,
  answerFault,
  type BatchHeader,
  type BytesAnswer,
  type BytesItem,
  type ChainId,
  type Checkpoint,
  checkpointLeaf,
  EMPTY_TRIE_ROOT,
  encodeAskItem,
  encodeHeader,
  type Hash,
  type Header,
  hashBatchHeader,
  hashHeader,
  isOfTransaction,
  isPosters,
  keccakHash,
  LIMITS,
  MAX_COMMITMENTS,
  merklePairProof,
  merkleProof,
  merkleRoot,
  type PartsAnswer,
  type PartsItem,
  type PlainItem,
  PROFILES,
  type StretchItem,
  shownPlaces,
  stretchPlaces,
  toHash,
  toWord,
  transactionsWord,
  ZERO_HASH,
} from "@mvm/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { answerIn } from "../src/bindings/disclosureCalls.ts";
import { read } from "../src/bindings/readView.ts";
import {
  beginNextDraw,
  createDacNamed,
  everythingTold,
  fund,
  MT,
  nextHeader,
  refusalOf,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
} from "./network.ts";

const { askPriceWei, revealDelaySeconds, withholdingPenaltyWei, proverShare } = PROFILES.devnet;
const ASKER = 6;
const ANSWERER = 7;
const POSTER = 1;
const hashOf = (n: number): Hash => keccakHash(toWord(BigInt(n)));

/** Three blocks: numbers of their transactions, which are as many checkpoints. */
const COUNTS = [3, 1, 6];
const bytesOf = (position: number, index: number): Uint8Array => toWord(BigInt(100 * position + index));
const transactionsOf = COUNTS.map((count, i) => Array.from({ length: count }, (_, n) => keccakHash(bytesOf(i, n))));
const checkpointsOf = COUNTS.map((count, i) =>
  Array.from(
    { length: count },
    (_, index): Checkpoint => ({
      index,
      stateRoot: hashOf(1_000 + 100 * i + index),
      cumulativeGasUsed: 21_000n * BigInt(index + 1),
      receiptHash: hashOf(10),
      transactionsRoot: hashOf(11),
      receiptsRoot: hashOf(12),
      bloomHash: hashOf(13),
    }),
  ),
);
const leavesOf = checkpointsOf.map((checkpoints) => checkpoints.map(checkpointLeaf));
const genesis: Header = {
  parentHash: hashOf(1),
  stateRoot: hashOf(2),
  transactionsRoot: hashOf(3),
  receiptsRoot: hashOf(4),
  logsBloom: new Uint8Array(256),
  number: 0n,
  gasUsed: 5n,
  timestamp: 1_800_000_000n,
  checkpointsRoot: hashOf(5),
  withdrawalsRoot: hashOf(6),
  prevRandao: hashOf(7),
  baseFeePerGas: 8n,
};
const headers: Header[] = [];
for (const [i, leaves] of leavesOf.entries()) {
  const parentHash = hashHeader(headers.at(-1) ?? genesis);
  headers.push({ ...genesis, parentHash, number: BigInt(i + 1), checkpointsRoot: merkleRoot(leaves) });
}
const blockHashes = headers.map(hashHeader);
const words = transactionsOf.map((hashes) => transactionsWord(hashes.length, merkleRoot(hashes)));

/** What is shown in leaves. */
type LeafAnswer = Exclude<Answer, { readonly kind: "bytes" | "evidence" }>;

/** An answer of a batch's or a block's leaves. */
function plainAnswer({ kind, position }: PlainItem): LeafAnswer {
  if (kind === "blocks") return { kind, position: 0, leaves: blockHashes };
  if (kind === "words") return { kind, position: 0, leaves: words };
  const ofWord = merkleProof(words, position);
  const hashes = transactionsOf[position]!;
  if (kind === "transactions") return { kind, position, leaves: hashes, siblings: ofWord };
  const siblings = [...merkleProof(blockHashes, position), ...ofWord];
  const shown = { header: encodeHeader(headers[position]!), transactions: merkleRoot(hashes) };
  return { kind, position, ...shown, leaves: leavesOf[position]!, siblings };
}

/** Parts that transactions are said to have. */
const PARTS = 7;

async function answerOf(item: AskItem): Promise<LeafAnswer | BytesAnswer> {
  if (item.kind === "parts") return partsAnswer(item, PARTS);
  if (item.kind === "stretch" || item.kind === "evidence") throw new RangeError(`of no ${item.kind} here`);
  if (item.kind === "bytes") return bytesAnswer(item);
  return plainAnswer(item);
}

function bytesAnswer(item: BytesItem): BytesAnswer {
  const { position, index } = item;
  const hashes = transactionsOf[position]!;
  const siblings = [...merkleProof(hashes, index), ...merkleProof(words, position)];
  return { ...item, count: hashes.length, transaction: bytesOf(position, index), siblings };
}

/** Commitments to nothing that anybody could replay, between the right first one and the leaf. */
async function partsAnswer(item: PartsItem, parts: number): Promise<PartsAnswer> {
  const { position, index } = item;
  const [header, hashes, leaves] = [headers[position]!, transactionsOf[position]!, leavesOf[position]!];
  const { number, timestamp, baseFeePerGas, prevRandao, parentHash } = header;
  const parent = position === 0 ? genesis : headers[position - 1]!;
  const start = index === 0 ? beforeFirst(parent.stateRoot) : checkpointsOf[position]![index - 1]!;
  const facts = [chainId, number, timestamp, baseFeePerGas, prevRandao, parentHash];
  const values = [facts, index, start, hashes[index]!];
  const first = await read(network.reader, { contract: "stepReplay", method: "firstOf", values }, ([hash]) =>
    toHash(hash),
  );
  return {
    ...item,
    count: hashes.length,
    header: encodeHeader(header),
    before: index === 0 ? encodeHeader(parent) : start,
    siblings: [
      ...merkleProof(blockHashes, position),
      ...merkleProof(hashes, index),
      ...merkleProof(words, position),
      ...(index === 0 ? merkleProof(leaves, 0) : merklePairProof(leaves, index)),
    ],
    transaction: hashes[index]!,
    parts,
    leaves: shownPlaces(parts).map((place) => commitmentAt(place, parts, [first, leaves[index]!])),
  };
}

const commitmentAt = (place: number, parts: number, [first, last]: readonly [Hash, Hash]): Hash =>
  place === 0 ? first : place === parts ? last : hashOf(50_000 + place);

const beforeFirst = (stateRoot: Hash): Checkpoint => ({
  ...{ index: 0, stateRoot, cumulativeGasUsed: 0n, receiptHash: ZERO_HASH },
  ...{ transactionsRoot: EMPTY_TRIE_ROOT, receiptsRoot: EMPTY_TRIE_ROOT, bloomHash: keccakHash(new Uint8Array(256)) },
});

const ITEMS: readonly AskItem[] = [
  { kind: "blocks", position: 0 },
  { kind: "words", position: 0 },
  ...COUNTS.flatMap((_, position) => [
    { kind: "checkpoints", position } as const,
    { kind: "transactions", position } as const,
  ]),
  { kind: "parts", position: 0, index: 2 },
  { kind: "parts", position: 1, index: 0 },
  { kind: "parts", position: 2, index: 4 },
  { kind: "bytes", position: 1, index: 0 },
  { kind: "bytes", position: 2, index: 3 },
];

/** Answers that are none, each by one change. */
function spoilt(answer: LeafAnswer | BytesAnswer): readonly Answer[] {
  if (answer.kind === "bytes")
    return [
      { ...answer, transaction: Uint8Array.of(9) },
      { ...answer, index: answer.index + 1 },
      { ...answer, count: answer.count + 3 },
      { ...answer, position: 0 },
      { ...answer, siblings: answer.siblings.slice(1) },
      { ...answer, siblings: [...answer.siblings, hashOf(9)] },
    ];
  const { leaves } = answer;
  const others: Answer[] = [
    { ...answer, leaves: [] },
    { ...answer, leaves: leaves.slice(1) },
    { ...answer, leaves: [...leaves, hashOf(9)] },
    { ...answer, leaves: [...leaves.slice(0, -1), hashOf(9)] },
    { ...answer, leaves: [...leaves, ...Array.from({ length: 3 }, () => `0x${"00".repeat(32)}` as Hash)] },
  ];
  if (leaves.length > 1) others.push({ ...answer, leaves: leaves.toReversed() });
  if (!("siblings" in answer)) return others;
  const { position, siblings } = answer;
  others.push(
    { ...answer, siblings: [...siblings, hashOf(9)] },
    { ...answer, siblings: siblings.slice(1) },
    { ...answer, siblings: [hashOf(9), ...siblings.slice(1)] },
    { ...answer, position: (position + 1) % COUNTS.length },
    { ...answer, position: COUNTS.length },
  );
  if (answer.kind === "parts") {
    others.push(
      { ...answer, transaction: hashOf(9) },
      { ...answer, index: answer.index + 1 },
      { ...answer, count: answer.count + 1 },
      { ...answer, parts: answer.parts + 1 },
      { ...answer, header: encodeHeader(headers[(position + 1) % headers.length]!) },
      { ...answer, before: encodeHeader(headers[2]!) },
      { ...answer, before: checkpointsOf[2]![5]! },
      { ...answer, leaves: leaves.with(3, ZERO_HASH) },
    );
  }
  if (answer.kind !== "checkpoints") return others;
  const other = headers[(position + 1) % headers.length]!;
  others.push(
    { ...answer, transactions: hashOf(9) },
    { ...answer, header: encodeHeader(other) },
    { ...answer, header: answer.header.slice(1) },
    { ...answer, siblings: [...siblings.slice(0, -1), hashOf(9)] },
  );
  return others;
}

let network: TestNetwork;
let chainId: ChainId;
let batch: AskedBatch;
let batchHash: Hash;
let snapshot: unknown;

const asker = (): Address => network.accounts[ASKER]!.address;
const wordOf = (position: number): BlockWord => ({
  count: COUNTS[position]!,
  transactions: merkleRoot(transactionsOf[position]!),
  siblings: merkleProof(words, position),
});
const ask = (item: AskItem, word = isOfTransaction(item) ? wordOf(item.position) : undefined) =>
  network.accounts[ASKER]!.submit(askFor(network.addresses, batch, item, 256n * askPriceWei, word && { word }));
const answererOf = (item: AskItem) => network.accounts[isPosters(item) ? POSTER : ANSWERER]!;
const show = (answer: Answer) => answererOf(answer).submit(answerAsk(network.addresses, batch.header, answer));
const mt = (account: Address) => balanceOf(network.reader, account);
const later = async (seconds: number): Promise<void> => {
  await network.anvil.provider.send("evm_increaseTime", [seconds]);
  await network.anvil.mine(1);
};
const expire = () =>
  network.accounts[ANSWERER]!.submit(expireAsk(network.addresses, { ...batch, previous: undefined }));

/** Has a batch posted: of the three blocks, or of others. */
async function post(
  blocks = COUNTS.length,
  roots = { blocksRoot: merkleRoot(blockHashes), transactionsRoot: merkleRoot(words) },
): Promise<BatchHeader> {
  const data = Uint8Array.of(1);
  const header = { ...(await nextHeader(network, chainId, data, BigInt(blocks))), ...roots };
  await network.accounts[0]!.submit(appendBatches(network.addresses, [signed(network, header, data)]));
  return header;
}

beforeAll(async () => {
  network = await startNetwork();
  await createDacNamed(network, "asked");
  chainId = (await chainIdOfLabel(network.reader, "asked"))!;
  await registerFor(network, network.accounts[POSTER]!, "sequencer");
  await fund(network, network.accounts[ASKER]!, "disclosures", 1_000n * MT);
  await beginNextDraw(network);
  const header = await post();
  const [standing] = await standingBatches(network.reader, { chainId, downTo: 1n, fromBlock: network.firstBlock });
  batch = { header, posting: await postingOf(network.reader, standing!) };
  batchHash = hashBatchHeader(header);
});
afterAll(() => network.stop());
beforeEach(async () => {
  if (snapshot !== undefined) await network.anvil.provider.send("evm_revert", [snapshot]);
  snapshot = await network.anvil.provider.send("evm_snapshot", []);
});

describe("what is asked for on L1", () => {
  it.each(ITEMS)(
    "$kind of block $position: is answered by what the protocol takes for an answer, and read back",
    async (item) => {
      const answer = await answerOf(item);
      await ask(item);
      expect(await answerTo(network.reader, { header: batch.header, item, fromBlock: 0n })).toBeUndefined();
      const answerer = answererOf(item).address;
      const before = await mt(answerer);
      const { transactionHash } = await show(answer);
      expect((await mt(answerer)) - before).toBe(askPriceWei);
      const found = await answerTo(network.reader, { header: batch.header, item, fromBlock: 0n });
      expect(found).toEqual({ answer, transactionHash });
      expect(answerFault(batch.header, answer)).toBeNull();
      expect(await refusalOf(show(answer))).toBe("NotServed");
    },
  );

  it.each(ITEMS)("$kind of block $position: L1 and the protocol refuse the same answers", async (item) => {
    await ask(item);
    for (const [i, answer] of spoilt(await answerOf(item)).entries()) {
      const isOther = encodeAskItem(answer) !== encodeAskItem(item);
      expect(answerFault(batch.header, answer), `spoilt ${i}`).not.toBeNull();
      const refusal = await refusalOf(show(answer));
      expect(refusal, `spoilt ${i}`).toBeDefined();
      expect(refusal === "NotServed" && !isOther).toBe(false);
    }
  });

  it("of a transaction nobody shows but its poster, from where it starts", async () => {
    const item = { kind: "parts", position: 2, index: 1 } as const;
    const answer = await partsAnswer(item, PARTS);
    await ask(item);
    const byAnother = network.accounts[ANSWERER]!.submit(answerAsk(network.addresses, batch.header, answer));
    expect(await refusalOf(byAnother)).toBe("NotThePoster");
    expect(await refusalOf(show({ ...answer, leaves: answer.leaves.with(0, hashOf(9)) }))).toBe("WrongCommitment");
    await show(answer);
  });

  it("of a transaction is there: who asks shows it", async () => {
    const item = { kind: "parts", position: 2, index: 1 } as const;
    expect(await refusalOf(ask(item, wordOf(0)))).toBe("WrongPath");
    expect(await refusalOf(ask({ ...item, index: 6 }))).toBe("UnknownItem");
    expect(await refusalOf(ask({ ...item, kind: "stretch", stretch: 0 }))).toBe("UnknownItem");
  });

  it("of a transaction in very many parts is every other commitment, then all of a stretch", async () => {
    const item = { kind: "parts", position: 0, index: 1 } as const;
    const around = await partsAnswer(item, MAX_COMMITMENTS + 1);
    expect(around.leaves).toHaveLength(MAX_COMMITMENTS / 2 + 2);
    await ask(item);
    await show(around);
    const stretch = 4;
    const part: StretchItem = { ...item, kind: "stretch", stretch };
    const ends = [around.leaves[0]!, around.leaves.at(-1)!] as const;
    const leaves = stretchPlaces(around.parts, stretch).map((place) => commitmentAt(place, around.parts, ends));
    const answer = { ...part, leaves, siblings: merklePairProof(around.leaves, stretch + 1) };
    await ask(part);
    for (const wrong of [
      { ...answer, leaves: leaves.slice(1) },
      { ...answer, leaves: leaves.with(0, hashOf(9)) },
      { ...answer, leaves: leaves.with(2, hashOf(9)) },
      { ...answer, leaves: leaves.with(1, ZERO_HASH) },
      { ...answer, siblings: answer.siblings.slice(1) },
    ]) {
      expect(answerFault(batch.header, wrong, { around })).not.toBeNull();
      expect(await refusalOf(show(wrong))).toMatch(/^Wrong|^UnusedSiblings/);
    }
    const { transactionHash } = await show(answer);
    const search = { header: batch.header, item: part, fromBlock: 0n, around };
    expect(await answerTo(network.reader, search)).toEqual({ answer, transactionHash });
  });

  it("is told by the follower, ask by ask, with the clock", async () => {
    await ask(ITEMS[0]!);
    await ask(ITEMS[4]!);
    await show(await answerOf(ITEMS[0]!));
    await show(await answerOf(ITEMS[4]!));
    const { events } = await everythingTold(network);
    const told = events.filter(({ type }) => /^(ask|clock)/.test(type));
    const answerer = network.accounts[ANSWERER]!.address;
    expect(told).toMatchObject([
      { type: "clock-held", chainId },
      { type: "ask-served", batchHash, number: 0n },
      { type: "asked", batchHash, number: 0n, item: encodeAskItem(ITEMS[0]!) },
      { type: "asked", batchHash, number: 1n, item: encodeAskItem(ITEMS[4]!) },
      { type: "ask-answered", batchHash, number: 0n, answerer },
      { type: "ask-served", batchHash, number: 1n },
      { type: "ask-answered", batchHash, number: 1n, answerer },
      { type: "clock-released", chainId },
    ]);
    expect(events.filter(({ type }) => type === "error")).toEqual([]);
  });

  it("and not shown in time has the batch fall and its poster fined, within the penalty; other prices go back", async () => {
    expect(await revealDelay(network.reader)).toBe(BigInt(revealDelaySeconds));
    await ask(ITEMS[0]!);
    await ask(ITEMS[1]!);
    expect(await refusalOf(expire())).toBe("NotExpired");
    const before = await mt(asker());
    await later(revealDelaySeconds);
    await expire();
    const share = (withholdingPenaltyWei * BigInt(proverShare)) / 10_000n;
    expect((await mt(asker())) - before).toBe(askPriceWei + share);
    expect((await headOf(network.reader, chainId)).generation).toBe(1n);
    expect(await refusalOf(show(await answerOf(ITEMS[1]!)))).toBe("NotServed");
    await network.accounts[ANSWERER]!.submit(payBackAsk(network.addresses, batch.header, 1n));
    expect((await mt(asker())) - before).toBe(3n * askPriceWei + share);
    const { events } = await everythingTold(network);
    const { poster } = batch.header;
    expect(events.filter(({ type }) => /^(withheld|rolled-back|asks-closed|clock-released)/.test(type))).toMatchObject([
      { type: "asks-closed", batchHash },
      { type: "rolled-back", chainId, generation: 0n, fromIndex: 0n, lastBlock: 0n },
      { type: "withheld", chainId, poster },
      { type: "clock-released", chainId },
      { type: "asks-closed", batchHash },
      { type: "asks-closed", batchHash },
    ]);
  });

  it("costs twice as much for each further item, and is what the contract has on record", async () => {
    await ask(ITEMS[0]!);
    await ask(ITEMS[3]!);
    expect(await askQueue(network.reader, batchHash)).toMatchObject({ next: 0n, count: 2n, isVoid: false });
    expect(await askAt(network.reader, batchHash, 1n)).toEqual({ asker: asker(), item: ITEMS[3]! });
    expect(await askAt(network.reader, batchHash, 2n)).toBeUndefined();
    const prices = await Promise.all([0n, 1n, 8n, 900n].map((count) => askPrice(network.reader, count)));
    expect(prices).toEqual([1n, 2n, 256n, 256n].map((times) => times * askPriceWei));
    expect(await allowanceOf(network.reader, asker(), "disclosures")).toBe(1_000n * MT - 3n * askPriceWei);
  });
});

describe("the largest answers", () => {
  const many = Array.from({ length: LIMITS.batchBlocks }, (_, i) => hashOf(i));
  const gasOf = async (answer: Answer, asked: AskedBatch): Promise<bigint> => {
    await network.accounts[ASKER]!.submit(askFor(network.addresses, asked, answer, askPriceWei));
    const call = answerAsk(network.addresses, asked.header, answer);
    const { gasUsed } = await network.accounts[ANSWERER]!.submit(call);
    return gasUsed;
  };
  /** A batch of so many blocks that commits to these roots, as the chain's next one. */
  async function postAs(blocks: number, roots: Pick<BatchHeader, "blocksRoot" | "transactionsRoot">) {
    const header = await post(blocks, roots);
    const [standing] = await standingBatches(network.reader, { chainId, downTo: header.lastBlock, fromBlock: 0n });
    return { header, posting: await postingOf(network.reader, standing!) };
  }

  it("fit a transaction of L1: the block hashes of a batch, the words, a block's transactions and checkpoints", async () => {
    const root = merkleRoot(many);
    const all = await postAs(many.length, { blocksRoot: root, transactionsRoot: root });
    const ofBlocks = await gasOf({ kind: "blocks", position: 0, leaves: many }, all);
    const header = { ...headers[0]!, checkpointsRoot: root };
    const hash = hashHeader(header);
    const word = transactionsWord(many.length, root);
    const one = await postAs(1, { blocksRoot: hash, transactionsRoot: word });
    const ofTransactions = await gasOf({ kind: "transactions", position: 0, leaves: many, siblings: [] }, one);
    const other = await postAs(1, { blocksRoot: hash, transactionsRoot: word });
    const shown = { header: encodeHeader(header), transactions: root, leaves: many, siblings: [] };
    const ofCheckpoints = await gasOf({ kind: "checkpoints", position: 0, ...shown }, other);
    for (const gas of [ofBlocks, ofTransactions, ofCheckpoints]) expect(gas).toBeLessThan(LIMITS.transactionGas / 4n);
  });
});

describe("an answer's calldata", () => {
  it("of another call is none", () => {
    expect(answerIn(payBackAsk(network.addresses, batch.header, 1n).data)).toBeUndefined();
    expect(answerIn("0x12345678")).toBeUndefined();
  });

  it.each(ITEMS)("holds what was shown: $kind of block $position", async (item) => {
    const answer = await answerOf(item);
    const { header } = batch;
    expect(answerIn(answerAsk(network.addresses, header, answer).data)).toEqual({ header, answer });
  });
});
