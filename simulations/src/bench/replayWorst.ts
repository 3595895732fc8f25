/**
 * Transactions that use all the gas that one may have, each on what is dearest for L1 of its kind, cut into parts: over a state of
 * 20,000 accounts, without a node. Of slices that are alike some are replayed.
 *   slices             all parts, from the first commitment to the checkpoint: steps around the message, slices within
 *   replayed           parts that were replayed on L1, each of which led to the next commitment
 *   dearestSliceGas    of the dearest of them, a whole transaction on L1; mostSliceBytes of the longest one's data
 *   commitmentBytes    what their poster shows
 */
import { createEngine } from "@mvm/evm";
import type { PartReplay } from "@mvm/l1";
import { BlockReplay, TransactionSlices } from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  addressOf,
  EMPTY_CODE_HASH,
  environmentOf,
  genesisWrites,
  keccakHash,
  LIMITS,
  toChainId,
  ZERO_HASH,
} from "@mvm/protocol";
import { CHAIN_ID } from "../fuzz/anvilPeer.ts";
import { accountAt, CALLED, CALLER, padded, WORST } from "../replay/slicePrograms.ts";
import { SlicesL1 } from "../replay/slicesL1.ts";
import { FREE_CHARTER, replaySource, storedState } from "../replay/storedState.ts";
import { signedTransaction } from "../signedTransaction.ts";
import type { ResultLine } from "./benchmark.ts";
import { ENVIRONMENT } from "./blocksWorkloads.ts";

const ACCOUNTS = 20_000;
const NUMBER = 1_002n;
const KEY = new Uint8Array(32).fill(8);
/** Parts that are replayed: the first and the last ones, and so many between them. */
const [FIRST, LAST, BETWEEN] = [12, 8, 40];

const account = (address: Address, code: Uint8Array | null = null): AccountWrite => {
  const codeHash = code === null ? EMPTY_CODE_HASH : keccakHash(code);
  return { address, account: { nonce: 1n, balance: 10n ** 22n, codeHash }, code, slots: [] };
};

async function partsOf(program: Uint8Array): Promise<TransactionSlices> {
  const others = Array.from({ length: ACCOUNTS }, (_, n) => account(accountAt(n)));
  const own = [account(addressOf(KEY)), account(CALLER, program), account(CALLED, padded(Uint8Array.of(0)))];
  const state = storedState([genesisWrites(), [FREE_CHARTER], [...own, ...others]]);
  const { timestamp, baseFeePerGas, prevRandao } = ENVIRONMENT;
  const environment = environmentOf({ timestamp, baseFeePerGas, prevRandao });
  const facts = { chainId: toChainId(CHAIN_ID), number: NUMBER, parentHash: ZERO_HASH, environment };
  const block = new BlockReplay(await createEngine(), facts, replaySource(state), state.root);
  const fees = { maxFeePerGas: baseFeePerGas, maxPriorityFeePerGas: 0n, value: 0n };
  const call = { type: 2, to: CALLER, nonce: 1n, gasLimit: LIMITS.transactionGas, data: new Uint8Array(0) } as const;
  const step = await block.execute(signedTransaction(KEY, { ...call, ...fees, accessList: [] }, CHAIN_ID));
  const cut = await block.cut(step);
  if ("invalid" in step.verdict) throw new Error(`the transaction is invalid: ${step.verdict.invalid}`);
  return new TransactionSlices(cut, block.apply(step));
}

/** Replays a part; what L1 says has to be what the twin does. */
async function replayed(
  l1: SlicesL1,
  parts: TransactionSlices,
  index: number,
): Promise<{ gas: number; bytes: number }> {
  const proof: PartReplay = parts.proof(index);
  const { told, gas, bytes } = await l1.replay(proof);
  const expected = [parts.commitment(index), parts.commitment(index + 1)];
  if (told.toString() !== expected.toString()) throw new Error(`part ${index} leads elsewhere: ${told}`);
  return { gas: Number(gas), bytes };
}

/** Measures what is dearest of each kind. */
export async function worstTransactions(
  report: (line: ResultLine) => void,
  note: (text: string) => void,
): Promise<void> {
  const l1 = await SlicesL1.open();
  for (const [name, program] of WORST) {
    note(`worst-${name}: cutting it`);
    const parts = await partsOf(program);
    const every = Math.max(1, Math.floor(parts.length / BETWEEN));
    const wanted = Array.from({ length: parts.length }, (_, i) => i).filter(
      (i) => i < FIRST || i >= parts.length - LAST || i % every === 0,
    );
    note(`worst-${name}: replaying ${wanted.length} of ${parts.length} parts`);
    let [dearest, longest] = [0, 0];
    for (const index of wanted) {
      const { gas, bytes } = await replayed(l1, parts, index);
      dearest = Math.max(dearest, gas);
      longest = Math.max(longest, bytes);
    }
    report({
      ...{ bench: "replay", workload: `worst-${name}`, slices: parts.length, replayed: wanted.length },
      ...{ dearestSliceGas: dearest, mostSliceBytes: longest, commitmentBytes: 32 * (parts.length + 1) },
    });
  }
}
