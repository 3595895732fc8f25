/** One public state test through the contracts that replay transactions on L1, against the engine by the same rules: a DAC's. */
import type { Engine } from "@mvm/evm";
import { BlockReplay, wholeEvidence } from "@mvm/node";
import {
  checkpointLeaf,
  decodeTransaction,
  environmentOf,
  fromHex,
  genesisWrites,
  LIMITS,
  TransactionError,
  toChainId,
  toWordHex,
} from "@mvm/protocol";
import type { CheckpointL1 } from "../replay/checkpointL1.ts";
import { FREE_CHARTER, replaySource, storedState } from "../replay/storedState.ts";
import { signedTransaction } from "../signedTransaction.ts";
import {
  blockHash,
  type CaseResult,
  messageOfTest,
  numberIn,
  type Post,
  type StateTest,
  worldWrites,
} from "./stateTest.ts";

const CHAIN = toChainId(1n);
/** Errors of a transaction that one replay cannot do, however much gas it has. */
const NEEDS_SLICES: Readonly<Record<string, string>> = {
  "OutOfReplayGas()": "calls deeper than L1's own",
  "OutOfRoom()": "writes more transient slots than a replay's tables have",
};

/**
 * The case's signed transaction. A legacy one that is bound to no chain is bound to this one; one that declares more gas than a
 * DAC's may have is taken with as much as it may. Throws TransactionError.
 */
function signedOf(test: StateTest, post: Post): Uint8Array {
  const raw = fromHex(post.txbytes ?? "0x");
  const key = test.transaction["secretKey"];
  const signedAnew = (): Uint8Array => {
    const message = messageOfTest(test, post);
    const gasLimit = message.gasLimit < LIMITS.transactionGas ? message.gasLimit : LIMITS.transactionGas;
    return signedTransaction(fromHex(key as string), { ...message, gasLimit, authorizations: [] }, CHAIN);
  };
  try {
    const { gasLimit, type } = decodeTransaction(raw, CHAIN);
    return gasLimit > LIMITS.transactionGas && typeof key === "string" && type !== 4 ? signedAnew() : raw;
  } catch (error) {
    const isUnbound = error instanceof TransactionError && error.code === "no-replay-protection";
    if (isUnbound && typeof key === "string") return signedAnew();
    throw error;
  }
}

/** Runs a case on both; what may not stand in a DAC's block has to be invalid for both, and is skipped with the reason. */
export async function runReplayCase(
  engine: Engine,
  l1: CheckpointL1,
  test: StateTest,
  post: Post,
): Promise<CaseResult> {
  let raw: Uint8Array;
  try {
    raw = signedOf(test, post);
  } catch (error) {
    if (error instanceof TransactionError) return { skipped: `no transaction of a DAC's chain: ${error.code}` };
    throw error;
  }
  const state = storedState([genesisWrites(), [FREE_CHARTER], worldWrites(test)]);
  const number = numberIn(test.env["currentNumber"]!);
  const environment = environmentOf({
    timestamp: numberIn(test.env["currentTimestamp"]!),
    baseFeePerGas: numberIn(test.env["currentBaseFee"]!),
    prevRandao: toWordHex(numberIn(test.env["currentRandom"] ?? "0x0")),
  });
  const facts = { chainId: CHAIN, number, parentHash: blockHash(number - 1n), environment };
  const block = new BlockReplay(engine, facts, replaySource(state), state.root);
  const step = await block.execute(raw);
  const evidence = wholeEvidence(block.witness(step));
  const { verdict } = await l1.replay(facts, 0, block.before, raw, evidence);
  if ("refused" in verdict) {
    const why = NEEDS_SLICES[verdict.refused];
    return why === undefined ? { fault: `no verdict: ${verdict.refused}` } : { skipped: `needs slices: ${why}` };
  }
  if ("invalid" in step.verdict) {
    const { invalid } = step.verdict;
    return verdict.after === "invalid"
      ? { skipped: `invalid on a DAC: ${invalid}` }
      : { fault: `valid, not ${invalid}` };
  }
  if (verdict.after === "invalid") return { fault: "invalid" };
  const after = block.apply(step);
  const { stateRoot, cumulativeGasUsed } = verdict.after;
  if (cumulativeGasUsed !== after.cumulativeGasUsed)
    return { fault: `gas ${cumulativeGasUsed}, not ${after.cumulativeGasUsed}` };
  if (stateRoot !== after.stateRoot) return { fault: "state root differs" };
  return { fault: checkpointLeaf(verdict.after) === checkpointLeaf(after) ? null : "receipt differs" };
}
