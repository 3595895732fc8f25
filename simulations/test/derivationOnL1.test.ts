/** Batches that do not follow from their data: found, judged on a real L1, and convicted there by one transaction. */
import { INTERFACES, isCounted, l1Now, proveDerivation } from "@mvm/l1";
import {
  accusationOf,
  aheadProof,
  closingProof,
  commitmentsOf,
  contextProof,
  countProof,
  formProof,
  foundingProof,
  itemBytesProof,
  type PostedBatch,
  queueEndProof,
  rowProof,
  settleProof,
  slotsProof,
  timeProof,
} from "@mvm/node";
import {
  AddressTable,
  concatBytes,
  decodeSystemTransaction,
  encodeSystemTransaction,
  LIMITS,
  type Settlement,
  SYSTEM,
  type SystemTransaction,
  settledAccounts,
  settleTransaction,
  toAddress,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { makeSidecar, toBlob } from "@mvm/protocol/blobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DerivationLab, type LabBlock, withTransaction } from "./derivationLab.ts";

/** users' transactions of a block, of which two fill a batch in calldata */
const MANY = 685;
/** Places in block 1: context, founding, a deposit, users, settle; in the others context, users, settle. */
const [CONTEXT, FOUNDING, ITEM, FIRST_USER] = [0, 1, 2, 1];

let lab: DerivationLab;
beforeAll(async () => {
  lab = await DerivationLab.start(8);
}, 120_000);
afterAll(() => lab?.stop());

/** A system transaction of a block, changed. */
function changed(block: LabBlock, place: number, change: Partial<SystemTransaction>): LabBlock {
  const own = decodeSystemTransaction(block.transactions[place]!, block.chainId);
  return withTransaction(block, place, encodeSystemTransaction(block.chainId, { ...own, ...change }));
}

function dataChanged(block: LabBlock, place: number, at: number): LabBlock {
  const { data } = decodeSystemTransaction(block.transactions[place]!, block.chainId);
  const other = data.slice();
  other[other.length + at]! ^= 1;
  return changed(block, place, { data: other });
}

type Made = { readonly blocks: readonly LabBlock[]; readonly data: Uint8Array };
/** A block whose settle says something else of its transactions than they are. */
function closedBy(block: LabBlock, change: (right: Settlement) => Partial<Settlement>): LabBlock {
  const own = decodeSystemTransaction(block.transactions.at(-1)!, block.chainId);
  const { paid, ...rest } = settledAccounts(own)!;
  const [sequencer, ...providers] = paid;
  const right = { sequencer, providers, ...rest };
  const closing = settleTransaction(own.index, { ...right, ...change(right) });
  return withTransaction(block, lastOf(block), encodeSystemTransaction(block.chainId, closing));
}

const blockWith = ({ blocks }: Made, position: number, change: (block: LabBlock) => LabBlock): LabBlock[] =>
  blocks.map((block, i) => (i === position ? change(block) : block));
const lastOf = (block: LabBlock): number => block.transactions.length - 1;

/** What is claimed in place of what was made; and the kind of proof that finds it. */
type Lie = readonly [name: string, kind: string, tell: (made: Made) => PostedBatch | Promise<PostedBatch>];
/** A batch on L1 with the data that it was posted with. */
const asPosted = (
  { header, blocks, posting }: Awaited<ReturnType<DerivationLab["network"]["post"]>>,
  { data }: Made,
): PostedBatch => ({ header, data, postedAt: posting.postedAt, ...commitmentsOf(blocks) });
const onBlock = (position: number, change: (block: LabBlock) => LabBlock) => (made: Made) =>
  lab.claimed(blockWith(made, position, change), made.data);

const LIES: readonly Lie[] = [
  [
    "another transaction of a user",
    "row",
    onBlock(1, (block) => withTransaction(block, FIRST_USER + 2, lab.user(99n))),
  ],
  ["a transaction less", "count", onBlock(2, (block) => withTransaction(block, FIRST_USER, null))],
  ["another L1 base fee", "context", onBlock(1, (block) => dataChanged(block, CONTEXT, -65))],
  ["another number of transactions in the context", "context", onBlock(2, (block) => dataChanged(block, CONTEXT, -1))],
  ["another charter", "founding", onBlock(0, (block) => dataChanged(block, FOUNDING, -1))],
  ["more MT than were deposited", "item", onBlock(0, (block) => changed(block, ITEM, { mint: 10n ** 30n }))],
  [
    "a settle that pays another sequencer",
    "settle",
    onBlock(1, (block) => closedBy(block, () => ({ sequencer: lab.network.operator }))),
  ],
  [
    "a settle that pays another provider",
    "settle",
    onBlock(1, (block) => closedBy(block, ({ providers: [first] }) => ({ providers: [first!, ZERO_ADDRESS] }))),
  ],
  [
    "a settle that pays a provider less",
    "settle",
    onBlock(1, (block) => closedBy(block, ({ providers }) => ({ providers: providers.slice(1) }))),
  ],
  [
    "a settle that pays who stands in for a seat",
    "settle",
    onBlock(1, (block) => closedBy(block, () => ({ seated: 2 }))),
  ],
  [
    "a settle that burns the fee of a seat's holder",
    "settle",
    onBlock(2, (block) => closedBy(block, () => ({ seated: 0 }))),
  ],
  ["an end that is no settle", "settle", onBlock(1, (block) => changed(block, lastOf(block), { source: "deposit" }))],
  [
    "L1 fees of a wei more",
    "closing",
    onBlock(1, (block) => closedBy(block, ({ l1Fees }) => ({ l1Fees: l1Fees + 1n }))),
  ],
  ["no L1 fees", "closing", onBlock(0, (block) => closedBy(block, () => ({ l1Fees: 0n })))],
  [
    "an address for the table that nobody names",
    "closing",
    onBlock(2, (block) => closedBy(block, ({ seen }) => ({ seen: [...seen, lab.network.operator] }))),
  ],
  ["no address for the table", "closing", onBlock(1, (block) => closedBy(block, () => ({ seen: [] })))],
  [
    "another time",
    "time",
    onBlock(2, (block) => ({ ...block, header: { ...block.header, timestamp: block.header.timestamp + 2n } })),
  ],
  ["an item more of the queue", "queueEnd", ({ blocks, data }) => lab.claimed(blocks, data, { queueEnd: 2n })],
  ["a byte too much", "form", ({ blocks, data }) => lab.claimed(blocks, concatBytes(data, Uint8Array.of(0)))],
  ["data of another generation", "form", ({ blocks, data }) => lab.claimed(blocks, data, { generation: 9n })],
  [
    "a number that the table does not have",
    "row",
    async () => {
      const known = toAddress("0x00000000000000000000000000000000000beef1");
      const { blocks, data } = await lab.make({ table: new AddressTable(501, [[known, 500]]) });
      return lab.claimed(blocks, data);
    },
  ],
  [
    "a slot that goes back",
    "slots",
    async () => {
      const { blocks, data } = await lab.make({ slotAt: (position) => lab.slots[position === 1 ? 1 : 0]! });
      return lab.claimed(blocks, data);
    },
  ],
  [
    "a slot after the batch's",
    "context",
    async () => {
      const { blocks, data } = await lab.make({ slotAt: (position) => lab.slots[1]! + (position === 2 ? 1n : 0n) });
      return lab.claimed(blocks, data);
    },
  ],
];

describe("a batch's data", () => {
  it("need not be looked at for items of the queue of too many bytes: what the batch commits to shows them", async () => {
    const made = await lab.make();
    const [first, ...rest] = made.blocks;
    const source = {
      source: "forced",
      index: 1n,
      from: SYSTEM,
      to: ZERO_ADDRESS,
      mint: 0n,
      value: 0n,
      gasLimit: 0n,
    } as const;
    const forced = (bytes: number): Uint8Array =>
      encodeSystemTransaction(first!.chainId, { ...source, data: new Uint8Array(bytes) });
    const judged = async (sizes: readonly number[]) => {
      const transactions = first!.transactions.toSpliced(ITEM + 1, 0, ...sizes.map(forced));
      const batch = lab.claimed([{ ...first!, transactions }, ...rest], made.data);
      const consumed = sizes.map((_, i) => ({ index: ITEM + 1 + i, transaction: transactions[ITEM + 1 + i]! }));
      const proof = itemBytesProof(batch, 0, consumed);
      return [proof.proof.items.length, await lab.judge(batch, proof)];
    };
    expect(await judged([32_768, 32_768])).toEqual([2, false]);
    expect(await judged([1, 32_768, 1, 32_768])).toEqual([3, true]);
    // all items of a block that may be, each as large as the others
    expect(await judged(Array.from({ length: LIMITS.blockQueueItems }, () => 1_025))).toEqual([64, true]);
  });

  it.each(LIES)("show: %s", async (_, kind, tell) => {
    const batch = await tell(await lab.make());
    const found = lab.find(batch);
    expect(found?.kind).toBe(kind);
    expect(await lab.judge(batch, found!)).toBe(true);
  });

  it("show nothing against blocks that follow from them, by any proof", async () => {
    const { blocks, data } = await lab.make();
    const batch = lab.claimed(blocks, data);
    expect(lab.find(batch)).toBe(null);
    const { parent, nodes, founding, storageUnits } = lab.source;
    for (const position of blocks.keys()) {
      const proofs = [countProof, timeProof, contextProof, settleProof].map((prove) => prove(batch, position));
      const place = position === 0 ? 3 : FIRST_USER;
      const row = { position, index: 0, place, resolved: [lab.known] };
      const before = position === 0 ? parent : blocks[position - 1]!.header;
      const slots = position === 0 ? [] : [slotsProof(batch, position)];
      const closing = closingProof(batch, position, blocks[position]!.transactions);
      const all = [...proofs, ...slots, closing, rowProof(batch, row, before, nodes)];
      for (const proof of all) expect([proof.kind, await lab.judge(batch, proof)]).toEqual([proof.kind, false]);
    }
    const { charter } = founding;
    const item = { index: ITEM, transaction: blocks[0]!.transactions[ITEM]! };
    const whole = [
      itemBytesProof(batch, 0, [item]),
      formProof(batch, 0, false),
      formProof(batch, 0, true),
      queueEndProof(batch, []),
      foundingProof(batch, { charter, storageUnits }),
      { kind: "blob", proof: {} } as const,
    ];
    for (const proof of whole) expect([proof.kind, await lab.judge(batch, proof)]).toEqual([proof.kind, false]);
  });
});

const senderOf = () => ({ l1: lab.network.reader, deployedAtBlock: 0n });
/** That a batch's blob is no data. */
function malformedFault() {
  const place = { committed: commitmentsOf([]), position: null, parent: lab.source.parent, hashesBefore: [] };
  return { ...place, fault: { proof: "derivation", derivation: { kind: "blob", proof: {} } } } as const;
}

describe("one transaction on L1", () => {
  const lie = (block: LabBlock): LabBlock => withTransaction(block, FIRST_USER, lab.user(99n));

  it("convicts a batch whose calldata do not hold a transaction", async () => {
    const made = await lab.make();
    const posted = await lab.network.post(blockWith(made, 1, lie), made);
    const found = lab.find(asPosted(posted, made));
    expect(found?.kind).toBe("row");
    const { end } = await lab.network.accuse(posted, proveDerivation(lab.network.addresses, posted, found!));
    expect(end).toBe("proven");
    expect(await lab.network.nextBlock()).toBe(1n);
  }, 60_000);

  it("convicts a batch whose range of a blob does not hold a transaction, once the range was opened", async () => {
    const made = await lab.make();
    const offset = 77;
    const content = concatBytes(new Uint8Array(offset).fill(3), made.data, new Uint8Array(500).fill(4));
    const blob = toBlob(content);
    const sidecar = await makeSidecar(blob, "blob");
    const posted = await lab.network.post(blockWith(made, 1, lie), { data: made.data, blob: { sidecar, offset } });
    const found = lab.find(asPosted(posted, made));
    const place = { committed: commitmentsOf([]), position: 1, parent: made.blocks[0]!.header, hashesBefore: [] };
    const faults = [{ ...place, fault: { proof: "derivation", derivation: found! } }] as const;
    const accused = { ...posted, blob: async () => blob };
    const next = () => accusationOf(senderOf(), accused, faults);
    const refused = { kind: "no-verdict", reason: "L1 sees no fault of blob" };
    expect(await accusationOf(senderOf(), accused, [malformedFault()])).toEqual(refused);
    const first = await next();
    const opened = await lab.network.send(first.kind === "unopened" ? first.opening : expect.unreachable(first.kind));
    expect(BigInt(opened)).toBeLessThan(LIMITS.transactionGas);
    const ready = await next();
    const call = ready.kind === "ready" ? ready.call : expect.unreachable(ready.kind);
    const { end, prove } = await lab.network.accuse(posted, call);
    expect([end, BigInt(prove) < LIMITS.transactionGas]).toEqual(["proven", true]);
    expect(await lab.network.nextBlock()).toBe(1n);
  }, 60_000);

  it("convicts a batch in a blob of which an element is no data, once L1 was shown it", async () => {
    const made = await lab.make();
    const malformed = toBlob(made.data);
    // far behind the batch's own data: whoever chose the blob answers for all of it
    malformed.set([1, 2, 3], 32 * 4_001);
    const blob = { sidecar: await makeSidecar(malformed, "blob"), offset: 0 };
    const posted = await lab.network.post(made.blocks, { data: made.data, blob });
    const next = () => accusationOf(senderOf(), { ...posted, blob: async () => malformed }, [malformedFault()]);
    const first = await next();
    await lab.network.send(first.kind === "unopened" ? first.opening : expect.unreachable(first.kind));
    const ready = await next();
    const call = ready.kind === "ready" ? ready.call : expect.unreachable(ready.kind);
    expect((await lab.network.accuse(posted, call)).end).toBe("proven");
    expect(await lab.network.nextBlock()).toBe(1n);
  }, 120_000);

  it("convicts a batch for settle's L1 fees, also where the block has to be counted in several transactions before", async () => {
    const made = await lab.make();
    const posted = await lab.network.post(
      blockWith(made, 1, (block) => closedBy(block, ({ l1Fees }) => ({ l1Fees: l1Fees - 1n }))),
      made,
    );
    const batch = asPosted(posted, made);
    const found = lab.find(batch);
    expect(found).toEqual(closingProof(batch, 1, posted.blocks[1]!.transactions));
    const derivation = closingProof(batch, 1, posted.blocks[1]!.transactions, 300);
    const { before, counted } = derivation.proof;
    expect(counted.length).toBeGreaterThan(2);
    const place = { committed: commitmentsOf([]), position: 1, parent: made.blocks[0]!.header, hashesBefore: [] };
    const faults = [{ ...place, fault: { proof: "derivation", derivation } }] as const;
    const sender = { l1: lab.network.reader, deployedAtBlock: 0n };
    const blob = () => Promise.reject(new Error("the batch is in calldata"));
    const next = () => accusationOf(sender, { ...posted, blob }, faults);
    expect(await lab.judge(batch, derivation).catch(() => "no verdict")).toBe("no verdict");
    // each is counted once
    for (const _ of counted) {
      expect(await isCounted(lab.network.reader, batch.header.chainId, before)).toBe(false);
      const one = await next();
      await lab.network.send(one.kind === "unopened" ? one.opening : expect.unreachable(one.kind));
    }
    expect(await isCounted(lab.network.reader, batch.header.chainId, before)).toBe(true);
    const ready = await next();
    const { end } = await lab.network.accuse(
      posted,
      ready.kind === "ready" ? ready.call : expect.unreachable(ready.kind),
    );
    expect(end).toBe("proven");
  }, 60_000);

  it("convicts a batch of as much calldata as there may be", async () => {
    const made = await lab.make({ blocks: 2, users: MANY });
    expect(made.data.length).toBeGreaterThan(95_000);
    expect(made.data.length).toBeLessThanOrEqual(LIMITS.batchBytes);
    const last = (block: LabBlock): LabBlock => withTransaction(block, MANY, lab.user(99_999n));
    const posted = await lab.network.post(blockWith(made, 1, last), made);
    const found = lab.find(asPosted(posted, made));
    expect(found?.kind).toBe("row");
    const { end, prove } = await lab.network.accuse(posted, proveDerivation(lab.network.addresses, posted, found!));
    expect([end, BigInt(prove) < LIMITS.transactionGas]).toEqual(["proven", true]);
  }, 120_000);

  it("convicts a batch for a block that is further ahead of L1 than it may be, by when L1 took it, and none that is not", async () => {
    const { addresses, reader } = lab.network;
    const data = INTERFACES.blockVerifier.encodeFunctionData("timestampLead");
    const lead = await reader.transport.send("eth_call", [{ to: addresses.blockVerifier, data }, "latest"]);
    expect(BigInt(lead as string)).toBe(LIMITS.timestampLeadSeconds);
    const { timestamp } = await l1Now(reader);
    const made = await lab.make({ lastTimestamp: timestamp + 3_600n });
    const posted = await lab.network.post(made.blocks, made);
    const batch = asPosted(posted, made);
    const found = lab.find(batch);
    expect(found).toMatchObject({ kind: "ahead", proof: { position: 2 } });
    const sound = proveDerivation(addresses, posted, aheadProof(batch, 1));
    expect((await lab.network.accuse(posted, sound)).end).toBe("refuted");
    expect((await lab.network.accuse(posted, proveDerivation(addresses, posted, found!))).end).toBe("proven");
  }, 60_000);

  it("convicts a batch for a context that does not follow from L1", async () => {
    const made = await lab.make();
    const posted = await lab.network.post(
      blockWith(made, 1, (block) => dataChanged(block, CONTEXT, -65)),
      made,
    );
    const found = lab.find(asPosted(posted, made));
    const { end } = await lab.network.accuse(posted, proveDerivation(lab.network.addresses, posted, found!));
    expect(end).toBe("proven");
  }, 60_000);

  it("costs an accuser its bond where the data hold the transaction, and takes nothing from the sequencer", async () => {
    const made = await lab.make();
    const posted = await lab.network.post(made.blocks, made);
    const batch = asPosted(posted, made);
    expect(lab.find(batch)).toBe(null);
    const row = { position: 1, index: 2, place: FIRST_USER + 2, resolved: [lab.known] };
    const proof = rowProof(batch, row, made.blocks[0]!.header, lab.source.nodes);
    // a prover asks L1 before it accuses, and does not
    const place = { committed: commitmentsOf([]), position: 1, parent: made.blocks[0]!.header, hashesBefore: [] };
    const faults = [{ ...place, fault: { proof: "derivation", derivation: proof } }] as const;
    const sender = { l1: lab.network.reader, deployedAtBlock: 0n };
    const blob = () => Promise.reject(new Error("the batch is in calldata"));
    const asked = await accusationOf(sender, { ...posted, blob }, faults);
    expect(asked).toEqual({ kind: "no-verdict", reason: "L1 sees no fault of row" });
    const { end } = await lab.network.accuse(posted, proveDerivation(lab.network.addresses, posted, proof));
    expect(end).toBe("refuted");
    expect(await lab.network.nextBlock()).toBe(posted.header.lastBlock + 1n);
  }, 60_000);
});
