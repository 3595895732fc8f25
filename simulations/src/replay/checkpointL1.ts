/** Replays of whole transactions by the contracts of contracts/src/execution on an L1 without a node. */

import { type Evidence, encodeEvidence, roomsFor } from "@mvm/l1";
import type { BlockFacts } from "@mvm/node";
import { type Address, type Checkpoint, type Hash, type Hex, toHex, ZERO_HASH } from "@mvm/protocol";
import type { Interface } from "ethers";
import { type LocalCall, type LocalContract, LocalL1 } from "../localL1.ts";

/** What L1 says of a transaction: the checkpoint after it, or that it may not stand there; or the error in place of a verdict. */
export type L1Verdict = { readonly after: Checkpoint | "invalid" } | { readonly refused: string };

/** A verdict with what it took. */
export type L1Replay = {
  readonly verdict: L1Verdict;
  /** executed, without what the call's data cost */
  readonly gas: bigint;
  /** the call's data */
  readonly data: Uint8Array;
};

export class CheckpointL1 {
  readonly #l1: LocalL1;
  readonly #replay: LocalContract;
  readonly #abis: readonly Interface[];
  readonly #holders = new Map<Hash, Address | null>();
  /** bytes of the code of each contract by its name */
  readonly codeBytes: { readonly [name: string]: number };

  private constructor(l1: LocalL1, contracts: { readonly [name: string]: LocalContract }) {
    this.#l1 = l1;
    this.#replay = contracts["CheckpointReplay"]!;
    this.#abis = Object.values(contracts).map(({ abi }) => abi);
    this.codeBytes = Object.fromEntries(Object.entries(contracts).map(([name, { codeBytes }]) => [name, codeBytes]));
  }

  static async open(): Promise<CheckpointL1> {
    const l1 = await LocalL1.open();
    const folder = "src/execution";
    const interpreter = await l1.deploy(`${folder}/Interpreter.sol`);
    const manager = await l1.deploy(`${folder}/ExecutionManager.sol`, [interpreter.address]);
    const replay = await l1.deploy(`${folder}/CheckpointReplay.sol`, [manager.address]);
    const contracts = { Interpreter: interpreter, ExecutionManager: manager, CheckpointReplay: replay };
    return new CheckpointL1(l1, contracts);
  }

  /** Puts codes on L1, as anyone may: they are read from there from then on. */
  async hold(codes: Evidence["codes"]): Promise<void> {
    for (const { hash, code } of codes)
      if (!this.#holders.has(hash)) this.#holders.set(hash, await this.#l1.hold(code));
  }

  /**
   * Replays transaction `index` of a block, in the least room that it fits.
   * @param gasLimit of the transaction on L1; default: more than any
   */
  async replay(
    facts: BlockFacts,
    index: number,
    before: Before,
    raw: Uint8Array,
    evidence: Evidence,
    gasLimit?: bigint,
  ): Promise<L1Replay> {
    const { end, ...rest } = await this.#call(evidence, gasLimit, (encoded) => [
      "replay",
      [factsOf(facts), index, checkpointOf(before), toHex(raw), encoded],
    ]);
    return { verdict: "refused" in end ? end : { after: afterOf(end.values) }, ...rest };
  }

  /** Whether L1 sees that a transaction does not lead to a claimed checkpoint; or the error in place of a verdict. */
  async differs(
    facts: BlockFacts,
    before: Before,
    raw: Uint8Array,
    evidence: Evidence,
    claimed: Checkpoint,
  ): Promise<{ readonly isWrong: boolean } | { readonly refused: string }> {
    const { end } = await this.#call(evidence, undefined, (encoded) => [
      "differs",
      [factsOf(facts), checkpointOf(before), toHex(raw), encoded, claimed],
    ]);
    return "refused" in end ? end : { isWrong: end.values[0] === true };
  }

  async #call(
    evidence: Evidence,
    gasLimit: bigint | undefined,
    callWith: (encoded: Hex) => readonly [string, readonly unknown[]],
  ): Promise<LocalCall> {
    const options = { abis: this.#abis, ...(gasLimit === undefined ? {} : { gasLimit }) };
    let called: LocalCall | null = null;
    for (const room of roomsFor(evidence)) {
      const [name, args] = callWith(encodeEvidence(evidence, room, (hash) => this.#holders.get(hash) ?? null));
      called = await this.#l1.call(this.#replay, name, args, options);
      if (!("refused" in called.end) || called.end.refused !== "OutOfRoom()") break;
    }
    return called!;
  }
}

export type Before = Omit<Checkpoint, "index" | "receiptHash">;

export const factsOf = ({ chainId, number, parentHash, environment }: BlockFacts): readonly unknown[] => {
  const { timestamp, baseFeePerGas, prevRandao } = environment;
  return [chainId, number, timestamp, baseFeePerGas, prevRandao, parentHash];
};

export const checkpointOf = (before: Before): Checkpoint => ({ ...before, index: 0, receiptHash: ZERO_HASH });

function afterOf({ isValid, afterwards }: { readonly [name: string]: unknown }): Checkpoint | "invalid" {
  if (isValid !== true) return "invalid";
  const fields = afterwards as {
    readonly [K in keyof Checkpoint]: K extends "index" | "cumulativeGasUsed" ? bigint : Hash;
  };
  const { stateRoot, cumulativeGasUsed, receiptHash, transactionsRoot, receiptsRoot, bloomHash } = fields;
  const index = Number(fields.index);
  return { index, stateRoot, cumulativeGasUsed, receiptHash, transactionsRoot, receiptsRoot, bloomHash };
}
