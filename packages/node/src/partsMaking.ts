/** The parts of a transaction of a node's own block, executed anew over values that a host proves. */
import { type Engine, isSlice, OverlayReader, type Part } from "@mvm/evm";
import {
  type AccountWrite,
  type Checkpoint,
  environmentOf,
  type Hash,
  type SealedBlock,
  type StateKey,
  type StateReader,
  stateKeyId,
  toWordHex,
} from "@mvm/protocol";
import { NodeMap, type ProvenReader } from "@mvm/state";
import { BlockReplay, sliceable } from "./proving/blockReplay.ts";
import { TransactionSlices } from "./proving/transactionSlices.ts";

/** A transaction in parts, and the checkpoint before it; null for a block's first. */
export type MadeParts = { readonly slices: TransactionSlices; readonly before: Checkpoint | null };

/**
 * Cuts a block's transaction into its parts.
 * @param block whose outcomes lead to its checkpoints
 * @param reader of values under the parent's state root
 * @throws ExecutionError, StateError where the reader fails
 */
export async function partsOf(
  engine: Engine,
  block: SealedBlock,
  index: number,
  reader: ProvenReader,
): Promise<MadeParts> {
  const { chainId, header, transactions, outcomes } = block;
  const { number, parentHash } = header;
  const facts = { chainId, number, parentHash, environment: environmentOf(header) };
  const raw = transactions[index]!;
  const codes = new Map<Hash, Uint8Array>();
  const hashes = new Map<bigint, Hash>();
  const overlay = new OverlayReader(noting(reader, codes, hashes));
  const earlier = outcomes.slice(0, index);
  for (const { writes } of earlier) overlay.apply(writes);
  const transaction = await sliceable(raw, facts, overlay);
  const gasUsed = earlier.reduce((sum, outcome) => sum + outcome.gasUsed, 0n);
  const { parts } = await engine.slice(facts.environment, transaction, overlay, { bytes: raw.length, gasUsed });
  // between its parts values are deleted that the whole transaction leaves as they were
  const keys = [...parts.flatMap(keysOf), ...earlier.flatMap(({ writes }) => writes.flatMap(keysWritten))];
  await reader.fetchWitness([...new Map(keys.map((key) => [stateKeyId(key), key])).values()]);
  const replay = new BlockReplay(
    engine,
    facts,
    {
      nodes: new NodeMap(reader.collectedNodes()),
      code: (hash) => codes.get(hash)!,
      blockHash: (asked) => hashes.get(asked)!,
    },
    reader.root,
  );
  const steps = transactions.map((own, i) => ({ raw: own, verdict: { outcome: outcomes[i]! }, keys: [] }));
  let before: Checkpoint | null = null;
  for (const step of steps.slice(0, index)) before = replay.apply(step);
  const cut = await replay.cut(steps[index]!);
  return { slices: new TransactionSlices(cut, replay.apply(steps[index]!)), before };
}

/** Accounts and slots that a part meets. */
function keysOf(part: Part): StateKey[] {
  const { accounts, slots } = isSlice(part) ? part.evidence : part;
  const own = accounts[0]?.address;
  return [
    ...accounts.map(({ address }): StateKey => ({ kind: "account", address })),
    ...slots.map(({ key }): StateKey => ({ kind: "slot", address: own!, slot: toWordHex(key) })),
  ];
}

const keysWritten = ({ address, slots }: AccountWrite): StateKey[] => [
  { kind: "account", address },
  ...slots.map(({ slot }): StateKey => ({ kind: "slot", address, slot })),
];

/** Notes codes and hashes of blocks, which no trie has. */
function noting(reader: ProvenReader, codes: Map<Hash, Uint8Array>, hashes: Map<bigint, Hash>): StateReader {
  return {
    account: (address) => reader.account(address),
    slot: (address, slot) => reader.slot(address, slot),
    code: async (hash) => {
      const code = await reader.code(hash);
      codes.set(hash, code);
      return code;
    },
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: async (number) => {
      const hash = await reader.blockHash(number);
      hashes.set(number, hash);
      return hash;
    },
  };
}
