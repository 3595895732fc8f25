/** Replays of a transaction's parts by the contracts of contracts/src/execution/slices on an L1 without a node. */
import type { PartReplay } from "@mvm/l1";
import type { BlockFacts } from "@mvm/node";
import { fromHex, type Hash, type Hex, keccakHash } from "@mvm/protocol";
import { type LocalContract, LocalL1 } from "../localL1.ts";
import { type Before, checkpointOf, factsOf } from "./checkpointL1.ts";

/** What a proof comes to: the commitments before and after, or the error; the whole transaction's gas, its data's bytes. */
export type Replayed = { readonly told: readonly string[] | string; readonly gas: bigint; readonly bytes: number };

export class SlicesL1 {
  readonly #l1: LocalL1;
  readonly #contracts: ReadonlyMap<string, LocalContract>;

  private constructor(l1: LocalL1, contracts: ReadonlyMap<string, LocalContract>) {
    this.#l1 = l1;
    this.#contracts = contracts;
  }

  static async open(): Promise<SlicesL1> {
    const l1 = await LocalL1.open();
    const folder = "src/execution";
    const interpreter = await l1.deploy(`${folder}/Interpreter.sol`);
    const slices = await l1.deploy(`${folder}/slices/SliceInterpreter.sol`);
    const steps = await l1.deploy(`${folder}/slices/StepInterpreter.sol`, [interpreter.address]);
    const sliceTries = await l1.deploy(`${folder}/slices/SliceTries.sol`, [slices.address]);
    const stepTries = await l1.deploy(`${folder}/slices/SliceTries.sol`, [steps.address]);
    const sliceReplay = await l1.deploy(`${folder}/slices/SliceReplay.sol`, [sliceTries.address]);
    const stepReplay = await l1.deploy(`${folder}/slices/StepReplay.sol`, [stepTries.address]);
    const contracts = { SliceReplay: sliceReplay, StepReplay: stepReplay, SliceInterpreter: slices };
    const others = { StepInterpreter: steps, SliceTries: sliceTries, Interpreter: interpreter };
    return new SlicesL1(l1, new Map(Object.entries({ ...contracts, ...others })));
  }

  /** Bytes of code of each contract by its name. */
  get codeBytes(): ReadonlyMap<string, number> {
    return new Map([...this.#contracts].map(([name, { codeBytes }]) => [name, codeBytes]));
  }

  /** The commitment from which transaction `index` of a block starts. */
  async firstOf(facts: BlockFacts, index: number, before: Before, raw: Uint8Array): Promise<Hash> {
    const args = [factsOf(facts), index, checkpointOf(before), keccakHash(raw)];
    const { end } = await this.#l1.call(this.#contracts.get("StepReplay")!, "firstOf", args);
    if ("refused" in end) throw new Error(end.refused);
    return end.values[0] as Hash;
  }

  /** @param gasLimit of the transaction on L1; default: more than any */
  async replay({ by, proof }: PartReplay, gasLimit?: bigint): Promise<Replayed> {
    const contract = this.#contracts.get(by)!;
    let data: Uint8Array;
    try {
      data = fromHex(contract.abi.encodeFunctionData("replay", [proof]) as Hex);
    } catch (error) {
      // What the ABI cannot say nobody can hand in.
      return { told: `not encoded: ${String(error).slice(0, 80)}`, gas: 0n, bytes: 0 };
    }
    const abis = [...this.#contracts.values()].map(({ abi }) => abi);
    const { answer, transactionGas } = await this.#l1.send(contract, data, {
      abis,
      ...(gasLimit === undefined ? {} : { gasLimit }),
    });
    const shared = { gas: transactionGas, bytes: data.length };
    if (typeof answer === "string") return { told: answer, ...shared };
    const [before, afterwards] = contract.abi.decodeFunctionResult("replay", answer);
    return { told: [before, afterwards], ...shared };
  }
}
