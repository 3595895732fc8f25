import {
  appendBatches,
  balanceOf,
  batchDigestOf,
  chainIdOfLabel,
  claimSlot,
  convict,
  depositMt,
  ejectSequencer,
  forceExit,
  forceTransaction,
  headOf,
  isExiting,
  type L1Call,
  postingOf,
  type QueueItemValues,
  queueLength,
  refundHeld,
  refundItem,
  releaseHeld,
  type SignedBatch,
  sequencerOf,
  stake,
  standingBatches,
  turnToExit,
} from "@mvm/l1";
import {
  type Address,
  type BatchHeader,
  batchDigest,
  type ChainId,
  firstBlockOf,
  hashBatchHeader,
  keccakHash,
  PREDEPLOYS,
  PROFILES,
  ZERO_HASH,
} from "@mvm/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  accountOf,
  beginNextDraw,
  beginSlot,
  createDacNamed,
  DISPUTES,
  EPOCH_BLOCKS,
  everythingTold,
  fund,
  headNumber,
  MT,
  mineTo,
  nextHeader,
  postNext,
  refusalOf,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
} from "./network.ts";

const { rankDelayBlocks, forceDelaySeconds, openAfterSeconds, exitAfterSeconds } = PROFILES.devnet;
const USER = 6;

let network: TestNetwork;
let chains: readonly ChainId[];
let slot: bigint;
let snapshot: unknown;

beforeAll(async () => {
  network = await startNetwork();
  for (const label of ["one", "two"]) await createDacNamed(network, label);
  chains = await Promise.all(["one", "two"].map(async (label) => (await chainIdOfLabel(network.reader, label))!));
  for (const account of network.accounts.slice(1, 4)) await registerFor(network, account, "sequencer");
  await fund(network, network.accounts[USER]!, "bridge", 10_000n * MT);
  slot = await beginNextDraw(network);
});
afterAll(() => network.stop());
beforeEach(async () => {
  if (snapshot !== undefined) await network.anvil.provider.send("evm_revert", [snapshot]);
  snapshot = await network.anvil.provider.send("evm_snapshot", []);
});

const bytes = (content: number, length = 64): Uint8Array => new Uint8Array(length).fill(content);
const send = (call: L1Call, from = 0): Promise<unknown> => network.accounts[from]!.submit(call);
const refusal = (call: L1Call, from = 0): Promise<string | undefined> => refusalOf(send(call, from));
const append = (...batches: readonly SignedBatch[]): L1Call => appendBatches(network.addresses, batches);
const one = (): ChainId => chains[0]!;
const ofRank = (rank: number): Promise<Address> => sequencerOf(network.reader, { chainId: one(), slot, rank });
const later = async (seconds: number): Promise<void> => {
  await network.anvil.provider.send("evm_increaseTime", [seconds]);
  await network.anvil.mine(1);
};
/** The items of the first chain's queue, as their events tell them. */
const itemsTold = async (): Promise<readonly QueueItemValues[]> =>
  (await everythingTold(network)).ofType("queue-item-added").map(({ item }) => item);

describe("batches", () => {
  it("have the hash and the digest that the protocol gives them", async () => {
    const header = await postNext(network, one(), bytes(1));
    const hash = hashBatchHeader(header);
    const [event] = (await everythingTold(network)).ofType("batch-appended");
    expect(event).toMatchObject({ chainId: one(), index: 0n, batchHash: hash, header });
    expect((await headOf(network.reader, one())).lastBatchHash).toBe(hash);
    const identity = { l1ChainId: network.anvil.l1ChainId, comco: network.addresses.comco };
    const randomness = network.randomness.get(header.slot)!;
    expect(await batchDigestOf(network.reader, hash, header.slot)).toBe(batchDigest(identity, randomness, header));
  });

  it("of several chains come in one transaction, each with its own data; one that was posted is passed over", async () => {
    const data = [bytes(1, 40), bytes(2, 70), bytes(3, 100)];
    const [first, second] = [
      await nextHeader(network, chains[0]!, data[0]!),
      await nextHeader(network, chains[1]!, data[1]!),
    ];
    await send(append(signed(network, first, data[0]!), signed(network, second, data[1]!)), 7);
    const next = await nextHeader(network, chains[1]!, data[2]!);
    const again = [signed(network, first, data[0]!), signed(network, next, data[2]!)];
    await send(append(...again), 8);
    expect(await refusal(append(...again), 8)).toBe("NothingToAppend");
    const told = await everythingTold(network);
    expect(told.ofType("error")).toEqual([]);
    expect(told.ofType("batch-appended").map(({ header }) => header)).toEqual([first, second, next]);
    expect(told.ofType("batch-appended").map((event) => event.data)).toEqual(data);
    const [one, two, three] = told.ofType("batch-appended");
    expect([one!.transactionHash === two!.transactionHash, two!.l1Block === three!.l1Block]).toEqual([true, false]);
  });

  it.each<[string, (header: BatchHeader) => Partial<BatchHeader>]>([
    ["WrongIndex", ({ index }) => ({ index: index + 1n })],
    ["SlotNotOpen", (header) => ({ slot: header.slot + 1n })],
    ["SlotNotOpen", (header) => ({ slot: header.slot - 1n })],
    ["WrongBlockRange", ({ firstBlock }) => ({ lastBlock: firstBlock - 1n })],
    ["WrongBlockRange", ({ firstBlock }) => ({ lastBlock: firstBlock + 2_048n })],
    ["QueueEndBeyondQueue", () => ({ queueEnd: 1n })],
    ["WrongSignature", () => ({ previousBatchHash: ZERO_HASH })],
    ["WrongSignature", () => ({ generation: 1n })],
  ])("are refused by name: %s", async (name, change) => {
    // postings of the slot before are over by then
    await mineTo(network, firstBlockOf(slot, EPOCH_BLOCKS) + 7n);
    slot = await beginSlot(network);
    const header = await nextHeader(network, one(), bytes(1));
    if (change(header).slot === header.slot - 1n) await mineTo(network, firstBlockOf(slot + 1n, EPOCH_BLOCKS) + 8n);
    const changed = { ...header, ...change(header) };
    expect(await refusal(append(signed(network, changed, bytes(1))))).toBe(name);
  });

  it("are taken from who leads the slot alone, whoever carries them", async () => {
    const header = await nextHeader(network, one(), bytes(1));
    const other = network.accounts.slice(1, 4).find(({ address }) => address !== header.poster)!.address;
    expect(await refusal(append(signed(network, { ...header, poster: other }, bytes(1))))).toBe("NotElected");
    const forged = { ...signed(network, { ...header, poster: other }, bytes(1)), header };
    expect(await refusal(append(forged))).toBe("WrongSignature");
    const signedForBlob = { ...signed(network, { ...header, blobHash: keccakHash(bytes(1)) }, bytes(1)), header };
    expect(await refusal(append(signedForBlob))).toBe("WrongSignature");
    expect(await refusal(append(signed(network, header, new Uint8Array(0))))).toBe("WrongDataRange");
    expect(await refusal(append(signed(network, header, bytes(1))), 9)).toBeUndefined();
  });
});

describe("a silent slot", () => {
  it("is claimed by rank after rank, handed over after rankDelay, and each step is told", async () => {
    slot = await beginSlot(network);
    const first = firstBlockOf(slot, EPOCH_BLOCKS);
    const [leader, second] = [await ofRank(0), await ofRank(1)];
    const claimer = network.accounts.indexOf(accountOf(network, second));
    const claim = claimSlot(network.addresses, { chainId: one(), rank: 1 });
    expect(await refusal(claimSlot(network.addresses, { chainId: one(), rank: 0 }), claimer)).toBe("WrongRank");
    expect(await refusal(claimSlot(network.addresses, { chainId: one(), rank: 8 }), claimer)).toBe("WrongRank");
    expect(await refusal(claim, claimer)).toBe("NotSilentYet");
    await mineTo(network, first + BigInt(rankDelayBlocks));
    expect(await refusal(claim, 7)).toBe("NotElected");
    await send(claim, claimer);
    const claimedAt = await headNumber(network.anvil);

    const header = { ...(await nextHeader(network, one(), bytes(1))), slot };
    expect(header.poster).toBe(leader);
    const early = append(signed(network, { ...header, poster: second }, bytes(1)));
    expect(await refusal(early)).toBe("NotElected");
    expect(await refusal(append(signed(network, header, bytes(1))))).toBeUndefined();
    await mineTo(network, claimedAt + BigInt(rankDelayBlocks));
    const head = await headOf(network.reader, one());
    const next = {
      ...header,
      index: 1n,
      previousBatchHash: head.lastBatchHash,
      firstBlock: head.lastBlock + 1n,
      lastBlock: head.lastBlock + 1n,
    };
    expect(await refusal(append(signed(network, next, bytes(1))))).toBe("NotElected");
    await send(append(signed(network, { ...next, poster: second }, bytes(1))));
    const told = await everythingTold(network);
    expect(told.ofType("slot-claimed")).toMatchObject([{ chainId: one(), slot, rank: 1, sequencer: second }]);
    expect(told.ofType("batch-appended").map((event) => event.header.poster)).toEqual([leader, second]);
  });
});

describe("forced items", () => {
  const force = (from = USER): Promise<unknown> =>
    send(forceTransaction(network.addresses, { chainId: one(), transaction: bytes(9, 120) }), from);

  it("are queued with their data and as who asked for them", async () => {
    const user = network.accounts[USER]!;
    await force();
    const exit = { chainId: one(), to: PREDEPLOYS.coinbase, valueWei: 5n, data: "0x51cff8d9" } as const;
    await send(forceExit(network.addresses, exit), USER);
    const queued = (await everythingTold(network)).ofType("queue-item-added");
    const zero = { mint: 0n, mintedBefore: 0n };
    expect(queued.map(({ item }) => item)).toMatchObject([
      { kind: 2, from: user.address, value: 0n, gasLimit: 0n, dataHash: keccakHash(bytes(9, 120)), ...zero },
      { kind: 3, from: user.address, to: PREDEPLOYS.coinbase, value: 5n, gasLimit: 500_000n, ...zero },
    ]);
    expect(queued.map(({ data }) => data)).toEqual([bytes(9, 120), Uint8Array.of(0x51, 0xcf, 0xf8, 0xd9)]);
    expect(queued.map(({ index, item }) => [index, item.l1Block])).toEqual(
      queued.map(({ l1Block }, i) => [BigInt(i), l1Block]),
    );
    const empty = { chainId: one(), transaction: new Uint8Array(0) };
    expect(await refusal(forceTransaction(network.addresses, empty))).toBe("WrongTransactionLength");
  });

  it("must be consumed once they are overdue; until then they are shown where they are left", async () => {
    await force();
    slot = await beginNextDraw(network);
    const [item] = await itemsTold();
    const header = await nextHeader(network, one(), bytes(1));
    expect(await refusal(append(signed(network, header, bytes(1))))).toBe("ItemMissing");
    const other = { ...item!, value: 1n };
    expect(await refusal(append(signed(network, header, bytes(1), { nextItem: other })))).toBe("WrongQueueItem");
    const untouched = await network.anvil.provider.send("evm_snapshot", []);
    const shown = append(signed(network, header, bytes(1), { nextItem: item! }));
    await later(forceDelaySeconds);
    expect(await refusal(shown)).toBe("OverdueItemLeft");
    await network.anvil.provider.send("evm_revert", [untouched]);
    const consuming = append(signed(network, { ...header, queueEnd: 1n }, bytes(1)));
    expect(await refusal(consuming)).toBeUndefined();
  });

  it("open the chain to every sequencer with a bond when they are overdue by openAfter", async () => {
    await force();
    slot = await beginNextDraw(network);
    const [item] = await itemsTold();
    const header = { ...(await nextHeader(network, one(), bytes(1))), queueEnd: 1n };
    const other = network.accounts.slice(1, 4).find(({ address }) => address !== header.poster)!.address;
    const byOther = append(signed(network, { ...header, poster: other }, bytes(1), { firstItem: item! }));
    const stranger = network.accounts[8]!.address;
    const byStranger = append(signed(network, { ...header, poster: stranger }, bytes(1), { firstItem: item! }));
    await later(1);
    expect(await refusal(byOther)).toBe("NotOverdue");
    await later(forceDelaySeconds + openAfterSeconds);
    expect(await refusal(byStranger)).toBe("NotElected");
    expect(await refusal(byOther)).toBeUndefined();
    expect(await headOf(network.reader, one())).toMatchObject({ nextIndex: 1n, queueEnd: 1n });
  });

  it("turn the chain to exit when they are overdue by exitAfter: it takes nothing any more, and what waits is refunded", async () => {
    const user = network.accounts[USER]!;
    await force();
    await send(depositMt(network.addresses, { chainId: one(), to: user.address, amountWei: 5n * MT }), USER);
    const [item, deposit] = await itemsTold();
    const turn = turnToExit(network.addresses, { chainId: one(), item: item! });
    const refund = refundItem(network.addresses, { chainId: one(), index: 1n, item: deposit! });
    expect(await refusal(turn)).toBe("NotOverdue");
    expect(await refusal(refund)).toBe("NotExiting");
    await later(forceDelaySeconds + exitAfterSeconds);
    await send(turn);
    expect(await isExiting(network.reader, one())).toBe(true);
    expect((await everythingTold(network)).ofType("turned-to-exit")).toMatchObject([{ chainId: one() }]);
    expect(await refusal(turn)).toBe("ChainExiting");
    const more = forceTransaction(network.addresses, { chainId: one(), transaction: bytes(1) });
    expect(await refusal(more)).toBe("ChainExiting");
    slot = await beginSlot(network);
    const header = await nextHeader(network, one(), bytes(1));
    expect(await refusal(append(signed(network, header, bytes(1))))).toBe("ChainExiting");
    const before = await balanceOf(network.reader, user.address);
    await send(refund);
    expect(await balanceOf(network.reader, user.address)).toBe(before + 5n * MT);
    expect(await refusal(refund)).toBe("NotRefundable");
    const nothing = refundItem(network.addresses, { chainId: one(), index: 0n, item: item! });
    expect(await refusal(nothing)).toBe("NotRefundable");
  });
});

describe("a batch that is convicted", () => {
  const headsOf = () => headOf(network.reader, one());

  it("falls with all after it, as its event tells; its poster is ejected, and the next batch is of the next generation", async () => {
    const headers: BatchHeader[] = [];
    for (const content of [1, 2, 3]) headers.push(await postNext(network, one(), bytes(content)));
    const [first, second] = headers;
    const scan = { chainId: one(), downTo: second!.firstBlock, fromBlock: network.firstBlock };
    const standing = (await standingBatches(network.reader, scan)).find(({ header }) => header.index === 1n)!;
    const proof = await postingOf(network.reader, standing);
    const prover = network.accounts[USER]!.address;
    const conviction = convict(network.addresses, { header: second!, proof, previous: first, prover });
    expect(await refusal(conviction, USER)).toBe("OnlyDisputes");
    await send(conviction, DISPUTES);
    const lastBlock = first!.lastBlock;
    expect(await headsOf()).toMatchObject({ nextIndex: 1n, lastBlock, generation: 1n, queueEnd: first!.queueEnd });
    const told = await everythingTold(network);
    expect(told.ofType("rolled-back")).toMatchObject([{ chainId: one(), generation: 0n, fromIndex: 1n, lastBlock }]);
    expect(told.ofType("convicted")).toMatchObject([{ chainId: one(), sequencer: second!.poster }]);
    await send(ejectSequencer(network.addresses, second!.poster), USER);
    expect((await everythingTold(network)).ofType("exited")).toMatchObject([
      { role: "sequencer", operator: second!.poster, unlocksAt: undefined },
    ]);
    expect(await refusal(conviction, DISPUTES)).toBe("BatchFell");
    // who was ejected is still drawn for two slots, and cannot post
    slot = await beginNextDraw(network);
    const next = await postNext(network, one(), bytes(4));
    expect(next).toMatchObject({ generation: 1n, index: 1n, previousBatchHash: hashBatchHeader(first!) });
    expect(next.poster).not.toBe(second!.poster);
  });

  it("may be the first: the chain goes back to its genesis", async () => {
    const header = await postNext(network, one(), bytes(1));
    const scan = { chainId: one(), downTo: 1n, fromBlock: network.firstBlock };
    const proof = await postingOf(network.reader, (await standingBatches(network.reader, scan))[0]!);
    const prover = network.accounts[USER]!.address;
    await send(convict(network.addresses, { header, proof, previous: undefined, prover }), DISPUTES);
    expect(await headsOf()).toMatchObject({ nextIndex: 0n, lastBlock: 0n, generation: 1n });
    expect((await everythingTold(network)).ofType("rolled-back")).toMatchObject([{ fromIndex: 0n, lastBlock: 0n }]);
  });
});

describe("a deposit for which no sequencer has the stake", () => {
  const AMOUNT = 2_000n * MT;
  const hold = (): Promise<unknown> => {
    const to = network.accounts[USER]!.address;
    return send(depositMt(network.addresses, { chainId: one(), to, amountWei: AMOUNT }), USER);
  };

  it("is held outside the queue, and refunded to who paid it", async () => {
    const user = network.accounts[USER]!;
    const before = await balanceOf(network.reader, user.address);
    await hold();
    expect(await queueLength(network.reader, one())).toBe(0n);
    const held = { chainId: one(), id: 0n };
    expect(await refusal(releaseHeld(network.addresses, held))).toBe("StillHeld");
    expect(await refusal(refundHeld(network.addresses, held), 7)).toBe("NotDepositor");
    await send(refundHeld(network.addresses, held), USER);
    expect(await refusal(refundHeld(network.addresses, held), USER)).toBe("UnknownHeldDeposit");
    expect(await balanceOf(network.reader, user.address)).toBe(before);
    const told = await everythingTold(network);
    const paid = { from: user.address, to: user.address, amountWei: AMOUNT };
    expect(told.ofType("deposit-held")).toMatchObject([{ ...held, ...paid }]);
    expect(told.ofType("held-refunded")).toMatchObject([held]);
    expect(told.ofType("queue-item-added")).toEqual([]);
  });

  it("is released into the queue by anyone once one has", async () => {
    const [, sequencer] = network.accounts;
    await hold();
    await fund(network, sequencer!, "bondManager", AMOUNT);
    await send(stake(network.addresses, { sequencer: sequencer!.address, amountWei: AMOUNT }), 1);
    await send(releaseHeld(network.addresses, { chainId: one(), id: 0n }), 7);
    const told = await everythingTold(network);
    expect(told.ofType("held-released")).toMatchObject([{ chainId: one(), id: 0n }]);
    expect(told.ofType("queue-item-added")).toMatchObject([{ chainId: one(), index: 0n, item: { mint: AMOUNT } }]);
    expect(told.ofType("threshold-changed")).toMatchObject([{ chainId: one(), thresholdMT: 2_000 }]);
    expect(told.ofType("error")).toEqual([]);
  });
});
