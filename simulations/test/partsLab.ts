/** Blocks whose transactions are cut into parts, each replayed by contracts of L1. */
import type { Engine } from "@mvm/evm";
import { BlockReplay, TransactionSlices } from "@mvm/node";
import { environmentOf, GENESIS_BASE_FEE, keccakHash, toChainId, ZERO_HASH } from "@mvm/protocol";
import { expect } from "vitest";
import { CHAIN_ID } from "../src/fuzz/anvilPeer.ts";
import { kindOf, type PartKind } from "../src/replay/accusedParts.ts";
import type { SlicesL1 } from "../src/replay/slicesL1.ts";
import { replaySource, type StoredState } from "../src/replay/storedState.ts";

/** Number of the block. */
const NUMBER = 1_002n;
const CHAIN = toChainId(CHAIN_ID);

/** What a part took on L1: of a step the kind of the state before it. */
export type PartCost = { readonly kind: PartKind; readonly gas: bigint; readonly bytes: number };

/** The first block of a state that is as it is. */
export function blockUpon(engine: Engine, state: StoredState): BlockReplay {
  const header = {
    timestamp: 1_800_000_012n,
    baseFeePerGas: GENESIS_BASE_FEE,
    prevRandao: keccakHash(new Uint8Array(1)),
  };
  const facts = { chainId: CHAIN, number: NUMBER, parentHash: ZERO_HASH, environment: environmentOf(header) };
  return new BlockReplay(engine, facts, replaySource(state), state.root);
}

/** Executes the block's next transaction, and cuts it. */
export async function nextParts(block: BlockReplay, raw: Uint8Array): Promise<TransactionSlices> {
  const step = await block.execute(raw);
  const cut = await block.cut(step);
  return new TransactionSlices(cut, "invalid" in step.verdict ? null : block.apply(step));
}

/** Replays the parts that are wanted; each leads from its commitment to the next one. */
export async function replayParts(
  l1: SlicesL1,
  parts: TransactionSlices,
  isWanted: (index: number, kind: PartKind) => boolean = () => true,
): Promise<PartCost[]> {
  const costs: PartCost[] = [];
  for (let i = 0; i < parts.length; i++) {
    const proof = parts.proof(i);
    const kind = kindOf(proof);
    if (!isWanted(i, kind)) continue;
    const { told, gas, bytes } = await l1.replay(proof);
    expect(told, `part ${i}, ${kind}`).toEqual([parts.commitment(i), parts.commitment(i + 1)]);
    costs.push({ kind, gas, bytes });
  }
  return costs;
}
