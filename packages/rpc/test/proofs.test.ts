/** eth_getProof as execution-apis has it; tries and their verification by another library than the node's. */
import { verifyMerkleProof } from "@ethereumjs/mpt";
import {
  CHARTER_SLOTS,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  type Hex,
  hashHeader,
  keccak,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  toHex,
} from "@mvm/protocol";
import { decodeRlp } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackendError } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { bobAddress, DEPOSITS, MINTED, OTHER_TOPIC, type Story, TOPIC, tellStory } from "./story.ts";

type Proof = {
  readonly address: Hex;
  readonly accountProof: readonly Hex[];
  readonly balance: Hex;
  readonly codeHash: Hash;
  readonly nonce: Hex;
  readonly storageHash: Hash;
  readonly storageProof: readonly { readonly key: Hex; readonly value: Hex; readonly proof: readonly Hex[] }[];
};

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

const logger = CONTRACTS.logger.address;
const nobody = `0x${"99".repeat(20)}`;
const ZERO_SLOT = `0x${"00".repeat(32)}`;
const ONE_SLOT = `0x${"00".repeat(31)}01`;

const proofOf = (...params: readonly unknown[]): Promise<Proof> =>
  gateway.result("eth_getProof", ...params) as Promise<Proof>;

/** What nodes prove at a key under their first node's hash; null: that there is nothing. */
async function proven(nodes: readonly Hex[], key: Hex): Promise<Hex | null> {
  const value = await verifyMerkleProof(keccak(fromHex(key)), nodes.map(fromHex));
  return value === null ? null : toHex(value);
}

test("the nodes prove the account, and each slot under its storage root", async () => {
  const proof = await proofOf(logger, ["0x0", ONE_SLOT], "latest");
  const [nonce, balance, storageRoot, codeHash] = decodeRlp((await proven(proof.accountProof, logger))!) as string[];
  expect(proof).toMatchObject({ address: logger, storageHash: storageRoot, codeHash });
  expect([BigInt(proof.nonce), BigInt(proof.balance)]).toEqual([
    BigInt(nonce!),
    balance === "0x" ? 0n : BigInt(balance!),
  ]);
  const [held, empty] = proof.storageProof;
  expect(held).toMatchObject({ key: ZERO_SLOT, value: `0x${BigInt(OTHER_TOPIC).toString(16)}` });
  expect(toHex(keccak(fromHex(held!.proof[0]!)))).toBe(proof.storageHash);
  expect(decodeRlp((await proven(held!.proof, ZERO_SLOT as Hex))!)).toBe(OTHER_TOPIC);
  expect(empty).toMatchObject({ key: ONE_SLOT, value: "0x0" });
  expect(await proven(empty!.proof, ONE_SLOT as Hex)).toBeNull();
});

test("proofs are of the block that is asked for, by number, tag or hash", async () => {
  const before = await proofOf(logger, ["0x0"], "0x2");
  expect(BigInt(before.storageProof[0]!.value)).toBe(BigInt(TOPIC));
  const blockHash = hashHeader(story.deposits.header);
  for (const block of ["0x1", blockHash, { blockHash }])
    expect((await proofOf(bobAddress, [], block)).balance).toBe(`0x${MINTED.toString(16)}`);
  expect(await proofOf(bobAddress, [])).toEqual(await proofOf(bobAddress, [], "latest"));
});

test("an account that is not there is proven absent, its storage empty", async () => {
  const proof = await proofOf(nobody, ["0x0"], "latest");
  const empty = { balance: "0x0", nonce: "0x0", codeHash: EMPTY_CODE_HASH, storageHash: EMPTY_TRIE_ROOT };
  expect(proof).toMatchObject({ ...empty, storageProof: [{ key: ZERO_SLOT, value: "0x0", proof: [] }] });
  expect(await proven(proof.accountProof, nobody as Hex)).toBeNull();
});

test("64 storage keys are answered, 65 and what is no list of keys are not", async () => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `0x${i.toString(16)}`);
  expect((await proofOf(logger, keys(64), "latest")).storageProof).toHaveLength(64);
  for (const wrong of [keys(65), "0x0", ["zero"], undefined, [`0x${"11".repeat(33)}`]])
    expect((await gateway.ask("eth_getProof", logger, wrong, "latest")).error).toMatchObject({ code: -32602 });
});

test("an unknown block, and hosts that do not answer, are errors", async () => {
  expect((await gateway.ask("eth_getProof", logger, [], "0x99")).error).toMatchObject({ code: -32000 });
  story.chain.stateFailure = new BackendError("unreachable", "the storage hosts did not serve this state; try again");
  const { error } = await gateway.ask("eth_getProof", logger, [], "latest");
  story.chain.stateFailure = null;
  expect(error).toMatchObject({ code: -32002 });
});

test("where nobody may READ, storage is not shown, but what L1 asks of an exit or a withdrawal is", async () => {
  const chain = new MemoryChain(new Map([[CHARTER_SLOTS.restricted, 1n << BigInt(PSEUDO_OPERATIONS.READ)]]));
  await chain.append(DEPOSITS, []);
  const closed = await startGateway(chain);
  expect((await closed.ask("eth_getProof", logger, ["0x0"], "latest")).error?.message).toContain("READ");
  for (const shown of [PREDEPLOYS.l2ToL1, PREDEPLOYS.coinbase])
    expect((await closed.ask("eth_getProof", shown, ["0x0"], "latest")).error).toBeUndefined();
  expect((await closed.ask("eth_getProof", bobAddress, [], "latest")).error).toBeUndefined();
  await closed.stop();
});
