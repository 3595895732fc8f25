import { type Address, encodeSystemTransaction, type SealedBlock, toChainId, toWord, ZERO_HASH } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { blockFault, closingTransaction, judgeGossip, parentOf } from "../src/index.ts";
import {
  at,
  blockOn,
  CHAIN,
  depositTo,
  GENESIS,
  mine,
  NETWORK,
  outcome,
  PARAMETERS,
  post,
  SEQUENCERS,
  sign,
  startView,
  turnOf,
} from "./world.ts";

const view = startView(9n);
const deposits = [depositTo(view, 0n, 3n), depositTo(view, 1n, 9n), depositTo(view, 2n, 10n)];
const sound = blockOn({ view, parent: GENESIS, deposits: deposits.slice(0, 2) });
const faultOf = (block: SealedBlock, parent = GENESIS): string | null =>
  blockFault({ view, parameters: PARAMETERS }, parent, block, at(5).nowMs);
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
    ["prevRandao does not follow from the job", withHeader({ prevRandao: ZERO_HASH })],
    ["gas used", withHeader({ gasUsed: 1n })],
    [
      "gas used",
      {
        ...withHeader({ gasUsed: 60_000_001n }),
        outcomes: sound.outcomes.map((_, i) => outcome(i === 0 ? 60_000_001n : 0n)),
      },
    ],
    ["L1 block is not known yet", withContext({ l1Block: 10n })],
    ["generation", { ...sound, generation: 1n }],
    ["L1 base fee", withContext({ l1BaseFee: sound.context.l1BaseFee + 1n })],
    ["L1 base fee", withContext({ l1BaseFee: 0n })],
    ["queue range out of bounds", withContext({ queueEnd: 7n })],
    ["queue range out of bounds", withContext({ queueEnd: 2n ** 64n - 1n })],
    ["consumes deposits that are not in the queue", withContext({ queueEnd: 3n })],
    ["context transaction differs", withContext({ slot: 2n })],
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
    expect(faultOf(change({ slot: 0n }), parent)).toBe("slot goes back");
    expect(faultOf(change({ l1Block: 8n }), parent)).toBe("L1 block goes back");
    expect(faultOf(change({ queueEnd: 1n }), parent)).toBe("queue range out of bounds");
  });

  it("take an L1 base fee that is no longer known in what is posted alone", () => {
    const forgetful = startView(8n);
    const old = blockOn({ view: forgetful, parent: GENESIS });
    for (let number = 9n; forgetful.l1BaseFee(8n) !== undefined; number++) mine(forgetful, number);
    const rules = { view: forgetful, parameters: PARAMETERS };
    expect(blockFault(rules, GENESIS, old, at(5).nowMs)).toBe("L1 base fee");
    post(forgetful, [old]);
    expect(blockFault(rules, GENESIS, old, at(5).nowMs)).toBeNull();
  });

  it("refuse a timestamp off the ticks", () => {
    const rules = { view, parameters: { ...PARAMETERS, tickSeconds: 2 } };
    expect(blockFault(rules, GENESIS, sound, at(5).nowMs)).toBe("timestamp is off the ticks");
  });
});

describe("gossip", () => {
  it("rejects a block that its own sequencer signed and that pays another one, or nobody", () => {
    const self = turnOf(view, 1n);
    const other = SEQUENCERS.find((member) => member !== self)!;
    const paying = (settle: Uint8Array) =>
      judgeGossip(view, NETWORK, sign({ ...sound, transactions: [...sound.transactions.slice(0, -1), settle] }, self));
    const settleOf = (paid: readonly [Address, ...Address[]]) =>
      encodeSystemTransaction(
        CHAIN,
        closingTransaction(1n, sound.context.l1BaseFee, { paid, transactions: sound.transactions.slice(-2, -1) }),
      );
    const refused = { verdict: "reject", reason: "pays another sequencer" };
    expect(paying(settleOf([self.operator])).verdict).toBe("accept");
    expect(paying(settleOf([other.operator]))).toEqual(refused);
    expect(paying(settleOf([other.operator, self.operator]))).toEqual(refused);
    for (const broken of [toWord(1n), Uint8Array.of(0x7e), Uint8Array.of(0x7e, 0xc0), sound.transactions[0]!])
      expect(paying(broken)).toEqual(refused);
    expect(judgeGossip(view, NETWORK, sign({ ...sound, transactions: [], outcomes: [] }, self))).toEqual(refused);
  });

  it("is taken from the slot's sequencer, rejected from others, passed over where the own view may be behind", () => {
    expect(judgeGossip(view, NETWORK, sound).verdict).toBe("accept");
    const other = SEQUENCERS.find((member) => member !== turnOf(view, 1n))!;
    expect(judgeGossip(view, NETWORK, sign(sound, other)).verdict).toBe("reject");
    expect(judgeGossip(view, NETWORK, { ...sound, signature: `0x${"00".repeat(65)}` }).verdict).toBe("reject");
    expect(judgeGossip(view, { ...NETWORK, l1ChainId: 1n }, sound).verdict).toBe("reject");
    expect(judgeGossip(view, NETWORK, { ...sound, chainId: toChainId(7) }).verdict).toBe("ignore");
    expect(judgeGossip(view, NETWORK, blockOn({ view, parent: GENESIS, slot: 3n })).verdict).toBe("ignore");
    expect(judgeGossip(view, NETWORK, blockOn({ view, parent: GENESIS, slot: 2n })).verdict).toBe("accept");
  });

  it("rejects a header that was changed after signing, and a changed context", () => {
    mine(view, 9n);
    expect(judgeGossip(view, NETWORK, withHeader({ stateRoot: ZERO_HASH })).verdict).toBe("reject");
    expect(judgeGossip(view, NETWORK, withContext({ queueEnd: 1n })).verdict).toBe("reject");
  });
});
