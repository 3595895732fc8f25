import type { ContractEvent } from "@mvm/l1";
import { type BatchHeader, toAddress, toChainId } from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toRoleEvent } from "../src/l1Events.ts";
import { L1Clock, systemEntropy } from "../src/systemPorts.ts";
import { hashOfText } from "./world.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const origin = { l1Block: 9n, logIndex: 2, transactionHash: hashOfText("transaction") };
const operator = toAddress(`0x${"11".repeat(20)}`);
const other = toAddress(`0x${"22".repeat(20)}`);
const chainId = toChainId(5n);
const where = { peerId: text("12D3KooWPeer"), multiaddr: text("/ip4/127.0.0.1/tcp/1") };
const plain = { peerId: "12D3KooWPeer", multiaddr: "/ip4/127.0.0.1/tcp/1" };

describe("contract events in the words of the roles", () => {
  it.each<[ContractEvent["type"], ContractEvent, unknown]>([
    [
      "dac-created",
      {
        ...origin,
        type: "dac-created",
        chainId,
        label: "acme",
        management: other,
        genesisHash: hashOfText("genesis"),
        charter: "0x0102",
        metisDao: operator,
      },
      {
        kind: "dacCreated",
        chainId,
        label: "acme",
        genesisHash: hashOfText("genesis"),
        timestamp: 77n,
        founding: { charter: Uint8Array.of(1, 2), metisDao: operator },
      },
    ],
    [
      "registered",
      {
        ...origin,
        ...where,
        type: "registered",
        role: "storage",
        index: 3n,
        operator,
        stakeWei: 8n,
        blsPublicKey: "0xab",
      },
      {
        kind: "registered",
        registry: "storage",
        member: { ...plain, index: 3, operator, stakeWei: 8n, blsPublicKey: "0xab" },
      },
    ],
    [
      "address-updated",
      { ...origin, ...where, type: "address-updated", role: "provider", index: 3n, operator },
      { ...plain, kind: "addressUpdated", registry: "provider", operator },
    ],
    [
      "exited",
      { ...origin, type: "exited", role: "sequencer", index: 3n, operator, unlocksAt: 100n },
      { kind: "exited", registry: "sequencer", operator },
    ],
    [
      "queue-item-added",
      {
        ...origin,
        type: "queue-item-added",
        chainId,
        index: 4n,
        from: operator,
        to: other,
        amountWei: 6n,
        timestamp: 5n,
        queueHash: hashOfText("queue"),
      },
      {
        kind: "deposited",
        chainId,
        l1Block: 9n,
        deposit: { queueIndex: 4n, from: operator, to: other, mint: 6n },
      },
    ],
    [
      "batch-appended",
      {
        ...origin,
        type: "batch-appended",
        chainId,
        index: 0n,
        batchHash: hashOfText("batch"),
        header: { index: 0n } as BatchHeader,
        data: undefined,
      },
      { kind: "batchAppended", header: { index: 0n }, batchHash: hashOfText("batch"), timestamp: 77n },
    ],
    [
      "stake-withdrawn",
      { ...origin, type: "stake-withdrawn", role: "storage", index: 3n, operator, stakeWei: 8n },
      null,
    ],
  ])("%s", (_type, event, expected) => {
    expect(toRoleEvent(event, 77n)).toEqual(expected);
  });

  it("take any bytes for a peer's name: whoever registers nonsense is merely never reached", () => {
    const event: ContractEvent = {
      ...origin,
      type: "address-updated",
      role: "provider",
      index: 0n,
      operator,
      peerId: Uint8Array.of(0xff, 0xfe),
      multiaddr: new Uint8Array(0),
    };
    expect(toRoleEvent(event, 0n)).toMatchObject({ peerId: "\ufffd\ufffd", multiaddr: "" });
  });
});

describe("the clock in step with L1", () => {
  const START_MS = 1_800_000_000_000;
  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const seconds = (fromNow: number): bigint => BigInt(START_MS / 1000 + fromNow);

  it.each([-15, -1, 0, 1, 15])("stays the machine's when a block's timestamp is off by %i seconds", (off) => {
    const clock = new L1Clock();
    clock.observe(seconds(off));
    expect(clock.nowMs()).toBe(START_MS);
  });

  it.each([-86_400, -16, 16, 86_400])("moves with L1 when a block's timestamp is off by %i seconds", (off) => {
    const clock = new L1Clock();
    clock.observe(seconds(off));
    expect(clock.nowMs()).toBe(START_MS + off * 1000);
  });

  it("moves back when L1 and the machine agree again", () => {
    const clock = new L1Clock();
    clock.observe(seconds(100));
    clock.observe(seconds(1));
    expect(clock.nowMs()).toBe(START_MS);
  });

  it("calls back by L1's time, at once for the past, and not when cancelled", () => {
    const clock = new L1Clock();
    clock.observe(seconds(1_000));
    const called: string[] = [];
    clock.at(START_MS + 1_000_500, () => called.push("soon"));
    clock.at(START_MS, () => called.push("past"));
    clock.at(START_MS + 1_000_400, () => called.push("cancelled"))();
    expect(called).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(called).toEqual(["past"]);
    vi.advanceTimersByTime(499);
    expect(called).toEqual(["past"]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(["past", "soon"]);
  });
});

describe("the system's entropy", () => {
  it("is 32 bytes, never the same", () => {
    const drawn = Array.from({ length: 100 }, systemEntropy);
    for (const hash of drawn) expect(hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(new Set(drawn).size).toBe(100);
  });
});
