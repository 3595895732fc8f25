/** Libraries of contracts/src, compiled with a harness of contracts/test that makes calls of them, and called on the engine by L1's rules. */
import type { CallResult, Engine } from "@mvm/evm";
import {
  type Account,
  type Address,
  type BlockEnvironment,
  fromHex,
  GENESIS_BASE_FEE,
  HEADER_CONSTANTS,
  type Hex,
  keccakHash,
  LIMITS,
  type StateReader,
  SYSTEM,
  toAddress,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { Interface, type Result } from "ethers";
import { type Compiled, compileContract } from "../src/compileContract.ts";
import { ethereumEngine } from "../src/ethereumEngine.ts";

const READER = toAddress("0x00000000000000000000000000000000000f2001");

/** A block of L1. */
export const L1_BLOCK: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: GENESIS_BASE_FEE,
  gasLimit: LIMITS.blockGas,
  prevRandao: ZERO_HASH,
  feeRecipient: HEADER_CONSTANTS.beneficiary,
};

/** What a call gave: its values, or the custom error that it reverted with, as "Name(arguments)". */
export type Verdict = { readonly values: Result } | { readonly refused: string };

export class ProofLab {
  readonly #engine: Engine;
  readonly #abi: Interface;
  readonly #reader: StateReader;

  private constructor(engine: Engine, { abi, evm }: Compiled, others: ReadonlyMap<Address, Uint8Array>) {
    this.#engine = engine;
    this.#abi = new Interface(abi);
    const codes = new Map([...others, [READER, fromHex(`0x${evm.deployedBytecode.object}`)]]);
    const byHash = new Map([...codes.values()].map((code) => [keccakHash(code), code]));
    const accountOf = (code: Uint8Array): Account => ({ nonce: 1n, balance: 0n, codeHash: keccakHash(code) });
    this.#reader = {
      account: (address) => (codes.has(address) ? accountOf(codes.get(address)!) : null),
      slot: () => 0n,
      code: (hash) => byHash.get(hash)!,
      number: () => 1n,
      chainId: () => 1n,
      blockHash: () => ZERO_HASH,
    };
  }

  /**
   * @param source path of the harness in contracts/
   * @param others codes of other contracts by their addresses
   */
  static async open(
    source = "test/proofs/ProofReader.sol",
    others: ReadonlyMap<Address, Uint8Array> = new Map(),
  ): Promise<ProofLab> {
    return new ProofLab(await ethereumEngine("osaka"), compileContract(source), others);
  }

  #run(data: Hex): Promise<CallResult> {
    const rest = { type: 2, nonce: 0n, gasLimit: LIMITS.transactionGas, accessList: [], authorizations: [] } as const;
    const fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, l1Fee: 0n };
    const message = { from: SYSTEM, to: READER, value: 0n, data: fromHex(data), ...rest, ...fees };
    return this.#engine.call(L1_BLOCK, message, this.#reader);
  }

  /** Calls a function of the harness. Throws where it fails otherwise than by a custom error. */
  async ask(name: string, args: readonly unknown[]): Promise<Verdict> {
    return (await this.measure(name, args)).verdict;
  }

  /** The same, with the gas of the whole L1 transaction. */
  async measure(name: string, args: readonly unknown[]): Promise<{ verdict: Verdict; gasUsed: bigint }> {
    const { status, returnData, failure, gasUsed } = await this.#run(this.#abi.encodeFunctionData(name, args) as Hex);
    if (status === 1) return { verdict: { values: this.#abi.decodeFunctionResult(name, returnData) }, gasUsed };
    const error = returnData.length < 4 ? null : this.#abi.parseError(toHex(returnData));
    if (error === null) throw new Error(`${name} fails without a custom error: ${failure} ${toHex(returnData)}`);
    return { verdict: { refused: `${error.name}(${error.args.join(",")})` }, gasUsed };
  }

  /** The values that a function of the harness gives. Throws where it refuses. */
  async tell(name: string, args: readonly unknown[]): Promise<Result> {
    const verdict = await this.ask(name, args);
    if ("refused" in verdict) throw new Error(`${name} refuses: ${verdict.refused}`);
    return verdict.values;
  }
}
