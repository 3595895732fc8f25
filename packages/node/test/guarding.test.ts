import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blockDigest, keccakHash, type SealedBlock, toWord, type UnsignedBlock } from "@mvm/protocol";
import { MemoryStore } from "@mvm/state";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { signingMarks } from "../src/durableStores.ts";
import { Guarding } from "../src/guarding.ts";
import { NodeCore, type Ports } from "../src/index.ts";
import { openSigner } from "../src/signerStore.ts";
import { BlockMaker, signed } from "./blockMaker.ts";
import {
  connect,
  deposit,
  GENESIS_SECONDS,
  identityOf,
  L1_HEAD,
  l1Block,
  l1Of,
  NETWORK,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const OPERATOR = identityOf("sequencer").operator;
const BLOCKS = BigInt(SETTINGS.parameters.epochBlocks);

/** A block at a place of the present slot, and another one there. */
async function twoBlocks(): Promise<{ view: ReturnType<typeof viewOf>; block: SealedBlock; rival: SealedBlock }> {
  const view = viewOf(["host"]);
  deposit(view, 0n, identityOf("user").operator, 5n);
  const maker = await BlockMaker.start(view);
  const { block } = await maker.sibling({ slot: view.slot });
  return {
    view,
    block,
    rival: signed({ ...block, header: { ...block.header, timestamp: block.header.timestamp + 1n } }),
  };
}

describe("what a machine remembers of a sequencer's key", () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "mvm-signers-"));
  });
  afterEach(() => rm(path, { recursive: true }));

  const at = (number: bigint, slot = 5n): UnsignedBlock =>
    ({ chainId: 1n, generation: 0n, context: { slot }, header: { number } }) as unknown as UnsignedBlock;
  const hashOf = (number: bigint) => keccakHash(toWord(number));

  it("is held by one process, whatever data directory it runs on; once that is killed, all that it signed is known", async () => {
    const holder = spawn(process.execPath, [join(import.meta.dirname, "signerHolder.ts"), OPERATOR, path]);
    let output = "";
    let errors = "";
    holder.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const ended = once(holder, "close");
    const enough = new Promise<void>((resolve) => {
      holder.stdout.on("data", (chunk) => {
        output += chunk;
        if (output.split("\n").length > 30) resolve();
      });
    });
    await Promise.race([enough, ended]);
    await expect(openSigner(OPERATOR, path)).rejects.toMatchObject({ name: "ConfigError", code: "key-in-use" });
    const other = await openSigner(identityOf("other").operator, path);
    await other.close();
    holder.kill("SIGKILL");
    await ended;
    expect(errors).toBe("");
    const told = output.split("\n").slice(0, -1).map(BigInt);
    expect(told.length).toBeGreaterThanOrEqual(30);
    const store = await openSigner(OPERATOR, path);
    const marks = signingMarks(store);
    for (const number of told) {
      expect(await marks.claim(at(number), hashOf(number + 1n))).toBe(false);
      expect(await marks.claim(at(number), hashOf(number))).toBe(true);
    }
    await store.close();
  });

  it("gives a place to the first block that wants it, also of two at once, and tells places apart", async () => {
    const marks = signingMarks(new MemoryStore());
    expect(await Promise.all([marks.claim(at(1n), hashOf(1n)), marks.claim(at(1n), hashOf(2n))])).toEqual([
      true,
      false,
    ]);
    const others = [
      at(2n),
      at(1n, 6n),
      { ...at(1n), generation: 1n },
      { ...at(1n), chainId: 2n } as unknown as UnsignedBlock,
    ];
    for (const other of others) expect(await marks.claim(other, hashOf(2n))).toBe(true);
    expect([marks.has(at(1n), hashOf(1n)), marks.has(at(1n), hashOf(2n))]).toEqual([true, false]);
  });

  it("does not grow: blocks of slots that are long over are forgotten, those around the present one are not", async () => {
    const store = new MemoryStore();
    const marks = signingMarks(store);
    for (let slot = 0n; slot < 40n; slot++) {
      await marks.setLastSlot(slot);
      for (let number = 0n; number < 5n; number++) await marks.claim(at(number, slot), hashOf(number));
    }
    expect(await signingMarks(store.reopened()).lastSlot()).toBe(39n);
    for (const slot of [39n, 38n, 33n]) expect(await marks.claim(at(1n, slot), hashOf(7n))).toBe(false);
    const entries = await store.page({ from: new Uint8Array(0), to: Uint8Array.of(255) }, 1_000);
    expect(entries.length).toBeLessThanOrEqual(1 + 5 * 10);
  });
});

describe("the guard of a node", () => {
  /** A guard on a site whose node was there until now. */
  async function guardOn(site: Site, view: ReturnType<typeof viewOf>, change: Partial<Ports> = {}): Promise<Guarding> {
    const ports = { ...(await site.start()), ...change };
    const guarding = await Guarding.open({ ports, settings: SETTINGS, view });
    guarding.live();
    return guarding;
  }

  it("gives no second signature at a place to a data directory that was restored from a backup", async () => {
    const { view, block, rival } = await twoBlocks();
    const site = new World().site("sequencer");
    const before = await guardOn(site, view);
    expect(await before.claim(block)).toBe(true);
    await before.stop();
    await site.network.stop();
    // the directory knows nothing of the block any more; the machine does
    site.stores.delete("node");
    const after = await guardOn(site, view);
    expect(after.maySign).toBe(true);
    expect([await after.claim(rival), await after.claim(block)]).toEqual([false, true]);
  });

  it("waits where the machine's memory was restored as well, once it sees what it signed", async () => {
    const { view, block, rival } = await twoBlocks();
    const guarding = await guardOn(new World().site("sequencer"), view);
    expect(guarding.maySign).toBe(true);
    guarding.seen(block);
    expect(guarding.maySign).toBe(false);
    expect(await guarding.claim(rival)).toBe(false);
  });

  it("takes its own blocks, and those of others, for no sign of a copy", async () => {
    const { view, block } = await twoBlocks();
    const guarding = await guardOn(new World().site("sequencer"), view);
    await guarding.claim(block);
    guarding.seen(block);
    guarding.seen(signed(block, "somebody"));
    expect(guarding.maySign).toBe(true);
  });

  it("notes a block before its signature is made: where it cannot be stored, nothing is signed", async () => {
    const { view, block } = await twoBlocks();
    const broken = { claim: () => Promise.reject(new Error("the disk is full")) };
    const site = new World().site("sequencer");
    const marks = { ...signingMarks(site.store("signer")), ...broken, lastSlot: async () => view.slot };
    const guarding = await guardOn(site, view, { marks });
    await expect(guarding.claim(block)).rejects.toThrow("the disk is full");
  });
});

describe("two live copies of a sequencer on two machines", () => {
  it("never sign both: the second stops, says what to do, and the first goes on", async () => {
    const world = new World();
    const l1 = l1Of(["host"]);
    const start = async (name: string, isFirst: boolean): Promise<{ site: Site; core: NodeCore; ports: Ports }> => {
      const site = world.site(name);
      const made = await site.start();
      const marks = isFirst ? made.marks : signingMarks(new MemoryStore());
      const ports = { ...made, marks, identity: identityOf("sequencer") };
      const core = await NodeCore.create({ ports, settings: SETTINGS, roles: ["sequencer"] });
      for (const event of l1) core.l1Event(event);
      return { site, core, ports };
    };
    const first = await start("sequencer", true);
    const relay = world.site("gateway");
    const gateway = await NodeCore.create({ ports: await relay.start(), settings: SETTINGS, roles: ["gateway"] });
    for (const event of l1) gateway.l1Event(event);
    const copy = await start("copy", false);
    // they know each other by way of others alone
    await connect(first.site, relay);
    await connect(copy.site, relay);
    await world.clock.advance(1_000);
    const all = [first.core, gateway, copy.core];
    for (const core of all) core.goLive();
    for (let number = L1_HEAD + 1n; number < L1_HEAD + 4n * BLOCKS; number++) {
      for (const core of all) core.l1Event(l1Block(number, GENESIS_SECONDS + number));
      await world.clock.advance(1_000);
    }
    expect(first.site.logged("signs-from")).toMatchObject([{ data: { slot: SLOT + 1n } }]);
    expect(first.site.logged("signing-stopped")).toEqual([]);
    expect(first.site.logged("key-used-elsewhere").length).toBeGreaterThan(0);
    const [stopped, ...more] = copy.site.logged("signing-stopped");
    expect([stopped?.level, more]).toEqual(["error", []]);
    expect(String(stopped?.data["reason"])).toMatch(/stop the other node/);
    expect(await copy.ports.marks.lastSlot()).toBeNull();
    for (const core of all) await core.stop();
  });

  it("one of which was cut off and signed on shows it by its blocks, and the other stops", async () => {
    const { view, block } = await twoBlocks();
    const world = new World();
    const site = world.site("sequencer");
    const ports = await site.start();
    const guarding = await Guarding.open({ ports, settings: SETTINGS, view });
    guarding.live();
    for (let number = L1_HEAD + 1n; number <= L1_HEAD + BLOCKS; number++) view.apply(l1Block(number, GENESIS_SECONDS));
    guarding.l1Changed();
    const later = signed({ ...block, context: { ...block.context, slot: view.slot } });
    expect(ports.marks.has(later, blockDigest(NETWORK, later))).toBe(false);
    guarding.seen(later);
    expect([guarding.maySign, await guarding.claim(block)]).toEqual([false, false]);
    expect(site.logged("signing-stopped")).toHaveLength(1);
  });
});
