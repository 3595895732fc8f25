/** What a node keeps beside the DACs' databases: blocks it signed, transactions it acknowledged, its own on L1, blobs. */
import { decodeSubmission, encodeSubmission, MAX_JOURNAL_ENTRIES, type SubmissionJournal } from "@mvm/l1";
import { type ChainId, concatBytes, decodeBlock, encodeBlock, fromHex, type Hash, toHex, toWord } from "@mvm/protocol";
import { type KeyValueStore, keyAfter } from "@mvm/state";
import type {
  BlobArchive,
  CheckpointedBlock,
  LeafStore,
  LieStore,
  PendingStore,
  SealStore,
  SigningMarks,
} from "./ports.ts";

const SEAL = Uint8Array.of(1);
const PENDING = Uint8Array.of(2);
const SUBMISSION = Uint8Array.of(3);
const BLOB = Uint8Array.of(4);
const LEAVES = Uint8Array.of(5);
const LIE = Uint8Array.of(6);
const BEHIND = Uint8Array.of(7);
const PAGE_ENTRIES = 1_000;

type Place = Parameters<SealStore["find"]>[0];

function sealKey({ chainId, generation, context, header }: Place): Uint8Array {
  return concatBytes(SEAL, toWord(chainId), toWord(generation), toWord(context.slot), toWord(header.number));
}

const pendingKey = (chainId: ChainId, hash: Hash): Uint8Array => concatBytes(PENDING, toWord(chainId), fromHex(hash));

/** Blocks signed here: forbids a second one at the same place, also after a crash. */
export function sealStore(store: KeyValueStore): SealStore {
  return {
    find: async (place) => {
      const bytes = store.get(sealKey(place));
      return bytes === undefined ? null : decodeBlock(bytes);
    },
    put: (block) => store.write([{ key: sealKey(block), value: encodeBlock(block) }]),
  };
}

const LAST_SLOT = Uint8Array.of(1);
const MARK = Uint8Array.of(2);
/** Slots behind the present one whose marks are kept: L1 may go back. */
const KEPT_SLOTS = 8n;

const markKey = ({ chainId, generation, context, header }: Place): Uint8Array =>
  concatBytes(MARK, toWord(context.slot), toWord(chainId), toWord(generation), toWord(header.number));

/** What one key has signed, in a store of its own. */
export function signingMarks(store: KeyValueStore): SigningMarks {
  /** noted, or being written */
  const claimed = new Map<string, Hash>();
  const noted = (key: Uint8Array): Hash | undefined => {
    const bytes = store.get(key);
    return claimed.get(toHex(key)) ?? (bytes && (toHex(bytes) as Hash));
  };
  return {
    lastSlot: async () => {
      const bytes = store.get(LAST_SLOT);
      return bytes === undefined ? null : BigInt(toHex(bytes));
    },
    setLastSlot: async (slot) => {
      const to = concatBytes(MARK, toWord(slot > KEPT_SLOTS ? slot - KEPT_SLOTS : 0n));
      const old = await store.page({ from: MARK, to }, PAGE_ENTRIES);
      for (const [key] of old) claimed.delete(toHex(key));
      await store.write([{ key: LAST_SLOT, value: toWord(slot) }, ...old.map(([key]) => ({ key, value: null }))]);
    },
    claim: async (block, digest) => {
      const key = markKey(block);
      const before = noted(key);
      if (before !== undefined && before !== digest) return false;
      claimed.set(toHex(key), digest);
      await store.write([{ key, value: fromHex(digest) }]);
      return true;
    },
    has: (block, digest) => noted(markKey(block)) === digest,
  };
}

/** Transactions acknowledged here that are not on L1 yet. */
export function pendingStore(store: KeyValueStore): PendingStore {
  return {
    load: async (chainId) => {
      const to = concatBytes(PENDING, toWord(chainId + 1n));
      const found: Uint8Array[] = [];
      let from = concatBytes(PENDING, toWord(chainId));
      for (;;) {
        const page = await store.page({ from, to }, PAGE_ENTRIES);
        found.push(...page.map(([, value]) => value));
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE_ENTRIES) return found;
        from = keyAfter(last[0]);
      }
    },
    put: (chainId, hash, raw) => store.write([{ key: pendingKey(chainId, hash), value: raw }]),
    remove: (chainId, hash) => store.write([{ key: pendingKey(chainId, hash), value: null }]),
  };
}

const blobKey = (blobHash: Hash): Uint8Array => concatBytes(BLOB, fromHex(blobHash));

/** Blobs with batches of the DACs that are hosted here. */
export function blobArchive(store: KeyValueStore): BlobArchive {
  return {
    get: async (blobHash) => store.get(blobKey(blobHash)) ?? null,
    put: (blobHash, data) => store.write([{ key: blobKey(blobHash), value: data }]),
  };
}

const HASH_BYTES = 32;

const leavesKey = ({ chainId, header }: CheckpointedBlock): Uint8Array =>
  concatBytes(LEAVES, toWord(chainId), toWord(header.number), fromHex(header.checkpointsRoot));

/** Leaves of the checkpoints roots of blocks that were made or posted here. */
export function leafStore(store: KeyValueStore): LeafStore {
  return {
    get: async (block) => {
      const bytes = store.get(leavesKey(block));
      if (bytes === undefined) return null;
      const places = Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => i * HASH_BYTES);
      return places.map((at) => toHex(bytes.subarray(at, at + HASH_BYTES)) as Hash);
    },
    put: (block, leaves) =>
      store.write([{ key: leavesKey(block), value: concatBytes(...leaves.map((leaf) => fromHex(leaf))) }]),
    prune: async (chainId, number) => {
      const of = concatBytes(LEAVES, toWord(chainId));
      const page = await store.page({ from: of, to: concatBytes(of, toWord(number + 1n)) }, PAGE_ENTRIES);
      if (page.length > 0) await store.write(page.map(([key]) => ({ key, value: null })));
    },
  };
}

const lieKey = (id: Hash): Uint8Array => concatBytes(LIE, fromHex(id));

/** Proofs that providers lied, which L1 has said nothing of yet. */
export function lieStore(store: KeyValueStore): LieStore {
  return {
    load: async () => {
      const page = await store.page({ from: LIE, to: BEHIND }, PAGE_ENTRIES);
      return page.map(([key, value]) => ({ id: toHex(key.subarray(1)) as Hash, proof: toHex(value) }));
    },
    put: ({ id, proof }) => store.write([{ key: lieKey(id), value: fromHex(proof) }]),
    remove: (id) => store.write([{ key: lieKey(id), value: null }]),
  };
}

const submissionKey = (key: string): Uint8Array => concatBytes(SUBMISSION, new TextEncoder().encode(key));

/** L1 transactions begun under a key: after a crash they go on, instead of being made a second time. */
export function submissionJournal(store: KeyValueStore): SubmissionJournal {
  return {
    load: async () => {
      const page = await store.page({ from: SUBMISSION, to: BLOB }, MAX_JOURNAL_ENTRIES);
      return page.map(([, value]) => decodeSubmission(value));
    },
    save: (entry) => store.write([{ key: submissionKey(entry.key), value: encodeSubmission(entry) }]),
    clear: (key) => store.write([{ key: submissionKey(key), value: null }]),
  };
}
