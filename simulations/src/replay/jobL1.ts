/** Messages of jobs on an L1 without a node: JobReplay.sol over the reads that a result states. */
import {
  type BlockEnvironment,
  encode,
  environmentWords,
  type Hash,
  isCodeOf,
  keccakHash,
  type OpenedOutcome,
  type StateEntry,
  type TransactionMessage,
  toHex,
  transactionMessageCodec,
} from "@mvm/protocol";
import type { Interface } from "ethers";
import { type LocalContract, LocalL1 } from "../localL1.ts";

type ReplayedMessage = {
  readonly end: bigint;
  readonly gasUsed: bigint;
  readonly logsHash: Hash;
  readonly writesHash: Hash;
};

/** What L1 says becomes of a message, by hashes as results have them; or why it says nothing. */
export type JobVerdict = ReplayedMessage | { readonly refused: string };

/** An outcome as a verdict tells it. */
export const verdictOf = ({ end, gasUsed, logsHash, writes }: OpenedOutcome): JobVerdict => ({
  end,
  gasUsed,
  logsHash,
  writesHash: keccakHash(writes),
});

/** Number of no read: nothing is left out. */
const NOTHING = 2n ** 256n - 1n;
const ROOMS = [
  { slotBits: 8, heapBytes: 65_536 },
  { slotBits: 12, heapBytes: 1_048_576 },
] as const;

/** What a replay is of. */
export type JobReplayOf = {
  readonly environment: BlockEnvironment;
  readonly message: TransactionMessage;
  readonly opened: Pick<OpenedOutcome, "gasBefore" | "reads">;
  /** codes among the reads */
  readonly codes: readonly Uint8Array[];
};

/** Codes that a message read, and that are of their hashes. */
export const codesIn = (reads: readonly StateEntry[]): readonly Uint8Array[] =>
  reads.flatMap((read) => (read.kind === "code" && isCodeOf(read) ? [read.value] : []));

export class JobL1 {
  readonly #l1: LocalL1;
  readonly #replay: LocalContract;
  readonly #abis: readonly Interface[];

  private constructor(l1: LocalL1, replay: LocalContract, abis: readonly Interface[]) {
    this.#l1 = l1;
    this.#replay = replay;
    this.#abis = abis;
  }

  static async open(): Promise<JobL1> {
    const l1 = await LocalL1.open();
    const interpreter = await l1.deploy("src/execution/Interpreter.sol");
    const replay = await l1.deploy("src/execution/JobReplay.sol", [interpreter.address]);
    return new JobL1(l1, replay, [interpreter.abi]);
  }

  /** Replays a message without one of its reads, in the least room that it fits. */
  async replay({ environment, message, opened, codes }: JobReplayOf, without: bigint = NOTHING): Promise<JobVerdict> {
    let verdict: JobVerdict = { refused: "OutOfRoom()" };
    for (const { slotBits, heapBytes } of ROOMS) {
      const evidence = [codes, [], slotBits, heapBytes];
      const args = [
        ...[environmentWords(environment), encode(transactionMessageCodec, message), opened.gasBefore],
        ...[opened.reads, without, evidence],
      ].map((value) => (value instanceof Uint8Array ? toHex(value) : value));
      const { end } = await this.#l1.call(this.#replay, "replay", args, { abis: this.#abis });
      if ("refused" in end) verdict = end;
      else {
        const [given] = end.values as unknown as [ReplayedMessage];
        verdict = { end: given.end, gasUsed: given.gasUsed, logsHash: given.logsHash, writesHash: given.writesHash };
      }
      if (!("refused" in verdict) || verdict.refused !== "OutOfRoom()") return verdict;
    }
    return verdict;
  }
}
