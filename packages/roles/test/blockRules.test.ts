import { type SealedBlock, toChainId, ZERO_HASH } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { blockFault, judgeGossip, parentOf } from "../src/index.ts";
import {
  at,
  blockOn,
  depositTo,
  GENESIS,
  mine,
  NETWORK,
  outcome,
  PARAMETERS,
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
    ["queue range out of bounds", withContext({ queueEnd: 4n })],
    ["consumes deposits that are not in the queue", withContext({ queueEnd: 3n })],
    ["deposit differs from the queue", { ...sound, transactions: [...sound.transactions].reverse() }],
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

  it("refuse a timestamp off the ticks", () => {
    const rules = { view, parameters: { ...PARAMETERS, tickSeconds: 2 } };
    expect(blockFault(rules, GENESIS, sound, at(5).nowMs)).toBe("timestamp is off the ticks");
  });
});

describe("gossip", () => {
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
