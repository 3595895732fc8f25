/** Messages of MVM_L2ToL1 from the engine to the contracts of L1: hash, slot, storage proof, header, place in the batch. */

import {
  type AccountProof,
  type HeaderSource,
  type MessageProof,
  type NodesUnder,
  proveAccount,
  proveMessage,
} from "@mvm/node";
import {
  type BatchHeader,
  EMPTY_TRIE_ROOT,
  genesisWrites,
  type Hash,
  type Header,
  hashHeader,
  type IncludedOutcome,
  type Message,
  merkleRoot,
  messageHash,
  PREDEPLOYS,
  sentSlot,
  toAddress,
  toChainId,
  toHex,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type BlockResult, calling, DacLab, DONE, LAB, MT, User } from "./dacLab.ts";
import { ProofLab } from "./proofLab.ts";

const CHAIN_ID = toChainId(1_088);
const TARGET = toAddress("0x00000000000000000000000000000000007a59e7");
const alice = new User("alice");

let proofs: ProofLab;
let lab: DacLab;
beforeAll(async () => {
  [proofs, lab] = await Promise.all([ProofLab.open(), DacLab.founded([alice])]);
});

const messages: fc.Arbitrary<Message> = fc.record({
  kind: fc.constantFrom("call" as const, "withdrawal" as const),
  chainId: fc.constant(CHAIN_ID),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  sender: fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map((n) => toAddress(`0x${n.toString(16).padStart(40, "0")}`)),
  target: fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map((n) => toAddress(`0x${n.toString(16).padStart(40, "0")}`)),
  value: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  data: fc.uint8Array({ maxLength: 200 }),
});

describe("a message's hash", () => {
  it("is the contract's", async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const { kind, nonce, sender, target, value, data } = message;
        const args = [kind === "call" ? 0 : 1, nonce, sender, target, value, data];
        expect((await lab.read(LAB.l2ToL1, "hashOf", args))[0]).toBe(messageHash(message));
      }),
      { numRuns: 40 },
    );
  });

  it("is another where any field is, the chain too", () => {
    fc.assert(
      fc.property(messages, messages, (message, other) => {
        const chainId = toChainId(CHAIN_ID + 1n);
        expect(messageHash({ ...message, chainId })).not.toBe(messageHash(message));
        for (const field of ["kind", "nonce", "sender", "target", "value", "data"] as const) {
          const isSame = field === "data" ? toHex(message.data) === toHex(other.data) : message[field] === other[field];
          expect(messageHash({ ...message, [field]: other[field] }) === messageHash(message)).toBe(isSame);
        }
      }),
    );
  });

  it("has its slot of one only once it was sent", async () => {
    const fresh = await DacLab.founded([alice]);
    const message: Message = {
      kind: "withdrawal",
      chainId: CHAIN_ID,
      nonce: 0n,
      sender: alice.address,
      target: TARGET,
      value: MT,
      data: new Uint8Array(0),
    };
    const slot = BigInt(sentSlot(messageHash(message)));
    expect(fresh.slotOf(PREDEPLOYS.l2ToL1, slot)).toBe(0n);
    expect(await fresh.send(calling(alice, LAB.coinbase, "withdraw", [TARGET], { value: MT }))).toMatchObject(DONE);
    expect(fresh.slotOf(PREDEPLOYS.l2ToL1, slot)).toBe(1n);
  });
});

/** A chain's headers and states, as a node has them, from blocks of the lab. */
class Ledger {
  readonly state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  readonly headers: Header[] = [];
  readonly #nodes = new NodeMap();

  constructor() {
    this.state.applyWrites(genesisWrites());
  }

  seal({ context, founding, deposits, messages: sent, users, settle }: BlockResult): void {
    const included = users.filter((outcome): outcome is IncludedOutcome => outcome.kind === "included");
    const all = [context, ...(founding === null ? [] : [founding]), ...deposits, ...sent, ...included, settle];
    for (const { writes } of all) this.state.applyWrites(writes);
    for (const { encoded } of this.state.unstoredNodes()) this.#nodes.add(encoded);
    this.headers.push({
      parentHash: this.headers.length === 0 ? ZERO_HASH : hashHeader(this.headers.at(-1)!),
      stateRoot: this.state.root(),
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      logsBloom: new Uint8Array(256),
      number: BigInt(this.headers.length + 1),
      gasUsed: 0n,
      timestamp: 1_800_000_000n + BigInt(this.headers.length),
      checkpointsRoot: ZERO_HASH,
      withdrawalsRoot: this.state.storageRootOf(PREDEPLOYS.l2ToL1),
      prevRandao: ZERO_HASH,
      baseFeePerGas: 1n,
    });
  }

  readonly headerOf: HeaderSource = (number) => this.headers[Number(number) - 1] ?? null;
  readonly nodesUnder: NodesUnder = async (root, keys) => new WorldState(this.#nodes, root).proveReads(keys);

  /** The batch of all blocks from a number on. */
  batchFrom(firstBlock: bigint): BatchHeader {
    const blocks = this.headers.slice(Number(firstBlock) - 1);
    return {
      chainId: CHAIN_ID,
      generation: 0n,
      index: 0n,
      previousBatchHash: ZERO_HASH,
      firstBlock,
      lastBlock: BigInt(this.headers.length),
      dataHash: ZERO_HASH,
      blocksRoot: merkleRoot(blocks.map(hashHeader)),
      transactionsRoot: ZERO_HASH,
      queueEnd: 0n,
      slot: 0n,
      poster: PREDEPLOYS.l2ToL1,
      blobHash: ZERO_HASH,
    };
  }
}

/** The header that the contracts read in a proof, once they have found it in the batch. */
async function headerIn(batch: BatchHeader, { header, position, count, siblings }: MessageProof["block"]) {
  const fields = (await proofs.tell("blockHeader", [header]))[0];
  const leaf = [batch.blocksRoot, fields.hash, position, count, siblings];
  expect((await proofs.tell("verifyLeaf", leaf))[0]).toBe(true);
  return fields;
}

describe("a proof of a message or an account", () => {
  const message = (nonce: bigint, value: bigint): Message => ({
    kind: "withdrawal",
    chainId: CHAIN_ID,
    nonce,
    sender: alice.address,
    target: TARGET,
    value,
    data: new Uint8Array(0),
  });

  async function story(): Promise<{ ledger: Ledger; hashes: Hash[] }> {
    const ledger = new Ledger();
    const dac = await DacLab.start();
    ledger.seal(await dac.block({ deposits: [{ to: alice.address, mint: 100n * MT }] }));
    const hashes: Hash[] = [];
    for (let i = 0n; i < 6n; i++) {
      const value = MT * (i + 1n);
      ledger.seal(await dac.block({ transactions: [calling(alice, LAB.coinbase, "withdraw", [TARGET], { value })] }));
      hashes.push(messageHash(message(i, value)));
    }
    return { ledger, hashes };
  }

  it("is taken by the contracts for every message sent up to the block, and by nobody for later ones", async () => {
    const { ledger, hashes } = await story();
    const { headerOf, nodesUnder } = ledger;
    for (const first of [1n, 2n, 5n]) {
      const batch = ledger.batchFrom(first);
      for (let number = first; number <= batch.lastBlock; number++) {
        for (const [i, hash] of hashes.entries()) {
          const proving = proveMessage({ headerOf, nodesUnder, batch, number, messageHash: hash });
          if (BigInt(i) + 2n > number) {
            await expect(proving).rejects.toMatchObject({ code: "not-sent" });
            continue;
          }
          const { block, nodes } = await proving;
          const fields = await headerIn(batch, block);
          expect(fields.number).toBe(number);
          expect((await proofs.tell("slotOf", [fields.withdrawalsRoot, sentSlot(hash), nodes]))[0]).toBe(1n);
        }
      }
    }
  });

  it("shows accounts, absent ones too, and slots under the block's state root", async () => {
    const { ledger } = await story();
    const { headerOf, nodesUnder } = ledger;
    const batch = ledger.batchFrom(2n);
    const ask = (address: typeof TARGET, slot?: Hash): Promise<AccountProof> =>
      proveAccount({ headerOf, nodesUnder, batch, number: 4n, address, ...(slot === undefined ? {} : { slot }) });
    for (const [address, slot] of [
      [alice.address, undefined],
      [TARGET, undefined],
      [TARGET, toWordHex(0n)],
      [PREDEPLOYS.l2ToL1, toWordHex(0n)],
      [PREDEPLOYS.coinbase, toWordHex(0n)],
      [PREDEPLOYS.coinbase, toWordHex(77n)],
    ] as const) {
      const proof = await ask(address, slot);
      const { stateRoot } = await headerIn(batch, proof.block);
      const read = await proofs.tell("accountOf", [stateRoot, address, proof.accountNodes]);
      expect(read["exists"]).toBe(proof.account !== null);
      expect(read["balance"]).toBe(proof.account?.balance ?? 0n);
      expect(read["nonce"]).toBe(proof.account?.nonce ?? 0n);
      if (slot === undefined) expect(proof.slotNodes).toEqual([]);
      else expect((await proofs.tell("slotOf", [read["storageRoot"], slot, proof.slotNodes]))[0]).toBe(proof.value);
    }
    expect((await ask(PREDEPLOYS.l2ToL1, toWordHex(0n))).value).toBe(3n);
  });

  it("is not made for a block outside of the batch, without its blocks, or with others than were posted", async () => {
    const { ledger, hashes } = await story();
    const { headerOf, nodesUnder } = ledger;
    const batch = ledger.batchFrom(3n);
    const request = { headerOf, nodesUnder, batch, number: 4n, messageHash: hashes[0]! };
    await expect(proveMessage({ ...request, number: 2n })).rejects.toMatchObject({ code: "not-in-batch" });
    await expect(proveMessage({ ...request, number: 8n })).rejects.toMatchObject({ code: "not-in-batch" });
    await expect(proveMessage({ ...request, batch: { ...batch, lastBlock: 8n } })).rejects.toMatchObject({
      code: "missing-block",
    });
    const huge = { ...batch, lastBlock: 10_000_000n };
    await expect(proveMessage({ ...request, batch: huge })).rejects.toMatchObject({ code: "not-in-batch" });
    const other = { ...batch, blocksRoot: ZERO_HASH };
    await expect(proveMessage({ ...request, batch: other })).rejects.toMatchObject({ code: "other-blocks" });
    const nobody = { ...request, nodesUnder: async () => [] };
    await expect(proveMessage(nobody)).rejects.toMatchObject({ code: "missing-node" });
  });
});
