/** State from proofs alone: what a sequencer, a ranger or a challenger computes roots with. */
import { type AccountWrite, type Hash, keccak, keccakHash, type StateEntry, type StateKey } from "@mvm/protocol";
import { withoutStorage } from "./accountRecord.ts";
import { NodeMap, type NodeSource, RecordingSource } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import { WorldState } from "./worldState.ts";

/** Most nodes that a proof may have; far above what a full block's witness takes. */
export const MAX_PROOF_NODES = 262_144;

/**
 * World state over the nodes of a proof. It goes on through the transactions of a block, one applyWrites each; whatever
 * it has no node for is StateError "missing-node", never an absent value.
 */
export class SparseState extends WorldState {
  /** Throws StateError "missing-node" without the root's node, "too-many" above MAX_PROOF_NODES. */
  static fromProof(root: Hash, nodes: Iterable<Uint8Array>): SparseState {
    return new SparseState(boundedMap(nodes), root);
  }
}

function boundedMap(nodes: Iterable<Uint8Array>): NodeMap {
  const map = new NodeMap();
  for (const node of nodes) {
    map.add(node);
    if (map.size > MAX_PROOF_NODES) throw new StateError("too-many", { bound: MAX_PROOF_NODES });
  }
  return map;
}

/** Root after one transaction's writes over a proof of the root before. Throws StateError. */
export function applyWrites(preRoot: Hash, proofNodes: Iterable<Uint8Array>, writes: readonly AccountWrite[]): Hash {
  return SparseState.fromProof(preRoot, proofNodes).applyWrites(writes);
}

/**
 * The same writes with deletions last. Which siblings collapsing branches need depends on their order; in this one it is what
 * the changes all together need, as a replay on L1 makes them in one walk (decision 032).
 */
export function deletionsLast(writes: readonly AccountWrite[]): AccountWrite[] {
  const ordered = writes.map((write) => ({
    ...write,
    slots: [...write.slots.filter(({ value }) => value !== 0n), ...write.slots.filter(({ value }) => value === 0n)],
  }));
  return [...ordered.filter(({ account }) => account !== null), ...ordered.filter(({ account }) => account === null)];
}

/** Exactly the nodes that applying these writes, transaction by transaction, needs: the smallest witness. */
export function witnessOfWrites(
  source: NodeSource,
  root: Hash,
  writesPerTransaction: readonly (readonly AccountWrite[])[],
): Uint8Array[] {
  if (writesPerTransaction.every((writes) => writes.length === 0)) return [];
  const recording = new RecordingSource(source);
  const state = new WorldState(recording, root);
  for (const writes of writesPerTransaction) state.applyWrites(writes);
  return [...recording.recorded.values()];
}

/** Answers to a batch of keys as they arrive from a peer: trie nodes without order, and the bytes of codes. */
export type Proof = { readonly nodes: readonly Uint8Array[]; readonly codes: readonly Uint8Array[] };

/** Throws when a node is sent twice or takes no part in the proof `expected`. */
function refuseUnused(given: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  if (given.length === expected.length) return;
  const wanted = new NodeMap(expected);
  const seen = new NodeMap();
  for (const node of given) {
    if (wanted.get(keccak(node)) === undefined || !seen.add(node)) {
      throw new StateError("unused-node", { hash: keccakHash(node) });
    }
  }
}

/**
 * Values of accounts, slots and codes proven under `root`, in the order of the keys. Throws StateError: "missing-node",
 * "bad-node", "unused-node", "missing-code", "unused-code", "not-state", "too-many".
 */
export function verifyReads(root: Hash, keys: readonly StateKey[], proof: Proof): StateEntry[] {
  const codes = hashCodes(keys, proof.codes);
  const state = keys.every((key) => key.kind === "code") ? null : SparseState.fromProof(root, proof.nodes);
  refuseUnused(proof.nodes, state?.proveReads(keys) ?? []);
  return keys.map((key): StateEntry => {
    if (key.kind === "slot") return { ...key, value: state!.slot(key.address, key.slot) };
    if (key.kind === "code") return { ...key, value: codes.get(key.hash)! };
    if (key.kind !== "account") throw new StateError("not-state", { kind: key.kind });
    return { ...key, value: withoutStorage(state!.account(key.address)) };
  });
}

function hashCodes(keys: readonly StateKey[], codes: readonly Uint8Array[]): Map<Hash, Uint8Array> {
  const wanted = new Set<Hash>();
  for (const key of keys) if (key.kind === "code") wanted.add(key.hash);
  const found = new Map<Hash, Uint8Array>();
  for (const code of codes) {
    const hash = keccakHash(code);
    if (!wanted.has(hash) || found.has(hash)) throw new StateError("unused-code", { hash });
    found.set(hash, code);
  }
  for (const hash of wanted) if (!found.has(hash)) throw new StateError("missing-code", { hash });
  return found;
}

/** Checks that the nodes are the whole witness of `keys` under `root` and nothing else. Throws as verifyReads. */
export function verifyWitness(root: Hash, keys: readonly StateKey[], nodes: readonly Uint8Array[]): void {
  refuseUnused(nodes, SparseState.fromProof(root, nodes).witnessFor(keys));
}
