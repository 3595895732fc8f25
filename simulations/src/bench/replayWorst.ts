/**
 * Transactions that use all the gas that one may have, each on what is dearest for L1 of its kind, over a state of 20,000 accounts:
 * a block is posted in which what one did is lied about. It is cut into parts; of slices that are alike some are replayed on an L1
 * without a node. Then, on anvil with the cap of EIP-7825, its parts are asked for, the poster shows them right up to the dearest
 * one and wrong from there on, and this part convicts.
 *   totalGas           of the prover's three transactions: the ask, the commitment, and the proof that convicts
 *   answerGas          of the poster's answer, for which it gets the price of the ask
 *   executionGas       of the proof's transaction, without what its data cost; calldataGas as of other proofs
 *   witnessBytes       of all that the dearest part's replay takes
 *   steps              opcodes of the transaction
 *   gasPerStep         L1 gas of all parts, by those that were replayed, for each of them
 *   slices             all parts, from the first commitment to the checkpoint: steps around the message, slices within
 *   replayed           parts that were replayed, each of which led to the next commitment
 *   dearestSliceGas    of the dearest of them, a whole transaction on L1; mostSliceBytes of the longest one's data
 *   commitmentBytes    what their poster shows
 */
import { createEngine } from "@mvm/evm";
import type { TransactionSlices } from "@mvm/node";
import { type Address, fromHex, LIMITS } from "@mvm/protocol";
import { AccusedParts } from "../replay/accusedParts.ts";
import { account, ClaimLab, changing } from "../replay/claimLab.ts";
import { accountAt, CALLED, CALLER, padded, WORST } from "../replay/slicePrograms.ts";
import { SlicesL1 } from "../replay/slicesL1.ts";
import type { ResultLine } from "./benchmark.ts";
import { calldataGasOf, TRANSACTION_GAS } from "./callGas.ts";
import { ReplayNetwork } from "./replayNetwork.ts";

const ACCOUNTS = 20_000;
/** Place of the transaction in its block, behind the one that tells the context. */
const PLACE = 1;
/** Parts that are replayed: the first and the last ones, and so many between them. */
const [FIRST, LAST, BETWEEN] = [12, 8, 40];

/** Posts a block with a call of the program, and finds that its outcome is wrong. */
async function lied(network: ReplayNetwork, program: Uint8Array): Promise<AccusedParts> {
  const others = Array.from({ length: ACCOUNTS }, (_, n) => account(accountAt(n), 10n ** 22n, null));
  const own: readonly [Address, Uint8Array][] = [
    [CALLER, program],
    [CALLED, padded(Uint8Array.of(0))],
  ];
  const codes = own.map(([address, code]) => account(address, 10n ** 22n, code));
  const lab = new ClaimLab(await createEngine(), network, [...codes, ...others]);
  const call = { to: CALLER, value: 0n, gasLimit: LIMITS.transactionGas };
  const { batch, claimed } = await lab.post([call], changing(PLACE, { writes: [] }));
  const finding = await lab.finding(claimed);
  if (finding.kind !== "wrong-checkpoint") throw new Error("no lie was found");
  return AccusedParts.of(lab, batch, finding.wrong);
}

type Sample = { readonly replayed: number; readonly gas: number; readonly dearest: Part; readonly mostBytes: number };
type Part = { readonly index: number; readonly gas: number; readonly bytes: number };

/** Replays some parts; what L1 says has to be what the twin does. */
async function sample(l1: SlicesL1, parts: TransactionSlices): Promise<Sample> {
  const every = Math.max(1, Math.floor(parts.length / BETWEEN));
  const wanted = Array.from({ length: parts.length }, (_, i) => i).filter(
    (i) => i < FIRST || i >= parts.length - LAST || i % every === 0,
  );
  const replayed: Part[] = [];
  for (const index of wanted) {
    const { told, gas, bytes } = await l1.replay(parts.proof(index));
    const expected = [parts.commitment(index), parts.commitment(index + 1)];
    if (told.toString() !== expected.toString()) throw new Error(`part ${index} leads elsewhere: ${told}`);
    replayed.push({ index, gas: Number(gas), bytes });
  }
  return {
    replayed: replayed.length,
    gas: replayed.reduce((sum, { gas }) => sum + gas, 0),
    dearest: replayed.reduce((most, part) => (part.gas > most.gas ? part : most)),
    mostBytes: Math.max(...replayed.map(({ bytes }) => bytes)),
  };
}

/** Convicts the poster by a part; what it took. */
async function convict(network: ReplayNetwork, of: AccusedParts, part: number): Promise<Record<string, number>> {
  const ask = await of.ask();
  const answerGas = await of.show(of.wrongFrom(part));
  const accusation = await of.accusation();
  if (accusation.kind !== "ready" || accusation.part?.number !== part)
    throw new Error(`part ${part} does not convict: ${accusation.kind}`);
  const { commit, prove, end } = await network.accuse(of.batch, accusation.call);
  if (end !== "proven") throw new Error(`the proof ended otherwise: ${end}`);
  const calldataGas = calldataGasOf(fromHex(accusation.call.data), prove);
  const totalGas = ask + commit + prove;
  return { totalGas, answerGas, executionGas: prove - TRANSACTION_GAS - calldataGas, calldataGas };
}

/** Measures what is dearest of each kind. */
export async function worstTransactions(
  report: (line: ResultLine) => void,
  note: (text: string) => void,
): Promise<void> {
  const l1 = await SlicesL1.open();
  const network = await ReplayNetwork.start(WORST.length + 1);
  try {
    for (const [name, program] of WORST) {
      note(`worst-${name}: posting a lie and cutting it`);
      const of = await lied(network, program);
      const { own, wrong } = of;
      note(`worst-${name}: replaying some of ${own.length} parts`);
      const { replayed, gas, dearest, mostBytes } = await sample(l1, own);
      note(`worst-${name}: proving part ${dearest.index}`);
      report({
        ...{ bench: "replay", workload: `worst-${name}`, ...(await convict(network, of, dearest.index)) },
        ...{ witnessBytes: dearest.bytes, steps: wrong.steps },
        gasPerStep: Math.round((gas * own.length) / replayed / wrong.steps),
        ...{ slices: own.length, replayed, dearestSliceGas: dearest.gas },
        ...{ mostSliceBytes: mostBytes, commitmentBytes: 32 * (own.length + 1) },
      });
    }
  } finally {
    await network.stop();
  }
}
