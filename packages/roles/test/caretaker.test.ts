import { type Address, type ChainId, toAddress, toChainId, ZERO_HASH } from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Caretaker, type CaretakerEvent, type CaretakerView, type Conviction, type Dac } from "../src/index.ts";

const SELF = toAddress(`0x${"01".repeat(20)}`);
const OTHER = toAddress(`0x${"02".repeat(20)}`);
const CHAIN = toChainId(1_000);
const MOMENT = { nowMs: 0, entropy: ZERO_HASH };
const BUSY = 8;

/** L1 as the test sets it. */
let l1: {
  slot: bigint;
  leader: Address | null;
  held: Map<bigint, bigint>;
  exiting: boolean;
  idle: ChainId[];
  covered: boolean;
  rank: number | undefined;
  convicted: Map<Address, Conviction>;
};
let caretaker: Caretaker;

const view: CaretakerView = {
  get slot() {
    return l1.slot;
  },
  dacs: () => [{ chainId: CHAIN } as Dac],
  heldDeposits: () => l1.held,
  convicted: () => l1.convicted,
  isExiting: () => l1.exiting,
  turn: (chainId) =>
    l1.leader === null || chainId !== CHAIN ? undefined : { member: { operator: l1.leader } as never, rank: 0 },
  rankOf: () => l1.rank,
  canCover: () => l1.covered,
  idleLocks: (operator) => (operator === SELF ? l1.idle : []),
};

const tell = (event: CaretakerEvent) => caretaker.handle(event, MOMENT);
/** The held deposits that are tried at an L1 block. */
const tried = (): readonly bigint[] =>
  tell({ kind: "l1Changed" }).map((effect) => (effect.kind === "releaseHeld" ? effect.id : -1n));
const end = (id: bigint, reason: string | null) => tell({ kind: "releaseEnded", chainId: CHAIN, id, reason });

beforeEach(() => {
  const bond = { idle: [], covered: true, rank: 0, convicted: new Map() };
  l1 = { slot: 10n, leader: SELF, held: new Map([[0n, 5n]]), exiting: false, ...bond };
  caretaker = new Caretaker({ view, operator: SELF });
});

describe("a caretaker of held deposits", () => {
  it("asks for each of them once in an epoch, in their order, and for none that is gone", () => {
    l1.held.set(1n, 7n);
    expect(tried()).toEqual([0n, 1n]);
    expect(tried()).toEqual([]);
    end(0n, null);
    end(1n, "StillHeld");
    l1.held.delete(0n);
    expect(tried()).toEqual([]);
    l1.slot = 12n;
    expect(tried()).toEqual([1n]);
  });

  it("leaves it to the leader of the slot, and a chain that exits alone", () => {
    l1.leader = OTHER;
    expect(tried()).toEqual([]);
    l1.leader = null;
    expect(tried()).toEqual([]);
    l1 = { ...l1, leader: SELF, exiting: true };
    expect(tried()).toEqual([]);
    l1.exiting = false;
    expect(tried()).toEqual([0n]);
  });

  it("waits twice as long after each refusal, and tries anew at once in the next epoch after stakes or thresholds changed", () => {
    const attempts: bigint[] = [];
    for (l1.slot = 0n; l1.slot < 200n; l1.slot++) {
      for (const id of tried()) {
        attempts.push(l1.slot);
        end(id, "StillHeld");
      }
    }
    expect(attempts).toEqual([0n, 2n, 6n, 14n, 30n, 62n, 126n, 190n]);
    l1.slot = 191n;
    expect(tried()).toEqual([]);
    tell({ kind: "bondsChanged" });
    expect(tried()).toEqual([0n]);
    end(0n, "StillHeld");
    tell({ kind: "bondsChanged" });
    expect(tried()).toEqual([]);
    l1.slot = 192n;
    expect(tried()).toEqual([0n]);
  });

  it("has a bounded number of releases under way, and says which succeeded", () => {
    for (let id = 0n; id < 20n; id++) l1.held.set(id, 1n);
    expect(tried()).toHaveLength(BUSY);
    expect(tried()).toEqual([]);
    expect(end(0n, null)).toMatchObject([{ kind: "note", code: "deposit-released", data: { id: 0n } }]);
    l1.held.delete(0n);
    expect(tried()).toEqual([BigInt(BUSY)]);
    expect(end(99n, null)).toEqual([]);
  });
});

describe("a caretaker of locks", () => {
  const released = (): readonly (readonly ChainId[])[] =>
    tell({ kind: "l1Changed" }).flatMap((effect) => (effect.kind === "releaseLocks" ? [effect.chainIds] : []));
  const idle = [toChainId(7), toChainId(8)];
  beforeEach(() => {
    l1 = { ...l1, held: new Map(), idle, covered: false };
  });

  it("drops those that have run out where they keep the sequencer from a chain that it is drawn for, once an epoch", () => {
    expect(released()).toEqual([idle]);
    expect(released()).toEqual([]);
    expect(tell({ kind: "locksReleased", reason: null })).toMatchObject([{ kind: "note", code: "locks-released" }]);
    expect(released()).toEqual([]);
    l1.slot = 11n;
    expect(released()).toEqual([idle]);
    l1.slot = 12n;
    expect(released()).toEqual([]);
    expect(tell({ kind: "locksReleased", reason: "unreachable" })).toEqual([]);
    expect(released()).toEqual([idle]);
  });

  it("leaves them where nothing is hindered, or nothing has run out, and takes 32 at once", () => {
    l1.covered = true;
    expect(released()).toEqual([]);
    l1 = { ...l1, covered: false, rank: undefined };
    expect(released()).toEqual([]);
    l1 = { ...l1, rank: 3, idle: [] };
    expect(released()).toEqual([]);
    l1.idle = Array.from({ length: 40 }, (_, i) => toChainId(i + 1));
    expect(released().map(({ length }) => length)).toEqual([32]);
  });
});

describe("a caretaker of the draws", () => {
  const GUILTY = toAddress(`0x${"03".repeat(20)}`);
  const ejected = (): readonly Address[] =>
    tell({ kind: "l1Changed" }).flatMap((effect) => (effect.kind === "eject" ? [effect.sequencer] : []));
  const convictedOn = (chainId: ChainId): void => {
    l1.convicted = new Map([[GUILTY, { chainId, slot: 10n, isEjected: false }]]);
  };
  beforeEach(() => {
    l1 = { ...l1, held: new Map() };
  });

  it("has who was convicted for a chain ejected by who leads it, once an epoch until L1 tells it", () => {
    convictedOn(CHAIN);
    expect(ejected()).toEqual([GUILTY]);
    expect(ejected()).toEqual([]);
    expect(tell({ kind: "ejectEnded", sequencer: GUILTY, reason: "unreachable" })).toEqual([]);
    expect(ejected()).toEqual([]);
    l1.slot = 11n;
    expect(ejected()).toEqual([GUILTY]);
    const ended = tell({ kind: "ejectEnded", sequencer: GUILTY, reason: null });
    expect(ended).toMatchObject([{ kind: "note", code: "ejected", data: { sequencer: GUILTY } }]);
    l1.slot = 12n;
    l1.convicted.set(GUILTY, { chainId: CHAIN, slot: 10n, isEjected: true });
    expect(ejected()).toEqual([]);
  });

  it("leaves it to the leader of the chain in the first slot, and from then on to that of any", () => {
    convictedOn(toChainId(7));
    expect(ejected()).toEqual([]);
    l1.slot = 11n;
    l1.leader = OTHER;
    expect(ejected()).toEqual([]);
    l1.leader = SELF;
    expect(ejected()).toEqual([GUILTY]);
  });
});
