/** A gateway's view of one DAC for JSON-RPC: own blocks and pool, state proven by the storage hosts. */
import type { Address, Hash, SealedBlock, StateKey, StateReader, Transaction } from "@mvm/protocol";
import {
  BackendError,
  type ChainBackend,
  type HeadTag,
  type LogQuery,
  type StateProof,
  SubmitError,
  type SyncProgress,
  type TransactionPlace,
} from "@mvm/rpc";
import { accountPath, NodeMap, slotPath } from "@mvm/state";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";
import type { Pooling } from "./pooling.ts";
import { nodesOfReaders } from "./withdrawalProof.ts";

export type GatewayBackendOptions = {
  readonly chain: Chain;
  readonly pooling: Pooling;
  readonly hosts: HostClient;
  readonly peerCount: () => number;
  /** ends reads under way when the node stops */
  readonly signal: AbortSignal;
};

/** Readers at recent state roots, kept for what they have read already. */
const KEPT_READERS = 16;

export class GatewayBackend implements ChainBackend {
  readonly #options: GatewayBackendOptions;
  readonly #readers = new Map<Hash, StateReader>();

  constructor(options: GatewayBackendOptions) {
    this.#options = options;
  }

  get chainId(): Chain["chainId"] {
    return this.#options.chain.chainId;
  }

  head(tag: HeadTag): bigint {
    const { chain } = this.#options;
    if (tag === "latest") return chain.head.header.number;
    return tag === "safe" ? chain.safeNumber : chain.finalNumber;
  }

  /** What is above the head is being undone, and not shown any more. */
  blockByNumber(number: bigint): SealedBlock | null {
    const { chain } = this.#options;
    return number > chain.head.header.number ? null : chain.block(number);
  }

  blockByHash(hash: Hash): SealedBlock | null {
    const stored = this.#options.chain.database.blockByHash(hash);
    return stored === null ? null : this.blockByNumber(stored.number);
  }

  locate(transactionHash: Hash): TransactionPlace | null {
    const { chain } = this.#options;
    const place = chain.database.transactionPlace(transactionHash);
    if (place === null || place.number > chain.head.header.number) return null;
    return { blockNumber: place.number, index: place.index };
  }

  async blocksWithLogs({ addresses, topics, from, to, limit }: LogQuery): Promise<readonly bigint[]> {
    const anyOrSome = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);
    const query = { fromBlock: from, toBlock: to, addresses: anyOrSome(addresses), topics: topics.map(anyOrSome) };
    const candidates = await this.#options.chain.database.findLogs(query);
    return [...new Set(candidates.map(({ number }) => number))].slice(0, limit);
  }

  stateAt(block: SealedBlock): StateReader {
    const { stateRoot, number } = block.header;
    const key = `${stateRoot}${number}` as Hash;
    const kept = this.#readers.get(key);
    if (kept !== undefined) return kept;
    const reader = this.#options.hosts.readerAt(this.#options.chain, { stateRoot, number }, this.#options.signal);
    const described = describeFailures(reader);
    this.#readers.set(key, described);
    if (this.#readers.size > KEPT_READERS) this.#readers.delete(this.#readers.keys().next().value!);
    return described;
  }

  /** A reader of its own for each proof: what it collects is the answer alone. */
  async proofAt(
    { header: { stateRoot, number } }: SealedBlock,
    { address, slots }: { readonly address: Address; readonly slots: readonly Hash[] },
  ): Promise<StateProof> {
    const { hosts, chain, signal } = this.#options;
    const nodesUnder = nodesOfReaders((root) => hosts.readerAt(chain, { stateRoot: root, number }, signal));
    const keys: StateKey[] = slots.map((slot) => ({ kind: "slot", address, slot }));
    const nodes = await described(() => nodesUnder(stateRoot, [{ kind: "account", address }, ...keys]));
    const source = new NodeMap(nodes);
    const account = accountPath(source, stateRoot, address);
    const storageRoot = account.value?.storageRoot;
    const none = { value: 0n, nodes: [] };
    return {
      account,
      slots: slots.map((slot) => (storageRoot === undefined ? none : slotPath(source, storageRoot, slot))),
    };
  }

  async blob(blobHash: Hash): Promise<Uint8Array | null> {
    const { hosts, chain, signal } = this.#options;
    try {
      return await hosts.blob(chain.chainId, blobHash, signal);
    } catch (cause) {
      throw new BackendError("unreachable", `the blob ${blobHash} cannot be checked now: try again`, cause);
    }
  }

  async submit(transaction: Transaction): Promise<void> {
    const refusal = await this.#options.pooling.submit(transaction);
    if (refusal !== null) throw new SubmitError(refusal);
  }

  async pendingNonce(address: Address): Promise<bigint | null> {
    const block = this.blockByNumber(this.head("latest"))!;
    const account = await this.stateAt(block).account(address);
    const atHead = account?.nonce ?? 0n;
    const next = this.#options.pooling.pendingNonce(address, atHead);
    return next === atHead ? null : next;
  }

  pendingTransaction(hash: Hash): Transaction | null {
    return this.#options.pooling.pending(hash);
  }

  syncing(): false | SyncProgress {
    const { startingBlock, currentBlock, highestBlock } = this.#options.chain.progress;
    return currentBlock >= highestBlock ? false : { startingBlock, currentBlock, highestBlock };
  }

  peerCount(): number {
    return this.#options.peerCount();
  }
}

/** What is read of hosts; a failure becomes what the RPC interface tells its callers. */
async function described<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new BackendError("unreachable", "the storage hosts did not serve this state; try again", cause);
  }
}

function describeFailures(reader: StateReader): StateReader {
  return {
    account: (address) => described(() => reader.account(address)),
    slot: (address, slot) => described(() => reader.slot(address, slot)),
    code: (hash) => described(() => reader.code(hash)),
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: (number) => reader.blockHash(number),
  };
}
