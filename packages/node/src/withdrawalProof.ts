/**
 * What L1 is shown of a DAC (design page 30, "Bridge and exits"): a block of a posted batch, a message or withdrawal
 * under that block's withdrawalsRoot, an account with a slot under its state root.
 */
import {
  type Address,
  type BatchHeader,
  encodeHeader,
  type Hash,
  type Header,
  type Hex,
  hashHeader,
  LIMITS,
  merkleProof,
  merkleRoot,
  PREDEPLOYS,
  type StateKey,
  sentSlot,
  toHex,
} from "@mvm/protocol";
import { type AccountRecord, accountPath, NodeMap, type ProvenReader, slotPath } from "@mvm/state";

/** What is asked cannot be proven, whoever serves the nodes. */
export class UnprovableError extends Error {
  readonly code: /** the block is not in the batch */
    | "not-in-batch"
    /** a block of the batch is not at hand */
    | "missing-block"
    /** the blocks at hand are not those that were posted */
    | "other-blocks"
    /** no message with this hash was sent up to the block */
    | "not-sent";
  constructor(code: UnprovableError["code"], message: string) {
    super(message);
    this.name = "UnprovableError";
    this.code = code;
  }
}

/** Header of the canonical block of a number, or null. */
export type HeaderSource = (number: bigint) => Header | null;

/** Nodes that prove these keys under a state root, in any order. Nobody's word is taken: each path is walked again. */
export type NodesUnder = (stateRoot: Hash, keys: readonly StateKey[]) => Promise<Iterable<Uint8Array>>;

/** A block of a batch as contracts take it; an object that ethers encodes as a struct with these names. */
export type BlockProof = {
  /** RLP of the header */
  readonly header: Hex;
  /** place among the batch's blocks, from 0 */
  readonly position: bigint;
  /** number of the batch's blocks */
  readonly count: bigint;
  /** of binary Merkle trees, from the leaf up */
  readonly siblings: readonly Hash[];
};

export type MessageProof = {
  readonly block: BlockProof;
  /** from withdrawalsRoot down to the slot of the message: what MerkleTrie.slotOf takes */
  readonly nodes: readonly Hex[];
};

export type AccountProof = {
  readonly block: BlockProof;
  /** null: there is no such account */
  readonly account: AccountRecord | null;
  /** from stateRoot down: what MerkleTrie.accountOf takes */
  readonly accountNodes: readonly Hex[];
  /** value of the slot asked for; zero where none was */
  readonly value: bigint;
  /** from the account's storage root down: what MerkleTrie.slotOf takes; none where no slot was asked for */
  readonly slotNodes: readonly Hex[];
};

const hexOf = (nodes: readonly Uint8Array[]): Hex[] => nodes.map(toHex);

/** Nodes from a reader of a gateway, which asks storage hosts; `readerAt` gives one at a state root. */
export function nodesOfReaders(readerAt: (stateRoot: Hash) => ProvenReader): NodesUnder {
  return async (stateRoot, keys) => {
    const reader = readerAt(stateRoot);
    await Promise.all(
      keys.map((key) => {
        if (key.kind === "slot") return reader.slot(key.address, key.slot);
        return key.kind === "account" ? reader.account(key.address) : undefined;
      }),
    );
    return reader.collectedNodes();
  };
}

/** Proof that a block is part of a posted batch. Throws UnprovableError. */
export function proveBlock(headerOf: HeaderSource, batch: BatchHeader, number: bigint): BlockProof {
  const { firstBlock, lastBlock, blocksRoot } = batch;
  const count = lastBlock - firstBlock + 1n;
  if (number < firstBlock || number > lastBlock || count > BigInt(LIMITS.batchBlocks))
    throw new UnprovableError("not-in-batch", `block ${number} is none of ${firstBlock} to ${lastBlock}`);
  const headers = Array.from({ length: Number(count) }, (_, i) => {
    const header = headerOf(firstBlock + BigInt(i));
    if (header === null) throw new UnprovableError("missing-block", `block ${firstBlock + BigInt(i)} is not at hand`);
    return header;
  });
  const hashes = headers.map(hashHeader);
  if (merkleRoot(hashes) !== blocksRoot)
    throw new UnprovableError("other-blocks", `the blocks at hand are not those of batch ${batch.index}`);
  const position = Number(number - firstBlock);
  return {
    header: toHex(encodeHeader(headers[position]!)),
    position: BigInt(position),
    count,
    siblings: merkleProof(hashes, position),
  };
}

/** What a proof is made from: the chain's headers, the posted batch and its block, and who has the nodes. */
export type ProofRequest = {
  readonly headerOf: HeaderSource;
  readonly batch: BatchHeader;
  /** a block of the batch; L1 takes it once the batch is final */
  readonly number: bigint;
  readonly nodesUnder: NodesUnder;
};

/**
 * Proof that MVM_L2ToL1 holds a message, by its hash, after a block. Throws UnprovableError, and StateError
 * "missing-node" or "bad-node" where the nodes served do not reach it.
 */
export async function proveMessage(request: ProofRequest & { readonly messageHash: Hash }): Promise<MessageProof> {
  const { headerOf, batch, number, nodesUnder, messageHash } = request;
  const block = proveBlock(headerOf, batch, number);
  const { stateRoot, withdrawalsRoot } = headerOf(number)!;
  const slot = sentSlot(messageHash);
  const served = await nodesUnder(stateRoot, [{ kind: "slot", address: PREDEPLOYS.l2ToL1, slot }]);
  const { value, nodes } = slotPath(new NodeMap(served), withdrawalsRoot, slot);
  if (value === 0n) throw new UnprovableError("not-sent", `no message ${messageHash} was sent up to block ${number}`);
  return { block, nodes: hexOf(nodes) };
}

/**
 * Proof of an account after a block, present or absent, and of one slot of its storage if asked for: what a claim from a
 * chain that has turned to exit shows. Throws as proveMessage.
 */
export async function proveAccount(
  request: ProofRequest & { readonly address: Address; readonly slot?: Hash },
): Promise<AccountProof> {
  const { headerOf, batch, number, nodesUnder, address, slot } = request;
  const block = proveBlock(headerOf, batch, number);
  const { stateRoot } = headerOf(number)!;
  const keys: StateKey[] = [{ kind: "account", address }];
  if (slot !== undefined) keys.push({ kind: "slot", address, slot });
  const source = new NodeMap(await nodesUnder(stateRoot, keys));
  const account = accountPath(source, stateRoot, address);
  const held =
    slot === undefined || account.value === null
      ? { value: 0n, nodes: [] }
      : slotPath(source, account.value.storageRoot, slot);
  return {
    block,
    account: account.value,
    accountNodes: hexOf(account.nodes),
    value: held.value,
    slotNodes: hexOf(held.nodes),
  };
}
