/**
 * A block executed anew without its state: every value is proven by hosts, under the state root of the block before (design page 20, "Soft
 * confirmation"). Whoever posts a block answers for it with its bond, so it takes nobody's word for what came of the transactions, not even two
 * seats' that agree.
 */
import type { Engine } from "@mvm/evm";
import {
  type BlockOutcome,
  decodeSystemTransaction,
  decodeTransaction,
  environmentOf,
  type Hash,
  hashHeader,
  isSystemTransaction,
  type SealedBlock,
  TransactionError,
  toMessage,
  ZERO_HASH,
} from "@mvm/protocol";
import type { Parent } from "@mvm/roles";
import { BlockSession } from "./blockSession.ts";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";

/**
 * The hash that a block should have by its context, its transactions and the state before it; ZERO_HASH where a transaction may not stand in it. The
 * layout of the block is taken as it is: followers judge it.
 * @throws the signal's reason when it aborts, and what HostClient throws where no host proves a value
 */
export async function reexecuted(
  { signal, ...around }: { hosts: HostClient; chain: Chain; engine: Engine; signal: AbortSignal },
  parent: Parent,
  { chainId, header, context, transactions }: SealedBlock,
): Promise<Hash> {
  signal.throwIfAborted();
  const session = new BlockSession({ ...around, parent });
  const close = (): void => session.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const { parentHash, number, timestamp, prevRandao, baseFeePerGas } = header;
    const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
    const system = transactions.filter(isSystemTransaction).map((raw) => decodeSystemTransaction(raw, chainId));
    const [settle] = system.slice(-1);
    if (settle === undefined) return ZERO_HASH;
    await session.open({ chainId, environment, opening: system.slice(0, -1), foreseen: settle, keys: [] });
    const users = transactions.filter((raw) => !isSystemTransaction(raw));
    const messages = users.map((raw) => toMessage(decodeTransaction(raw, chainId), context.l1BaseFee));
    const outcomes = await session.execute(environment, messages);
    const included: BlockOutcome[] = [];
    for (const outcome of outcomes) {
      if (outcome.kind === "invalid") return ZERO_HASH;
      const { status, gasUsed, logs, writes } = outcome;
      included.push({ status, gasUsed, logs, writes });
    }
    const fixed = { parentHash, number, timestamp, prevRandao, baseFeePerGas };
    const made = await session.assemble({
      kind: "assemble",
      session: ZERO_HASH,
      header: fixed,
      environment,
      transactions,
      users: included,
      settle,
    });
    return hashHeader(made.header);
  } catch (error) {
    if (error instanceof TransactionError) return ZERO_HASH;
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
    session.close();
  }
}
