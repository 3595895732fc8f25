import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { Driven, FIRST, included } from "./sequencerWorld.ts";
import {
  blockOn,
  CHAIN,
  depositTo,
  FIRST_BLOCK,
  FIRST_SLOT,
  GENESIS,
  mine,
  PARAMETERS,
  post,
  sign,
  startView,
  transfer,
  turnOf,
} from "./world.ts";

const RANK_DELAY = PARAMETERS.rankDelayBlocks;
/** A block of patience beyond what L1 demands. */
const CLAIMABLE = FIRST_BLOCK + BigInt(RANK_DELAY) + 1n;
const END = FIRST_BLOCK + BigInt(PARAMETERS.epochBlocks);

/** The sequencer of a rank of slot 2. */
function ofRank(rank: number, head = FIRST): Driven {
  const view = startView(FIRST_BLOCK);
  return new Driven(FIRST_BLOCK, head, view, turnOf(view, FIRST_SLOT, rank));
}

/** The same where block 1 is on L1 since the slot began. */
function posted(driven: Driven): Driven {
  post(driven.view, [blockOn({ view: driven.view, parent: GENESIS })]);
  return driven;
}

const claim = (driven: Driven, rank: number, l1Block: bigint): void =>
  driven.view.apply({ kind: "slotClaimed", chainId: CHAIN, slot: FIRST_SLOT, rank, l1Block });

describe("a silent slot", () => {
  it("is claimed by the next rank after rankDelay and a block of patience, once, where there is work", () => {
    const driven = posted(ofRank(1)).start().offer(transfer());
    driven.mine(CLAIMABLE - 1n);
    expect(driven.all("claim")).toEqual([]);
    driven.mine(CLAIMABLE);
    driven.mine(CLAIMABLE + 1n);
    expect(driven.all("claim")).toEqual([{ kind: "claim", chainId: CHAIN, slot: FIRST_SLOT, rank: 1 }]);
    expect(driven.all("openSession")).toEqual([]);
  });

  it("is claimed again where the claim did not come through", () => {
    const driven = posted(ofRank(1)).start().offer(transfer()).mine(CLAIMABLE);
    expect(driven.handle({ kind: "claimEnded", reason: "reverted" })).toMatchObject([{ code: "slot-not-claimed" }]);
    driven.mine(CLAIMABLE + 1n);
    expect(driven.all("claim").length).toBe(2);
  });

  it.each([
    ["a transaction that waits", (driven: Driven) => driven.offer(transfer())],
    ["an item of the queue that is due", (driven: Driven) => depositTo(driven.view, 0n, 7n)],
    [
      "a block that is not on L1",
      (driven: Driven) => {
        const block = blockOn({ view: driven.view, parent: FIRST });
        driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 1n });
      },
    ],
  ])(
    "is left alone without work, and until there was some for rankDelay: its leader was not silent; work is %s",
    (_what, giveWork) => {
      const idle = posted(ofRank(1))
        .start()
        .mine(CLAIMABLE - 2n);
      giveWork(idle);
      idle.handle({ kind: "l1Changed" });
      idle.mine(CLAIMABLE);
      expect(idle.all("claim")).toEqual([]);
      idle.mine(CLAIMABLE + 1n);
      expect(idle.all("claim").length).toBe(1);
      const late = posted(ofRank(1))
        .start()
        .mine(CLAIMABLE - 1n);
      giveWork(late);
      for (let number = CLAIMABLE; number < END; number++) late.mine(number);
      expect(late.all("claim")).toEqual([]);
    },
  );

  it("is claimed for the first block of a DAC, which needs nothing else", () => {
    expect(ofRank(1, GENESIS).start().mine(CLAIMABLE).all("claim").length).toBe(1);
  });

  it("is left alone when too little of it is left, when batches come, by its leader, and on a chain that exits", () => {
    const late = posted(ofRank(1)).start().offer(transfer());
    mine(late.view, END - BigInt(RANK_DELAY) - 2n);
    late.mine(END - BigInt(RANK_DELAY) - 1n);
    expect(late.all("claim")).toEqual([]);

    const lively = posted(ofRank(1)).start().offer(transfer());
    mine(lively.view, CLAIMABLE - 2n);
    post(lively.view, [blockOn({ view: lively.view, parent: FIRST })]);
    lively.handle({ kind: "l1Changed" });
    lively.mine(CLAIMABLE);
    expect(lively.all("claim")).toEqual([]);
    lively.mine(CLAIMABLE + 1n);
    expect(lively.all("claim").length).toBe(1);

    const leader = posted(ofRank(0)).start().offer(transfer()).mine(CLAIMABLE);
    expect(leader.all("claim")).toEqual([]);

    const exiting = posted(ofRank(1)).start().offer(transfer());
    exiting.view.apply({ kind: "turnedToExit", chainId: CHAIN });
    exiting.mine(CLAIMABLE);
    expect(exiting.all("claim")).toEqual([]);
  });
});

describe("a slot that was claimed", () => {
  const handedOver = CLAIMABLE + 1n + BigInt(RANK_DELAY);

  it("is begun by its claimer after the hand-over alone, with asking the hosts, and its blocks are posted", () => {
    const driven = posted(ofRank(1)).start().offer(transfer()).mine(CLAIMABLE);
    mine(driven.view, CLAIMABLE + 1n);
    claim(driven, 1, CLAIMABLE + 1n);
    driven.handle({ kind: "claimEnded", reason: null });
    for (let number = CLAIMABLE + 1n; number < handedOver; number++) {
      driven.mine(number).handle({ kind: "timer", name: "post" });
      expect([driven.asked("head"), driven.all("openSession"), driven.all("post")]).toEqual([[], [], []]);
    }
    driven.mine(handedOver);
    expect(driven.asked("head").length).toBeGreaterThan(0);
    expect(driven.all("openSession")).toEqual([]);
    driven.hostsSay(1n).open().agree(included).assemble();
    const { block } = driven.all("seal")[0]!;
    expect(driven.faultOf(block)).toBeNull();
    const sealed = sign({ ...block, signature: "0x" }, driven.self);
    driven.handle({ kind: "sealed", block: sealed });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 1n });
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post")).toMatchObject([{ from: 2n, to: 2n, slot: FIRST_SLOT }]);
    expect(driven.all("claim").length).toBe(1);
  });

  it("is over for its leader at once: nothing is begun, sealed or posted any more", () => {
    const driven = posted(ofRank(0)).start().hostsSay(1n).offer(transfer()).open().agree(included);
    claim(driven, 1, CLAIMABLE + 1n);
    driven.assemble();
    expect(driven.all("seal")).toEqual([]);
    expect(driven.all("closeSession").length).toBe(1);
    const before = driven.all("openSession").length;
    driven.mine(CLAIMABLE + 1n).handle({ kind: "timer", name: "advance" });
    driven.mine(handedOver).handle({ kind: "timer", name: "post" });
    expect([driven.all("openSession").length, driven.all("post")]).toEqual([before, []]);
  });
});

describe("a block whose slot is over before it is done", () => {
  const many = Array.from({ length: 40 }, (_, i) => transfer({ nonce: BigInt(i) }));
  const jobSizes = (driven: Driven): readonly number[] => [
    ...new Set(
      driven.asked("job").map(({ request }) => (request.name === "job" ? request.body.messages.length : Number.NaN)),
    ),
  ];
  /** Goes to the last L1 block before the sequencer leads again; gives the slot in which it does. */
  const beforeNextTurn = ({ view, self }: Driven): bigint => {
    for (let slot = FIRST_SLOT + 1n; ; slot++) {
      mine(view, slot * BigInt(PARAMETERS.epochBlocks) - 1n);
      if (view.rankOf(CHAIN, slot, self.operator) === 0) return slot;
    }
  };

  it("is given up at once, seats and all, and the next one in its turn takes half as much", () => {
    const driven = posted(ofRank(0))
      .start()
      .hostsSay(1n)
      .offer(...many)
      .open();
    expect(jobSizes(driven)).toEqual([40]);
    const turn = beforeNextTurn(driven);
    driven.handle({ kind: "l1Changed" });
    expect(driven.all("note")).toMatchObject([
      { code: "block-abandoned", data: { reason: "the turn was over first" } },
    ]);
    expect(driven.all("closeSession").length).toBe(1);
    driven.mine(turn * BigInt(PARAMETERS.epochBlocks)).hostsSay(1n);
    driven.handle({ kind: "timer", name: "advance" });
    driven.open();
    expect(jobSizes(driven)).toEqual([40, 20]);
  });

  it("is sealed where it was being sealed, for the signature may be there", () => {
    const driven = posted(ofRank(0))
      .start()
      .hostsSay(1n)
      .offer(...many)
      .open()
      .agree(included)
      .assemble();
    beforeNextTurn(driven);
    driven.handle({ kind: "l1Changed" });
    expect([driven.all("seal").length, driven.all("note")]).toEqual([1, []]);
  });
});

describe("a chain whose queue is overdue for too long", () => {
  const waited = BigInt(PARAMETERS.forceDelaySeconds + PARAMETERS.openAfterSeconds);

  /** L1 blocks of a slot */
  const slot = BigInt(PARAMETERS.epochBlocks);
  /** A sequencer that has seen two slots go by, and is not the one whose the present slot is. */
  const overdue = (inBetween: (driven: Driven, number: bigint) => void = () => undefined): Driven => {
    const driven = posted(ofRank(1));
    depositTo(driven.view, 0n, FIRST_BLOCK - waited + 1n);
    driven.start();
    driven.maySign = false;
    for (let number = FIRST_BLOCK + 1n; number < FIRST_BLOCK + 2n * slot; number++) {
      inBetween(driven, number);
      driven.mine(number);
    }
    driven.maySign = true;
    driven.mine(FIRST_BLOCK + 2n * slot);
    expect([driven.view.isOpen(CHAIN), driven.view.turn(CHAIN)?.rank]).toEqual([true, 0]);
    expect(driven.view.turn(CHAIN)?.member.operator).not.toBe(driven.self.operator);
    return driven;
  };

  it("is everybody's who is registered, once nothing came for a slot: blocks are made and posted out of turn", () => {
    const driven = overdue().hostsSay(1n);
    expect(driven.all("openSession")).toMatchObject([{ opening: [{ source: "context" }, { source: "deposit" }] }]);
    driven.open().assemble();
    const { block } = driven.all("seal")[0]!;
    const sealed = sign({ ...block, signature: "0x" }, driven.self);
    driven.handle({ kind: "sealed", block: sealed });
    driven.handle({ kind: "headChanged", head: parentOf(sealed), block: sealed, safeNumber: 1n });
    driven.handle({ kind: "timer", name: "post" });
    expect(driven.all("post")).toMatchObject([{ from: 2n, to: 2n, slot: FIRST_SLOT + 2n }]);
  });

  it("is left to whose slot it is, as long as something of its comes to L1", () => {
    const driven = overdue(({ view }, number) => {
      if (number === FIRST_BLOCK + slot + 2n) post(view, [blockOn({ view, parent: FIRST })]);
    });
    driven.mine(FIRST_BLOCK + 2n * slot + 1n);
    expect([driven.asked("head"), driven.all("openSession")]).toEqual([[], []]);
    driven.mine(FIRST_BLOCK + 2n * slot + 2n);
    expect(driven.asked("head").length).toBeGreaterThan(0);
  });

  it("is nobody's once it turned to exit: no block, no batch, nor what was being assembled", () => {
    const driven = posted(ofRank(0)).start().hostsSay(1n).offer(transfer()).open().agree(included);
    driven.view.apply({ kind: "turnedToExit", chainId: CHAIN });
    driven.assemble();
    expect(driven.all("seal")).toEqual([]);
    const block = blockOn({ view: driven.view, parent: FIRST });
    driven.handle({ kind: "headChanged", head: parentOf(block), block, safeNumber: 1n });
    driven.mine(FIRST_BLOCK + 1n).offer(transfer({ nonce: 1n }));
    driven.handle({ kind: "timer", name: "post" });
    driven.handle({ kind: "timer", name: "advance" });
    expect([driven.all("openSession").length, driven.all("post")]).toEqual([1, []]);
  });
});

describe("a sequencer whose key another node may use", () => {
  it("claims no slot", () => {
    const driven = posted(ofRank(1));
    driven.maySign = false;
    driven.start().offer(transfer()).mine(CLAIMABLE);
    expect(driven.all("claim")).toEqual([]);
    driven.maySign = true;
    driven.mine(CLAIMABLE + 1n);
    expect(driven.all("claim")).toHaveLength(1);
  });

  it("begins no turn, and does once it is known that no other does", () => {
    const driven = ofRank(0);
    driven.maySign = false;
    driven.start().offer(transfer());
    driven.mine(FIRST_BLOCK + 1n);
    for (const kind of ["request", "openSession", "post"] as const) expect(driven.all(kind)).toEqual([]);
    driven.maySign = true;
    driven.mine(FIRST_BLOCK + 2n);
    expect(driven.asked("head").length).toBeGreaterThan(0);
  });

  it("signs nothing of what is on its way when another is seen", () => {
    const assembled = (maySign: boolean): Driven => {
      const driven = ofRank(0).start().hostsSay(1n).offer(transfer()).open().agree(included);
      driven.maySign = maySign;
      return driven.assemble();
    };
    expect(assembled(true).all("seal")).toHaveLength(1);
    expect(assembled(false).all("seal")).toEqual([]);
  });
});
