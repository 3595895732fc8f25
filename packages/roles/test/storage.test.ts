import { type ChainId, type Hash, keccakHash, type PeerId, toChainId, toWord, ZERO_HASH } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type L1Event, Storage, type StorageEffect } from "../src/index.ts";
import { at, CHAIN, HOSTS, startView } from "./world.ts";

const view = startView();
const drawn = view.hosts(CHAIN)[0]!.operator;
const NOW = at(10);
const provisioned = (): Storage => {
  const machine = new Storage({ view, operator: drawn });
  machine.handle({ kind: "hostsChanged" }, NOW);
  return machine;
};
const read = (machine: Storage, ticket: string, from: string, chainId = CHAIN) => {
  const body = { chainId, stateRoot: ZERO_HASH, keys: [], forWrites: false };
  return machine.handle({ kind: "requested", ticket, from: from as PeerId, request: { name: "reads", body } }, NOW)[0];
};
const refused = (reason: string) => ({ kind: "answer", answer: { name: "reads", body: { kind: "refused", reason } } });

describe("a storage host", () => {
  it("provisions itself once for the DACs it is drawn for, and for no other", () => {
    const machine = new Storage({ view, operator: drawn });
    expect(machine.handle({ kind: "hostsChanged" }, NOW)).toEqual([{ kind: "provision", dac: view.dac(CHAIN) }]);
    expect(machine.handle({ kind: "hostsChanged" }, NOW)).toEqual([]);
    expect(machine.chains).toEqual([CHAIN]);
    const other = HOSTS.find(({ operator }) => !view.hosts(CHAIN).some((host) => host.operator === operator))!;
    expect(new Storage({ view, operator: other.operator }).handle({ kind: "hostsChanged" }, NOW)).toEqual([]);
  });

  it("serves its chains alone", () => {
    const machine = provisioned();
    expect(read(machine, "a", "x")).toMatchObject({ kind: "serve", ticket: "a", chainId: CHAIN });
    expect(read(machine, "b", "x", toChainId(7))).toMatchObject(refused("not a host of this chain"));
  });

  it("works on 16 proofs for one peer and 64 in all, and refuses what is beyond until one is served", () => {
    const machine = provisioned();
    for (let i = 0; i < 16; i++) expect(read(machine, `a${i}`, "a")).toMatchObject({ kind: "serve" });
    expect(read(machine, "a16", "a")).toMatchObject(refused("busy"));
    for (let i = 0; i < 48; i++) expect(read(machine, `b${i}`, `b${i % 4}`)).toMatchObject({ kind: "serve" });
    expect(read(machine, "c", "c")).toMatchObject(refused("busy"));
    machine.handle({ kind: "served", ticket: "a0" }, NOW);
    expect(read(machine, "c", "c")).toMatchObject({ kind: "serve" });
  });

  it("counts blobs that it serves as proofs", () => {
    const machine = provisioned();
    for (let i = 0; i < 15; i++) read(machine, `a${i}`, "a");
    expect(askBlob(machine, "blob", "a")).toEqual({ kind: "serveBlob", ticket: "blob", blobHash: blobHash(1) });
    expect(askBlob(machine, "more", "a")).toMatchObject({ answer: { name: "blob", body: { reason: "busy" } } });
    machine.handle({ kind: "served", ticket: "blob" }, NOW);
    expect(read(machine, "next", "a")).toMatchObject({ kind: "serve" });
  });

  it("counts parts of states that it serves as proofs, of its chains alone", () => {
    const machine = provisioned();
    for (let i = 0; i < 15; i++) read(machine, `a${i}`, "a");
    const places = [{ kind: "accounts", hash: ZERO_HASH }] as const;
    const askState = (ticket: string, chainId = CHAIN) =>
      machine.handle(
        { kind: "requested", ticket, from: "a" as PeerId, request: { name: "state", body: { chainId, places } } },
        NOW,
      )[0];
    expect(askState("other", toChainId(7))).toMatchObject({ answer: { body: { reason: "not a host of this chain" } } });
    expect(askState("state")).toEqual({ kind: "serveState", ticket: "state", chainId: CHAIN, places });
    expect(askState("more")).toMatchObject({ answer: { name: "state", body: { reason: "busy" } } });
    machine.handle({ kind: "served", ticket: "state" }, NOW);
    expect(read(machine, "next", "a")).toMatchObject({ kind: "serve" });
  });
});

const blobHash = (n: number): Hash => `0x01${keccakHash(toWord(BigInt(n))).slice(4)}` as Hash;
const askBlob = (machine: Storage, ticket: string, from: string): StorageEffect | undefined =>
  machine.handle(
    { kind: "requested", ticket, from: from as PeerId, request: { name: "blob", body: { blobHash: blobHash(1) } } },
    NOW,
  )[0];

/** A batch in a blob, as L1 tells of it. */
function postedIn(blob: Hash, chainId: ChainId = CHAIN): L1Event & { kind: "batchAppended" } {
  const header = { chainId, generation: 0n, index: 0n, firstBlock: 1n, lastBlock: 1n, queueEnd: 0n, slot: 2n };
  const roots = {
    previousBatchHash: ZERO_HASH,
    dataHash: ZERO_HASH,
    blocksRoot: ZERO_HASH,
    transactionsRoot: ZERO_HASH,
  };
  return {
    kind: "batchAppended",
    header: { ...header, ...roots, blobHash: blob, poster: drawn },
    batchHash: ZERO_HASH,
    transactionHash: keccakHash(toWord(7n)),
    timestamp: 99n,
    l1Block: 30n,
  };
}

describe("a storage host's archive", () => {
  const place = (n: number) => ({ blobHash: blobHash(n), transactionHash: keccakHash(toWord(7n)), timestamp: 99n });

  it("takes each blob with batches of its chains once, and nothing of others or of calldata", () => {
    const machine = provisioned();
    expect(machine.handle(postedIn(blobHash(1)), NOW)).toEqual([{ kind: "archive", blob: place(1) }]);
    expect(machine.handle(postedIn(blobHash(1)), NOW)).toEqual([]);
    expect(machine.handle(postedIn(ZERO_HASH), NOW)).toEqual([]);
    expect(machine.handle(postedIn(blobHash(2), toChainId(7)), NOW)).toEqual([]);
    expect(machine.handle({ kind: "archived", blobHash: blobHash(1) }, NOW)).toEqual([]);
    // read again after a restart: whether it is kept is the driver's to see
    expect(machine.handle(postedIn(blobHash(1)), NOW)).toEqual([{ kind: "archive", blob: place(1) }]);
  });

  it("asks again for what L1 did not show, after a while, until it has it", () => {
    const machine = provisioned();
    for (const n of [1, 2]) machine.handle(postedIn(blobHash(n)), NOW);
    machine.handle({ kind: "archived", blobHash: blobHash(2) }, NOW);
    const failed = { kind: "archiveFailed", blobHash: blobHash(1), reason: "gone" } as const;
    for (const moment of [NOW, at(30)]) {
      const effects = machine.handle(failed, moment);
      expect(effects).toMatchObject([
        { kind: "note", code: "blob-not-archived", data: { reason: "gone" } },
        { kind: "timer", name: "archive", atMs: moment.nowMs + 10_000 },
      ]);
      expect(machine.handle({ kind: "timer", name: "archive" }, at(60))).toEqual([{ kind: "archive", blob: place(1) }]);
    }
    machine.handle({ kind: "archived", blobHash: blobHash(1) }, NOW);
    expect(machine.handle({ kind: "timer", name: "archive" }, at(90))).toEqual([]);
  });
});
