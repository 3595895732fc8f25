import {
  type Address,
  type Hash,
  type Hex,
  PRESENCE_PARTS,
  type Presence,
  presenceDigest,
  signDigest,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type AnnounceEffect, type L1View, PresenceRules, SigningGuard, type SigningGuardEvent } from "../src/index.ts";
import { CHAIN, freshHash, mineOnly, NETWORK, PARAMETERS, SEQUENCERS, startView } from "./world.ts";

const SELF = SEQUENCERS[0]!;
const BLOCKS = BigInt(PARAMETERS.epochBlocks);
const START = 6n;
/** L1 blocks until others hear an announcement. */
const DELAY = 2n;

/** L1, and nodes with one key that hear each other. */
class Machines {
  readonly view: L1View;
  readonly nodes: Driven[] = [];
  #under: { readonly from: Driven; readonly presence: Presence; readonly at: bigint }[] = [];

  constructor() {
    this.view = startView(START * BLOCKS);
  }

  start(lastSlot: bigint | null = null): Driven {
    const node = new Driven(this, lastSlot);
    this.nodes.push(node);
    node.handle({ kind: "live" });
    return node;
  }

  kill(node: Driven): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Everybody but `from` who is there then hears an announcement some blocks later. */
  tell(from: Driven, { kind: _kind, ...presence }: AnnounceEffect): void {
    this.#under.push({ from, presence: { ...presence, signature: "0x" }, at: this.view.block.number + DELAY });
  }

  #deliver(): void {
    const due = this.#under.filter(({ at }) => at <= this.view.block.number);
    this.#under = this.#under.filter(({ at }) => at > this.view.block.number);
    for (const { from, presence } of due)
      for (const node of this.nodes.slice()) if (node !== from) node.handle({ kind: "heard", presence });
  }

  /** L1 goes on to the beginning of a slot, block by block. */
  until(slot: bigint): void {
    while (this.view.slot < slot) this.mine();
  }

  mine(): void {
    mineOnly(this.view, this.view.block.number + 1n);
    this.#deliver();
    for (const node of this.nodes.slice()) node.handle({ kind: "l1Changed" });
  }
}

class Driven {
  readonly guard: SigningGuard;
  readonly announced: AnnounceEffect[] = [];
  readonly notes: string[] = [];
  readonly #around: Machines;

  constructor(around: Machines, lastSlot: bigint | null, operator: Address = SELF.operator) {
    this.#around = around;
    const { epochBlocks } = PARAMETERS;
    this.guard = new SigningGuard({
      view: around.view,
      operator,
      epochBlocks,
      instance: freshHash() as Hash,
      lastSlot,
    });
  }

  handle(event: SigningGuardEvent): void {
    for (const effect of this.guard.handle(event)) {
      if (effect.kind === "note") this.notes.push(effect.code);
      else {
        this.announced.push(effect);
        this.#around.tell(this, effect);
      }
    }
  }

  ownBlock(slot: bigint, isOurs: boolean): void {
    this.handle({ kind: "ownBlock", chainId: CHAIN, slot, number: 9n, isOurs });
  }
}

describe("the guard of a sequencer's key", () => {
  it("signs nothing before L1 was read, nor in the slot of the start, nor in the one that it listens to", () => {
    const machines = new Machines();
    const node = machines.start();
    for (let slot = START; slot < START + 2n; slot++) {
      machines.until(slot);
      expect(node.guard.maySign).toBe(false);
    }
    machines.until(START + 2n);
    expect(node.guard.maySign).toBe(true);
    expect(new SigningGuard({ ...MINIMAL, view: machines.view }).maySign).toBe(false);
  });

  it("costs a new registration nothing: its turns begin no sooner than a node signs that started with it", () => {
    const machines = new Machines();
    const node = machines.start();
    // keys take effect two epochs after they are registered
    machines.until(START + 2n);
    expect(node.guard.maySign).toBe(true);
  });

  it("tells that it is there in every part of each slot, and whether it signs", () => {
    const machines = new Machines();
    const node = machines.start();
    machines.until(START + 3n);
    const of = (slot: bigint) => node.announced.filter((presence) => presence.slot === slot);
    for (const slot of [START + 1n, START + 2n]) {
      expect(of(slot).map(({ part }) => part)).toEqual(Array.from({ length: PRESENCE_PARTS }, (_, part) => part));
      expect(of(slot).every(({ signs }) => signs === slot > START + 1n)).toBe(true);
    }
  });

  it.each([0n, 1n, 3n, BLOCKS - 1n])(
    "lets a copy that starts beside a live node sign nothing, and the node go on (%s blocks into a slot)",
    (blocks) => {
      const machines = new Machines();
      const node = machines.start();
      machines.until(START + 4n);
      for (let i = 0n; i < blocks; i++) machines.mine();
      const copy = machines.start();
      for (let slot = 0n; slot < 5n; slot++) {
        machines.until(START + 4n + slot);
        expect([node.guard.maySign, copy.guard.maySign]).toEqual([true, false]);
      }
      expect(copy.guard.stopped).toMatch(/another node/);
      expect(copy.notes).toContain("signing-stopped");
      expect(node.notes).toContain("key-used-elsewhere");
    },
  );

  it("lets neither of two that start together sign", () => {
    const machines = new Machines();
    const [one, other] = [machines.start(), machines.start()];
    machines.until(START + 6n);
    expect([one.guard.maySign, other.guard.maySign]).toEqual([false, false]);
  });

  it("goes on at once where it ran here in this slot, and what it told before does not stop it", () => {
    const machines = new Machines();
    const first = machines.start();
    machines.until(START + 3n);
    machines.mine();
    // under way when it dies
    machines.tell(first, first.announced.at(-1)!);
    machines.kill(first);
    const again = machines.start(machines.view.slot);
    for (let i = 0n; i < BLOCKS; i++) machines.mine();
    expect(again.guard.maySign).toBe(true);
  });

  it("goes on at once in the first half of the next slot, and listens anew later", () => {
    const machines = new Machines();
    for (let block = 0n; block < BLOCKS; block++) {
      const node = machines.start(START - 1n);
      expect(node.guard.maySign).toBe(block < BLOCKS / 2n);
      machines.kill(node);
      machines.mine();
    }
    expect(machines.start(START - 1n).guard.maySign).toBe(false);
  });

  it("holds wherever one dies, is back at once, and a copy starts beside it: never do both sign", () => {
    for (let died = 0n; died < 2n * BLOCKS; died++) {
      for (let copied = 0n; copied < 2n * BLOCKS; copied++) {
        for (const back of [1n, 3n, BLOCKS / 2n, BLOCKS]) {
          const machines = new Machines();
          let node: Driven | null = machines.start(START);
          let lastSlot = START;
          let copy: Driven | null = null;
          for (let block = 0n; block < 5n * BLOCKS; block++) {
            if (block === died) {
              machines.kill(node!);
              node = null;
            }
            if (block === died + back) node = machines.start(lastSlot);
            if (block === copied) copy = machines.start();
            machines.mine();
            if (node?.guard.maySign) lastSlot = machines.view.slot;
            const both = node?.guard.maySign === true && copy?.guard.maySign === true;
            if (both) throw new Error(`both sign: died ${died}, back after ${back}, copied ${copied}, block ${block}`);
          }
        }
      }
    }
  });

  it("does not go on from a slot that lies in the future: its memory is of another chain", () => {
    expect(new Machines().start(START + 1n).guard.maySign).toBe(false);
  });

  it("stops for good at a block of the own key that it did not sign, whoever shows it", () => {
    const machines = new Machines();
    const node = machines.start();
    machines.until(START + 2n);
    node.ownBlock(START + 2n, true);
    expect(node.guard.maySign).toBe(true);
    node.ownBlock(START + 2n, false);
    expect(node.guard.maySign).toBe(false);
    machines.until(START + 9n);
    expect(node.guard.maySign).toBe(false);
    expect(node.notes.filter((code) => code === "signing-stopped")).toHaveLength(1);
    expect(node.announced.at(-1)!.slot).toBe(START + 2n);
  });

  it("listens anew where its memory lacks a block of the slot of its start: it was restored from a backup", () => {
    const machines = new Machines();
    const node = machines.start(START);
    expect(node.guard.maySign).toBe(true);
    node.ownBlock(START, false);
    expect(node.guard.maySign).toBe(false);
    expect(node.guard.stopped).toBeNull();
    machines.until(START + 2n);
    expect(node.guard.maySign).toBe(true);
  });

  it("takes older blocks for no sign of another: at their places nothing can be signed any more", () => {
    const machines = new Machines();
    const node = machines.start(START);
    node.ownBlock(START - 1n, false);
    expect(node.guard.maySign).toBe(true);
  });

  it("of two that sign, as after a network that fell apart, stops both", () => {
    const machines = new Machines();
    const node = machines.start(START);
    machines.until(START + 1n);
    const stranger = { slot: START + 1n, part: 0, instance: freshHash() as Hash, signature: "0x" as Hex };
    node.handle({ kind: "heard", presence: { ...stranger, signs: false } });
    expect(node.guard.maySign).toBe(true);
    node.handle({ kind: "heard", presence: { ...stranger, signs: true } });
    expect(node.guard.maySign).toBe(false);
  });
});

const MINIMAL = {
  operator: SELF.operator,
  epochBlocks: PARAMETERS.epochBlocks,
  instance: freshHash() as Hash,
  lastSlot: START,
};

describe("announcements of sequencers", () => {
  const view = startView(START * BLOCKS);
  const unsigned = { slot: START, part: 1, instance: freshHash() as Hash, signs: true };
  const by = (change: Partial<Presence>, key = SELF.secret): Presence => {
    const presence = { ...unsigned, ...change };
    return { ...presence, signature: signDigest(key, presenceDigest(NETWORK, presence)) };
  };

  it("are passed on with who signed them, in the slots around the present one", () => {
    const rules = new PresenceRules(view, NETWORK);
    expect(rules.judge(by({}))).toEqual({ verdict: { verdict: "accept" }, operator: SELF.operator });
    for (const slot of [START - 1n, START + 1n]) expect(rules.judge(by({ slot })).verdict.verdict).toBe("accept");
    for (const slot of [START - 2n, START + 2n]) expect(rules.judge(by({ slot })).verdict.verdict).toBe("ignore");
  });

  it("of another network, changed, or of who is no sequencer are not passed on, and stop nobody", () => {
    const rules = new PresenceRules(view, NETWORK);
    const other = { ...NETWORK, l1ChainId: NETWORK.l1ChainId + 1n };
    const replayed = { ...unsigned, signature: signDigest(SELF.secret, presenceDigest(other, unsigned)) };
    const changed = [{ slot: START + 1n }, { part: 2 }, { signs: false }, { instance: freshHash() as Hash }];
    for (const presence of [replayed, ...changed.map((change) => ({ ...by({}), ...change }))])
      expect(rules.judge(presence)).toMatchObject({ verdict: { verdict: "ignore" }, operator: null });
    expect(rules.judge({ ...by({}), signature: `0x${"00".repeat(65)}` }).operator).toBeNull();
  });

  it("of one operator are passed on for two starts in a slot, however many it signs", () => {
    const rules = new PresenceRules(view, NETWORK);
    const verdicts = Array.from(
      { length: 50 },
      () => rules.judge(by({ instance: freshHash() as Hash })).verdict.verdict,
    );
    expect(verdicts.filter((verdict) => verdict === "accept")).toHaveLength(2);
  });
});
