import {
  type Address,
  depositItem,
  encodeSystemTransaction,
  LIMITS,
  type QueueItem,
  type SealedBlock,
  toChainId,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { blockFault, closingTransaction, judgeGossip, type L1View, latestTimestamp, parentOf } from "../src/index.ts";
import {
  at,
  blankView,
  blockOn,
  CHAIN,
  chainOf,
  convict,
  depositTo,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  mine,
  mineOnly,
  NETWORK,
  type Operator,
  operator,
  outcome,
  PARAMETERS,
  post,
  queue,
  SEQUENCERS,
  sign,
  startView,
  turnOf,
} from "./world.ts";

const view = startView(FIRST_BLOCK + 1n);
/** In the queue at the close of epoch 0, which slot 2 looks at, but for the last one. */
const queueItems = [depositTo(view, 0n, 3n), depositTo(view, 1n, 7n), depositTo(view, 2n, 8n)];
const sound = blockOn({ view, parent: GENESIS, queueItems: queueItems.slice(0, 2) });
const faultOf = (block: SealedBlock, parent = GENESIS): string | null =>
  blockFault({ view, parameters: PARAMETERS }, parent, block, latestTimestamp(view, block, at(5).nowMs));
/** Another user transaction, under the settle of the first. */
const swapped = [Uint8Array.of(2), sound.transactions.at(-1)!];
const withHeader = (change: Partial<SealedBlock["header"]>): SealedBlock => ({
  ...sound,
  header: { ...sound.header, ...change },
});
const withContext = (change: Partial<SealedBlock["context"]>): SealedBlock => ({
  ...sound,
  context: { ...sound.context, ...change },
});

describe("the rules of blocks", () => {
  it("take a sound block", () => {
    expect(faultOf(sound)).toBeNull();
    const next = blockOn({ view, parent: parentOf(sound) });
    expect(faultOf(next, parentOf(sound))).toBeNull();
  });

  const faults: readonly [string, SealedBlock][] = [
    ["number does not follow the parent", withHeader({ number: 2n })],
    ["parent hash differs", withHeader({ parentHash: ZERO_HASH })],
    ["one outcome for each of at least one transaction", { ...sound, transactions: [], outcomes: [] }],
    ["one outcome for each of at least one transaction", { ...sound, outcomes: sound.outcomes.slice(1) }],
    ["timestamp does not follow the parent", withHeader({ timestamp: GENESIS.header.timestamp })],
    ["timestamp is in the future", withHeader({ timestamp: GENESIS.header.timestamp + 16n })],
    ["base fee", withHeader({ baseFeePerGas: 1n })],
    ["prevRandao does not follow from the sequencer's randomness", withHeader({ prevRandao: ZERO_HASH })],
    ["gas used", withHeader({ gasUsed: 1n })],
    [
      "gas used",
      {
        ...withHeader({ gasUsed: 60_000_001n }),
        outcomes: sound.outcomes.map((_, i) => outcome(i === 0 ? 60_000_001n : 0n)),
      },
    ],
    ["L1 values are not those of the slot", withContext({ l1Block: FIRST_BLOCK })],
    ["L1 values are not those of the slot", withContext({ slot: FIRST_SLOT + 1n })],
    ["generation", { ...sound, generation: 1n }],
    ["L1 values are not those of the slot", withContext({ l1BaseFee: sound.context.l1BaseFee + 1n })],
    ["L1 values are not those of the slot", withContext({ l1BaseFee: 0n })],
    ["queue range out of bounds", withContext({ queueEnd: 7n })],
    ["queue range out of bounds", withContext({ queueEnd: 2n ** 64n - 1n })],
    ["consumes queue items that are not due", withContext({ queueEnd: 3n })],
    ["context transaction differs", { ...sound, transactions: sound.transactions.with(0, sound.transactions[1]!) }],
    ["settle transaction differs", { ...sound, transactions: [...sound.transactions.slice(0, -2), ...swapped] }],
  ];
  it.each(faults)("refuse: %s", (reason, block) => {
    expect(faultOf(block)).toBe(reason);
  });

  it("refuse what goes back behind the parent: slot, L1 block, queue", () => {
    const parent = parentOf(sound);
    const next = blockOn({ view, parent });
    const change = (context: Partial<SealedBlock["context"]>): SealedBlock => ({
      ...next,
      context: { ...next.context, ...context },
    });
    expect(faultOf(change({ slot: FIRST_SLOT - 1n }), parent)).toBe("slot goes back");
    expect(faultOf(change({ l1Block: parent.context.l1Block - 1n }), parent)).toBe("L1 block goes back");
    expect(faultOf(change({ queueEnd: 1n }), parent)).toBe("queue range out of bounds");
  });

  it("take L1 values that are not known in what is posted alone", () => {
    const forgetful = blankView();
    mineOnly(forgetful, FIRST_BLOCK);
    const old = blockOn({ view: startView(), parent: GENESIS });
    const rules = { view: forgetful, parameters: PARAMETERS };
    expect(blockFault(rules, GENESIS, old, latestTimestamp(rules.view, old, at(5).nowMs))).toBe(
      "L1 values are not those of the slot",
    );
    post(forgetful, [old]);
    expect(blockFault(rules, GENESIS, old, latestTimestamp(rules.view, old, at(5).nowMs))).toBeNull();
  });

  it("measure a block by the own clock until it is posted, and then by the L1 block that it was posted in alone", () => {
    const view = startView();
    const latestAt = (seconds: number): bigint => latestTimestamp(view, sound, at(seconds).nowMs);
    expect(latestAt(5)).toBe(GENESIS.header.timestamp + 15n);
    expect(latestAt(5_000)).toBe(GENESIS.header.timestamp + 5_010n);
    const before = blockOn({ view, parent: GENESIS });
    post(view, [before]);
    const limit = view.block.timestamp + LIMITS.timestampLeadSeconds;
    for (const seconds of [5, 5_000]) {
      expect(latestAt(seconds)).toBe(limit);
      const faultOf = (timestamp: bigint): string | null => {
        const block = { ...before, header: { ...before.header, timestamp } };
        return blockFault({ view, parameters: PARAMETERS }, GENESIS, block, latestAt(seconds));
      };
      const tick = BigInt(PARAMETERS.tickSeconds);
      const last = limit - (limit % tick);
      expect([faultOf(last), faultOf(last + tick)]).toEqual([null, "timestamp is in the future"]);
    }
    expect(latestTimestamp(view, { ...sound, header: { ...sound.header, number: 2n } }, at(5).nowMs)).toBe(
      GENESIS.header.timestamp + 15n,
    );
  });

  it("take of each number one generation alone: that of its batch, or the present one", () => {
    const view = startView();
    const faultOn = (block: SealedBlock, parent = GENESIS): string | null =>
      blockFault({ view, parameters: PARAMETERS }, parent, block, latestTimestamp(view, block, at(50).nowMs));
    const blocks = chainOf({ view, parent: GENESIS }, 2);
    post(view, blocks.slice(0, 1));
    post(view, blocks.slice(1));
    convict(view, 1n);
    expect(faultOn(blocks[0]!)).toBeNull();
    expect(faultOn(blocks[1]!, parentOf(blocks[0]!))).toBe("generation");
    expect(faultOn(blockOn({ view, parent: GENESIS, generation: 1n }))).toBe("generation");
    const next = blockOn({ view, parent: parentOf(blocks[0]!) });
    expect(faultOn(next, parentOf(blocks[0]!))).toBeNull();
    // the context transaction carries it
    expect(faultOn({ ...blocks[1]!, generation: 1n }, parentOf(blocks[0]!))).toBe("context transaction differs");
    expect(faultOn(blockOn({ view, parent: parentOf(blocks[0]!), generation: 2n }), parentOf(blocks[0]!))).toBe(
      "generation",
    );
  });

  it("let a block consume items of any gas, which L1 does not judge, and of as many bytes as it does", () => {
    const to = queueItems[0]!.to;
    const consuming = (items: readonly Partial<QueueItem>[]): string | null => {
      const busy = startView();
      const all = items.map((item, i) =>
        queue(busy, { ...depositItem({ queueIndex: BigInt(i), from: to, to, mint: 0n }), ...item }, 7n),
      );
      const block = blockOn({ view: busy, parent: GENESIS, queueItems: all });
      return blockFault({ view: busy, parameters: PARAMETERS }, GENESIS, block, GENESIS.header.timestamp + 99n);
    };
    const heavy = { kind: "message", gasLimit: LIMITS.transactionGas } as const;
    expect(consuming([heavy, heavy, heavy])).toBeNull();
    const long = (bytes: number) => ({ kind: "forced", data: new Uint8Array(bytes) }) as const;
    const half = LIMITS.blockQueueBytes / 2;
    expect(consuming([long(half), long(half)])).toBeNull();
    expect(consuming([long(half), long(half), long(1)])).toBe("consumes queue items of too many bytes");
  });

  it("let a block consume what its slot looks at, as far as it goes in one block, and nothing later", () => {
    const busy = startView();
    const items = Array.from({ length: LIMITS.blockQueueItems + 1 }, (_, i) => depositTo(busy, BigInt(i), 7n));
    const rules = { view: busy, parameters: PARAMETERS };
    const whole = blockOn({ view: busy, parent: GENESIS, queueItems: items.slice(0, LIMITS.blockQueueItems) });
    expect(blockFault(rules, GENESIS, whole, latestTimestamp(rules.view, whole, at(5).nowMs))).toBeNull();
    const more = blockOn({ view: busy, parent: GENESIS, queueItems: items });
    expect(blockFault(rules, GENESIS, more, latestTimestamp(rules.view, more, at(5).nowMs))).toBe(
      "queue range out of bounds",
    );
    const late = depositTo(busy, BigInt(items.length), 8n);
    const rest = blockOn({ view: busy, parent: parentOf(whole), queueItems: [items.at(-1)!, late] });
    expect(blockFault(rules, parentOf(whole), rest, latestTimestamp(rules.view, rest, at(5).nowMs))).toBe(
      "consumes queue items that are not due",
    );
  });

  it("let a block name providers alone that L1 has given numbers to", () => {
    const work = { attempt: 0, seats: [0, 99] };
    const naming = { ...sound, context: { ...sound.context, work } };
    expect(
      blockFault({ view, parameters: PARAMETERS }, GENESIS, naming, latestTimestamp(view, naming, at(5).nowMs)),
    ).toBe("names a provider that there is none of");
  });

  it("refuse a timestamp off the ticks", () => {
    const rules = { view, parameters: { ...PARAMETERS, tickSeconds: 2 } };
    expect(blockFault(rules, GENESIS, sound, latestTimestamp(rules.view, sound, at(5).nowMs))).toBe(
      "timestamp is off the ticks",
    );
  });
});

const verdictOn = (by: L1View, block: SealedBlock) => judgeGossip(by, NETWORK, block);

describe("gossip", () => {
  it("rejects a block that its own sequencer signed and that pays another one, or nobody", () => {
    const self = turnOf(view, FIRST_SLOT);
    const other = turnOf(view, FIRST_SLOT, 1);
    const paying = (settle: Uint8Array) =>
      verdictOn(view, sign({ ...sound, transactions: [...sound.transactions.slice(0, -1), settle] }, self));
    const settleOf = (paid: readonly [Address, ...Address[]]) => {
      const transactions = sound.transactions.slice(-2, -1);
      const { l1BaseFee } = sound.context;
      const settle = closingTransaction(CHAIN, { number: 1n, l1BaseFee }, { paid, seated: 0, transactions });
      return encodeSystemTransaction(CHAIN, settle);
    };
    const refused = { verdict: "reject", reason: "not signed by whom it pays" };
    expect(paying(settleOf([self.operator])).verdict).toBe("accept");
    expect(paying(settleOf([other.operator]))).toEqual(refused);
    expect(paying(settleOf([other.operator, self.operator]))).toEqual(refused);
    for (const broken of [toWord(1n), Uint8Array.of(0x7e), Uint8Array.of(0x7e, 0xc0), sound.transactions[0]!])
      expect(paying(broken)).toEqual(refused);
    expect(verdictOn(view, sign({ ...sound, transactions: [], outcomes: [] }, self))).toEqual(refused);
  });

  it("rejects what is signed by nobody, for another network, or changed after signing", () => {
    expect(verdictOn(view, sound).verdict).toBe("accept");
    expect(verdictOn(view, { ...sound, signature: `0x${"00".repeat(65)}` }).verdict).toBe("reject");
    expect(judgeGossip(view, { ...NETWORK, l1ChainId: 1n }, sound).verdict).toBe("reject");
    expect(verdictOn(view, withHeader({ stateRoot: ZERO_HASH })).verdict).toBe("reject");
    expect(verdictOn(view, withContext({ queueEnd: 1n })).verdict).toBe("reject");
  });

  it("passes over chains and slots that the own view may not have reached, and slots that are over", () => {
    expect(verdictOn(view, { ...sound, chainId: toChainId(7) }).verdict).toBe("ignore");
    const ahead = startView(5n * 8n);
    const inSlot = (slot: bigint): SealedBlock => blockOn({ view: ahead, parent: GENESIS, slot });
    expect(verdictOn(view, inSlot(4n))).toEqual({ verdict: "ignore", reason: "slot in the future" });
    expect(verdictOn(view, inSlot(3n))).toEqual({ verdict: "ignore", reason: "slot cannot be drawn yet" });
    expect(verdictOn(startView(22n), inSlot(3n)).verdict).toBe("accept");
    expect(verdictOn(startView(31n), sound).verdict).toBe("accept");
    expect(verdictOn(startView(32n), sound)).toEqual({ verdict: "ignore", reason: "slot is over" });
  });

  it("passes over blocks of a generation that is over, and on those of the next, whose begin may not be seen here yet", () => {
    const view = startView();
    const blocks = chainOf({ view, parent: GENESIS }, 2);
    post(view, blocks, SEQUENCERS[1]!);
    const judged = (block: SealedBlock) => judgeGossip(view, NETWORK, block).verdict;
    const [old, next, far] = [0n, 1n, 2n].map((generation) => blockOn({ view, parent: GENESIS, generation }));
    expect([old!, next!, far!].map(judged)).toEqual(["accept", "accept", "ignore"]);
    convict(view, 0n);
    expect([old!, next!, far!].map(judged)).toEqual(["ignore", "accept", "accept"]);
  });

  it("passes over blocks of who was convicted on the chain, and blames nobody for them", () => {
    const view = startView();
    const leader = turnOf(view, FIRST_SLOT);
    post(view, chainOf({ view, parent: GENESIS }, 1), leader);
    convict(view, 0n);
    expect(judgeGossip(view, NETWORK, blockOn({ view, parent: GENESIS })).verdict).toBe("ignore");
  });

  it("takes another rank's block once its claim of the slot is on L1, and the leader's as before; passes over it until then", () => {
    const claimed = startView();
    const second = turnOf(claimed, FIRST_SLOT, 1);
    const block = blockOn({ view: claimed, parent: GENESIS, signer: second });
    expect(verdictOn(claimed, block)).toEqual({ verdict: "ignore", reason: "not its turn yet" });
    claimed.apply({ kind: "slotClaimed", chainId: CHAIN, slot: FIRST_SLOT, rank: 1, l1Block: 19n });
    expect(verdictOn(claimed, block).verdict).toBe("accept");
    expect(verdictOn(claimed, sound).verdict).toBe("accept");
    mine(claimed, 24n);
    claimed.apply({ kind: "slotClaimed", chainId: CHAIN, slot: FIRST_SLOT + 1n, rank: 1, l1Block: 27n });
    expect(verdictOn(claimed, block).verdict).toBe("accept");
  });

  it("rejects a sequencer that no rank drew, unless the queue is overdue for so long that anybody registered may post", () => {
    const crowd = Array.from({ length: 10 }, (_, i) => operator(`crowd-${i}`, i));
    const crowded = startView(FIRST_BLOCK, { sequencers: crowd });
    const unranked = crowd.find((one) => crowded.rankOf(CHAIN, FIRST_SLOT, one.operator) === undefined)!;
    const stranger = operator("stranger", 99);
    const leader = turnOf(crowded, FIRST_SLOT, 0, crowd);
    const by = (signer: Operator): SealedBlock => blockOn({ view: crowded, parent: GENESIS, signer });
    const refused = { verdict: "reject", reason: "not signed by a sequencer of the slot" };
    expect(verdictOn(crowded, by(unranked))).toEqual(refused);
    expect(verdictOn(crowded, by(stranger))).toEqual(refused);
    depositTo(crowded, 0n, FIRST_BLOCK - BigInt(PARAMETERS.forceDelaySeconds + PARAMETERS.openAfterSeconds));
    expect(crowded.isOpen(CHAIN)).toBe(true);
    expect(verdictOn(crowded, by(unranked)).verdict).toBe("accept");
    expect(verdictOn(crowded, by(leader)).verdict).toBe("accept");
    expect(verdictOn(crowded, by(stranger))).toEqual(refused);
    crowded.apply({ kind: "exited", registry: "sequencer", operator: unranked.operator });
    expect(verdictOn(crowded, by(unranked))).toEqual(refused);
  });
});
