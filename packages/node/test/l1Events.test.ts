import type { ContractEvent, QueueItemValues } from "@mvm/l1";
import { type BatchHeader, depositItem, keccakHash, toAddress, toChainId } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toItemValues, toRoleEvent } from "../src/l1Events.ts";
import { systemEntropy } from "../src/systemPorts.ts";
import { hashOfText, peerOf } from "./world.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const origin = { l1Block: 9n, logIndex: 2, transactionHash: hashOfText("transaction") };
const operator = toAddress(`0x${"11".repeat(20)}`);
const other = toAddress(`0x${"22".repeat(20)}`);
const chainId = toChainId(5n);
const BRIDGE = toAddress(`0x${"33".repeat(20)}`);
const where = { peerId: peerOf("16Uiu2HAmPeer"), multiaddr: text("/ip4/127.0.0.1/tcp/1") };
const ask = { batchHash: hashOfText("batch"), number: 3n };
const plain = { peerId: "16Uiu2HAmPeer", multiaddr: "/ip4/127.0.0.1/tcp/1" };

/** A message as the contracts have it. */
const ITEM: QueueItemValues = {
  kind: 1,
  from: operator,
  to: other,
  mint: 6n,
  value: 5n,
  gasLimit: 90_000n,
  dataHash: keccakHash(Uint8Array.of(7, 8)),
  l1Block: 9n,
  timestamp: 5n,
  mintedBefore: 50n,
};

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
        storageUnits: 3,
      },
      {
        kind: "dacCreated",
        chainId,
        label: "acme",
        genesisHash: hashOfText("genesis"),
        timestamp: 77n,
        founding: { charter: Uint8Array.of(1, 2), metisDao: operator, bridge: BRIDGE },
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
        item: ITEM,
        data: Uint8Array.of(7, 8),
        queueHash: hashOfText("queue"),
      },
      {
        kind: "queueItemAdded",
        chainId,
        l1Block: 9n,
        timestamp: 5n,
        mintedBefore: 50n,
        item: {
          kind: "message",
          queueIndex: 4n,
          from: operator,
          to: other,
          mint: 6n,
          value: 5n,
          gasLimit: 90_000n,
          data: Uint8Array.of(7, 8),
        },
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
      {
        kind: "batchAppended",
        header: { index: 0n },
        batchHash: hashOfText("batch"),
        transactionHash: hashOfText("transaction"),
        timestamp: 77n,
        l1Block: 9n,
      },
    ],
    [
      "stake-changed",
      { ...origin, type: "stake-changed", index: 2n, grid: 40, stakeWei: 8n },
      { kind: "stakeChanged", index: 2, grid: 40, stakeWei: 8n, l1Block: 9n },
    ],
    [
      "seat-taken",
      { ...origin, type: "seat-taken", index: 2n, place: 5, weightMT: 8 },
      { kind: "seatTaken", index: 2, place: 5, weightMT: 8, l1Block: 9n },
    ],
    [
      "threshold-changed",
      { ...origin, type: "threshold-changed", chainId, thresholdMT: 12 },
      { kind: "thresholdChanged", chainId, thresholdMT: 12, l1Block: 9n },
    ],
    [
      "slot-claimed",
      { ...origin, type: "slot-claimed", chainId, slot: 3n, rank: 2, sequencer: operator },
      { kind: "slotClaimed", chainId, slot: 3n, rank: 2, l1Block: 9n },
    ],
    [
      "lock-changed",
      { ...origin, type: "lock-changed", sequencer: operator, chainId, amountWei: 7n },
      { kind: "lockChanged", sequencer: operator, chainId, amountWei: 7n },
    ],
    [
      "rolled-back",
      { ...origin, type: "rolled-back", chainId, generation: 2n, fromIndex: 3n, lastBlock: 40n },
      { kind: "rolledBack", chainId, generation: 2n, fromIndex: 3n, lastBlock: 40n, timestamp: 77n },
    ],
    [
      "withheld",
      { ...origin, type: "withheld", chainId, poster: operator },
      { kind: "withheld", chainId, poster: operator },
    ],
    ["clock-held", { ...origin, type: "clock-held", chainId }, { kind: "clockHeld", chainId, timestamp: 77n }],
    [
      "clock-released",
      { ...origin, type: "clock-released", chainId },
      { kind: "clockReleased", chainId, timestamp: 77n },
    ],
    ["asked", { ...origin, type: "asked", ...ask, item: 14n }, { kind: "asked", ...ask, item: 14n }],
    ["ask-served", { ...origin, type: "ask-served", ...ask, until: 99n }, { kind: "askServed", ...ask, until: 99n }],
    [
      "ask-answered",
      { ...origin, type: "ask-answered", ...ask, answerer: other },
      { kind: "askAnswered", ...ask, answerer: other },
    ],
    [
      "asks-closed",
      { ...origin, type: "asks-closed", batchHash: ask.batchHash },
      { kind: "asksClosed", batchHash: ask.batchHash },
    ],
    ["turned-to-exit", { ...origin, type: "turned-to-exit", chainId }, { kind: "turnedToExit", chainId }],
    [
      "deposit-held",
      { ...origin, type: "deposit-held", chainId, id: 1n, from: operator, to: other, amountWei: 6n },
      { kind: "depositHeld", chainId, id: 1n, amount: 6n },
    ],
    ["held-released", { ...origin, type: "held-released", chainId, id: 1n }, { kind: "heldGone", chainId, id: 1n }],
    ["held-refunded", { ...origin, type: "held-refunded", chainId, id: 1n }, { kind: "heldGone", chainId, id: 1n }],
    [
      "stake-withdrawn",
      { ...origin, type: "stake-withdrawn", role: "storage", index: 3n, operator, stakeWei: 8n },
      null,
    ],
  ])("%s", (_type, event, expected) => {
    expect(toRoleEvent(event, 77n, BRIDGE)).toEqual(expected);
  });

  it("take any bytes for an address: whoever registers nonsense is merely never reached", () => {
    const event: ContractEvent = {
      ...origin,
      type: "address-updated",
      role: "provider",
      index: 0n,
      operator,
      peerId: peerOf("16Uiu2HAmPeer"),
      multiaddr: Uint8Array.of(0xff, 0xfe),
    };
    expect(toRoleEvent(event, 0n, BRIDGE)).toMatchObject({ multiaddr: "\ufffd\ufffd" });
  });
});

describe("a queue item", () => {
  const { from, to, mint, value, gasLimit, l1Block, timestamp, mintedBefore } = ITEM;

  it.each([0, 1, 2, 3])("of kind %i is shown to the contracts as they told of it", (kind) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (data, amount) => {
        const item = { ...ITEM, kind, mint: amount, dataHash: keccakHash(data) };
        const event: ContractEvent = {
          ...origin,
          type: "queue-item-added",
          chainId,
          index: 4n,
          item,
          data,
          queueHash: hashOfText("queue"),
        };
        const told = toRoleEvent(event, 77n, BRIDGE);
        if (told?.kind !== "queueItemAdded") throw new Error("told of something else");
        expect(toItemValues(told)).toEqual(item);
      }),
    );
  });

  it("of a deposit is what the DAC's blocks mint", () => {
    const item = depositItem({ queueIndex: 4n, from, to, mint });
    const shown = toItemValues({ item, l1Block, timestamp, mintedBefore });
    expect(shown).toEqual({ ...ITEM, kind: 0, value: 0n, gasLimit: 0n, dataHash: keccakHash(new Uint8Array(0)) });
    expect([value, gasLimit]).not.toContain(0n);
  });
});

describe("the system's entropy", () => {
  it("is 32 bytes, never the same", () => {
    const drawn = Array.from({ length: 100 }, systemEntropy);
    for (const hash of drawn) expect(hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(new Set(drawn).size).toBe(100);
  });
});
