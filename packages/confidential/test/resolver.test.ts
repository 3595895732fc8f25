import {
  type Address,
  addressOf,
  type Hash,
  IPFS_REQUEST_SECONDS,
  type IpfsRequest,
  ipfsRequestDigest,
  type SignedIpfsRequest,
  signDigest,
  taggedHash,
  toAddress,
  toChainId,
  toWord,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type KeptObject, Resolver, type ResolverEffect, type UsedNonce } from "../src/index.ts";
import { MAX_RESOLVING, MAX_USES, MAX_USES_OF_SIGNER } from "../src/resolver.ts";

const NETWORK = { l1ChainId: 1n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const CHAIN = toChainId(7n);
const NOW = 50_000n;
const keyOf = (n: number): Uint8Array => new Uint8Array(32).fill(n + 1);
const MEMBER = addressOf(keyOf(0));
const named = (name: string): Hash => taggedHash(name);
let nonces = 0n;

function signed(changes: Partial<IpfsRequest> = {}, key = keyOf(0)): SignedIpfsRequest {
  const request: IpfsRequest = {
    chainId: CHAIN,
    operation: "get",
    subject: named("handle"),
    readerKey: named("reader"),
    nonce: taggedHash("nonce", toWord(nonces++)),
    expiry: NOW + 60n,
    ...changes,
  };
  return { ...request, signature: signDigest(key, ipfsRequestDigest(NETWORK, request)) };
}

const OBJECT: KeptObject = {
  handle: named("handle"),
  objectId: named("object"),
  cid: "bafy",
  sizeBytes: 10,
  owner: MEMBER,
  since: 1n,
};

/** A host whose charter, disk and objects are these. */
class Host {
  resolver: Resolver;
  objects: KeptObject[] = [OBJECT];
  members = new Set<Address>([MEMBER]);
  hasState = true;
  hasShare = true;
  readonly disk = new Map<Hash, UsedNonce>();
  #tickets = 0;

  constructor() {
    this.resolver = this.#open();
  }

  #open(): Resolver {
    const uses = [...this.disk.values()];
    return new Resolver({ network: NETWORK, chainId: CHAIN, uses, hasShare: () => this.hasShare });
  }

  restart(): void {
    this.resolver = this.#open();
  }

  /** What comes of a request in the end: its last effect, or the fault. */
  ask(request: SignedIpfsRequest, now = NOW): ResolverEffect | string {
    const ticket = `${this.#tickets++}`;
    let last: ResolverEffect | undefined;
    const queue = [...this.resolver.handle({ kind: "asked", ticket, request }, now)];
    for (let effect = queue.shift(); effect !== undefined; effect = queue.shift()) {
      if (effect.kind === "forget") for (const { id } of effect.uses) this.disk.delete(id);
      else last = effect;
      queue.push(...this.#perform(effect, now));
    }
    if (last?.kind === "answer" && last.answer.kind === "refused") return last.answer.fault;
    return last!;
  }

  #perform(effect: ResolverEffect, now: bigint): readonly ResolverEffect[] {
    if (effect.kind === "askCharter") {
      const isGiven = this.hasState ? this.members.has(effect.signer) : null;
      return this.resolver.handle({ kind: "permission", ticket: effect.ticket, isGiven }, now);
    }
    if (effect.kind === "find") {
      const { by } = effect;
      const is = (one: KeptObject) => ("handle" in by ? one.handle === by.handle : one.objectId === by.objectId);
      return this.resolver.handle({ kind: "found", ticket: effect.ticket, object: this.objects.find(is) ?? null }, now);
    }
    if (effect.kind !== "note") return [];
    this.disk.set(effect.use.id, effect.use);
    return this.resolver.handle({ kind: "noted", ticket: effect.ticket }, now);
  }
}

describe("a host's resolver", () => {
  it("gives a member its part of an object's key, sealed for the key that the member signed", () => {
    const host = new Host();
    const readerKey = named("reader");
    const get = { kind: "evaluate", purpose: "object", input: OBJECT.objectId, readerKey, object: OBJECT };
    expect(host.ask(signed())).toMatchObject(get);
    const put = { kind: "evaluate", purpose: "object", input: named("new"), readerKey, object: null };
    expect(host.ask(signed({ operation: "put", subject: named("new") }))).toMatchObject(put);
    expect(host.ask(signed({ operation: "stat" }))).toMatchObject({ answer: { kind: "stat", object: OBJECT } });
    expect(host.ask(signed({ operation: "remove" }))).toMatchObject({ kind: "remove", object: OBJECT });
  });

  it("gives nothing to whom the charter does not let, nor for what is not there, and says which", () => {
    const host = new Host();
    expect(host.ask(signed({}, keyOf(1)))).toBe("denied");
    host.members.add(addressOf(keyOf(1)));
    expect(host.ask(signed({}, keyOf(1)))).toMatchObject({ kind: "evaluate" });
    expect(host.ask(signed({ operation: "remove" }, keyOf(1)))).toBe("not-owner");
    host.members.delete(MEMBER);
    expect(host.ask(signed())).toBe("denied");
    host.members.add(MEMBER);
    expect(host.ask(signed({ subject: named("of another DAC") }))).toBe("unknown-handle");
    expect(host.ask(signed({ operation: "put", subject: OBJECT.objectId }))).toBe("object-taken");
    host.objects = [];
    expect(host.ask(signed())).toBe("unknown-handle");
  });

  it("refuses what is signed for another DAC, too late, for too long, or by nobody", () => {
    const host = new Host();
    expect(host.ask(signed({ chainId: toChainId(8n) }))).toBe("other-chain");
    expect(host.ask({ ...signed({ chainId: toChainId(8n) }), chainId: CHAIN })).not.toMatchObject({ kind: "evaluate" });
    expect(host.ask(signed({ expiry: NOW }))).toBe("expired");
    expect(host.ask(signed({ expiry: NOW + IPFS_REQUEST_SECONDS + 1n }))).toBe("too-long");
    expect(host.ask({ ...signed(), signature: `0x${"00".repeat(65)}` })).toBe("bad-signature");
    expect(host.ask({ ...signed(), subject: named("tampered") })).not.toMatchObject({ kind: "evaluate" });
  });

  it("refuses a request that it has seen, also after a restart, until its time is over", () => {
    const host = new Host();
    const request = signed();
    expect(host.ask(request)).toMatchObject({ kind: "evaluate" });
    expect(host.ask(request)).toBe("replayed");
    host.restart();
    expect(host.ask(request)).toBe("replayed");
    expect(host.ask(request, request.expiry)).toBe("expired");
    expect(host.disk.size).toBe(0);
  });

  it("refuses a request that it has seen while the first one waits", () => {
    const host = new Host();
    const request = signed();
    host.resolver.handle({ kind: "asked", ticket: "first", request }, NOW);
    expect(host.ask(request)).toBe("replayed");
  });

  it("takes a request again that came to nothing before it was used up", () => {
    const host = new Host();
    const request = signed();
    host.hasState = false;
    expect(host.ask(request)).toBe("not-ready");
    host.hasState = true;
    host.hasShare = false;
    expect(host.ask(request)).toBe("no-key");
    host.hasShare = true;
    expect(host.ask(request)).toMatchObject({ kind: "evaluate" });
  });

  it("takes on so many at once, so many of a signer, and forgets the oldest of all; never a removal", () => {
    const host = new Host();
    for (let i = 0; i < MAX_RESOLVING; i++)
      host.resolver.handle({ kind: "asked", ticket: `held ${i}`, request: signed() }, NOW);
    expect(host.ask(signed())).toBe("busy");
    for (let i = 0; i < MAX_RESOLVING; i++) host.resolver.handle({ kind: "gaveUp", ticket: `held ${i}` }, NOW);
    const removal = signed({ operation: "remove" });
    const get = signed();
    expect([host.ask(removal), host.ask(get)]).toMatchObject([{ kind: "remove" }, { kind: "evaluate" }]);
    const others = Array.from({ length: MAX_USES - 2 }, (_, i): UsedNonce => {
      const id = taggedHash("other", toWord(BigInt(i)));
      return { id, signer: id.slice(0, 42) as Address, expiry: NOW + 60n, isRemoval: false };
    });
    for (const use of others) host.disk.set(use.id, use);
    host.restart();
    expect(host.ask(signed())).toMatchObject({ kind: "evaluate" });
    expect(host.disk.size).toBe(MAX_USES);
    expect([host.ask(removal), host.ask(get)]).toMatchObject(["replayed", { kind: "evaluate" }]);
  });

  it("is not kept from others by one signer", () => {
    const host = new Host();
    const uses = Array.from({ length: MAX_USES_OF_SIGNER }, (_, i): UsedNonce => {
      return { id: taggedHash("own", toWord(BigInt(i))), signer: MEMBER, expiry: NOW + 60n, isRemoval: false };
    });
    for (const use of uses) host.disk.set(use.id, use);
    host.restart();
    host.members.add(addressOf(keyOf(1)));
    expect(host.ask(signed())).toBe("busy");
    expect(host.ask(signed({}, keyOf(1)))).toMatchObject({ kind: "evaluate" });
    expect(host.ask(signed({ expiry: NOW + 120n }), NOW + 60n)).toMatchObject({ kind: "evaluate" });
  });
});
