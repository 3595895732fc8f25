/** SystemCalls.sol against packages/protocol: the system transactions of a block's opening, byte for byte. */
import {
  type Address,
  type ChainId,
  contextTransaction,
  encodeSystemTransaction,
  foundingTransaction,
  keccakHash,
  type QueueKind,
  queueTransaction,
  type SystemTransaction,
  toAddress,
  toHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";

const RUNS = { numRuns: 100 };
/** in the order of QueueKind of IInbox.sol */
const KINDS: readonly QueueKind[] = ["depositMT", "message", "forced", "exit"];

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open("test/disputes/derivation/SystemCallsReader.sol");
});

const uint = (bits: number): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }));
const chains = fc.bigInt({ min: 1n, max: 2n ** 52n }).map((id) => id as ChainId);
const addresses = fc
  .oneof(fc.constant(ZERO_ADDRESS), fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex))
  .map((text): Address => toAddress(text));
const data = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 250, maxLength: 300 }));

async function expectSame(chainId: ChainId, transaction: SystemTransaction, name: string, args: readonly unknown[]) {
  const [encoded] = await lab.tell(name, [chainId, ...args]);
  expect(encoded).toBe(toHex(encodeSystemTransaction(chainId, transaction)));
}

describe("what L1 derives of a block's opening", () => {
  it("has the context that packages/protocol makes", async () => {
    const values = fc.record({ slot: uint(64), l1Block: uint(64), l1BaseFee: uint(64), generation: uint(64) });
    await fc.assert(
      fc.asyncProperty(chains, uint(64), values, fc.nat(2_048), async (chainId, number, context, count) => {
        const { slot, l1Block, l1BaseFee, generation } = context;
        const made = contextTransaction(number, context, count);
        await expectSame(chainId, made, "context", [number, [slot, l1Block, l1BaseFee, generation, count]]);
      }),
      RUNS,
    );
  });

  it("has the founding that packages/protocol makes", async () => {
    await fc.assert(
      fc.asyncProperty(chains, data, addresses, addresses, async (chainId, charter, metisDao, bridge) => {
        const made = foundingTransaction({ charter, metisDao, bridge });
        await expectSame(chainId, made, "founding", [charter, metisDao, bridge]);
      }),
      RUNS,
    );
  });

  it("consumes every kind of item as packages/protocol does", async () => {
    const items = fc.record({
      kind: fc.constantFrom(...KINDS),
      queueIndex: uint(64),
      from: addresses,
      to: addresses,
      mint: uint(256),
      value: uint(256),
      gasLimit: uint(64),
      data,
    });
    await fc.assert(
      fc.asyncProperty(chains, items, async (chainId, item) => {
        const { kind, queueIndex, from, to, mint, value, gasLimit } = item;
        const place = [keccakHash(item.data), 5n, 6n, 7n];
        const values = [KINDS.indexOf(kind), from, to, mint, value, gasLimit, ...place];
        await expectSame(chainId, queueTransaction(item), "queued", [queueIndex, values, item.data]);
      }),
      RUNS,
    );
  });
});
