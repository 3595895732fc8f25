/** Blocks as a sequencer claims them who lies about what their transactions did. */
import type { Engine } from "@mvm/evm";
import { type BlockFacts, BlockReplay, blockRoots, type ReplaySource } from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  type BlockOutcome,
  type Hash,
  type Header,
  PREDEPLOYS,
  type SealedBlock,
} from "@mvm/protocol";
import { WorldState } from "@mvm/state";

/** What is claimed of a transaction that did this. */
export type Lie = (index: number, outcome: BlockOutcome) => BlockOutcome;

/** A transaction that may not stand in a block is claimed to have done this. */
const NOTHING: BlockOutcome = { status: 1, gasUsed: 21_000n, logs: [], writes: [] };

/** An outcome that leaves an account a wei more than it has. */
export function richer(outcome: BlockOutcome, who: Address): BlockOutcome {
  const writes = outcome.writes.map(
    (write): AccountWrite =>
      write.address === who && write.account !== null
        ? { ...write, account: { ...write.account, balance: write.account.balance + 1n } }
        : write,
  );
  return { ...outcome, writes };
}

/** A block upon a state with the outcomes that somebody claims; its roots follow from them. */
export async function claimedBlock(
  engine: Engine,
  facts: BlockFacts,
  source: ReplaySource,
  { stateRoot, raws, lie }: { readonly stateRoot: Hash; readonly raws: readonly Uint8Array[]; readonly lie: Lie },
): Promise<Pick<SealedBlock, "chainId" | "header" | "transactions" | "outcomes">> {
  const replay = new BlockReplay(engine, facts, source, stateRoot);
  const world = new WorldState(source.nodes, stateRoot);
  const outcomes: BlockOutcome[] = [];
  const stateRoots: Hash[] = [];
  for (const [i, raw] of raws.entries()) {
    const step = await replay.execute(raw);
    let did = NOTHING;
    if ("outcome" in step.verdict) {
      replay.apply(step);
      const { status, gasUsed, logs, writes } = step.verdict.outcome;
      did = { status, gasUsed, logs, writes };
    }
    const said = lie(i, did);
    outcomes.push(said);
    stateRoots.push(world.applyWrites(said.writes));
  }
  const withdrawalsRoot = world.storageRootOf(PREDEPLOYS.l2ToL1);
  const { chainId, number, parentHash, environment } = facts;
  const { timestamp, prevRandao, baseFeePerGas } = environment;
  const roots = blockRoots(raws, outcomes, { stateRoots, withdrawalsRoot });
  const header: Header = { parentHash, number, timestamp, prevRandao, baseFeePerGas, ...roots };
  return { chainId, header, transactions: raws, outcomes };
}
