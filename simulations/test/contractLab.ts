/** One contract on an L1 of its own, deployed by its constructor, and called without a bound on gas. */
import { createAddress, createEngine, type Engine, intrinsicGas } from "@mvm/evm";
import {
  type Address,
  fromHex,
  type Hex,
  joinBytes,
  LIMITS,
  SYSTEM,
  type TransactionMessage,
  toHex,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import { Interface } from "ethers";
import { type Compiled, compileContract } from "../src/compileContract.ts";
import { MemoryState } from "../src/memoryState.ts";
import { L1_BLOCK } from "./proofLab.ts";

/** L1 gas of a call here: beyond what one transaction may have, so that what is too dear is compared too. */
const CALL_GAS = 10_000_000_000n;

/** A message on L1 that pays nothing. */
const FREE = {
  type: 2,
  from: SYSTEM,
  nonce: 0n,
  maxFeePerGas: 0n,
  maxPriorityFeePerGas: 0n,
  l1Fee: 0n,
  value: 0n,
  accessList: [],
  authorizations: [],
} as const;

export type Called = {
  readonly status: 0 | 1;
  readonly returnData: Uint8Array;
  /** of the execution alone: not what the call's data cost */
  readonly gasUsed: bigint;
  /** of the whole transaction */
  readonly transactionGas: bigint;
  readonly why: string;
};

async function deploy(engine: Engine, state: MemoryState, data: Uint8Array): Promise<Address> {
  const nonce = state.account(SYSTEM)?.nonce ?? 0n;
  const message: TransactionMessage = { ...FREE, nonce, to: null, gasLimit: LIMITS.transactionGas, data };
  const [outcome] = await engine.execute({ ...L1_BLOCK, baseFeePerGas: 0n }, [message], state);
  if (outcome?.kind !== "included" || outcome.status !== 1) throw new Error("no deployment");
  state.apply(outcome.writes);
  return createAddress(SYSTEM, nonce);
}

export class ContractLab {
  readonly #engine: Engine;
  readonly abi: Interface;
  readonly #state: MemoryState;
  readonly contract: Address;
  readonly codeBytes: number;

  private constructor(engine: Engine, state: MemoryState, compiled: Compiled, contract: Address) {
    this.#engine = engine;
    this.#state = state;
    this.abi = new Interface(compiled.abi);
    this.contract = contract;
    this.codeBytes = compiled.evm.deployedBytecode.object.length / 2;
  }

  /** @param source path of the contract in contracts/ */
  static async open(source: string): Promise<ContractLab> {
    const state = new MemoryState({ number: 1n, chainId: 1n, blockHash: () => ZERO_HASH });
    return ContractLab.#made(await createEngine({ chain: "ethereum" }), state, source, []);
  }

  /** Another contract on the same L1, made with addresses. */
  beside(source: string, addresses: readonly Address[]): Promise<ContractLab> {
    return ContractLab.#made(this.#engine, this.#state, source, addresses);
  }

  static async #made(
    engine: Engine,
    state: MemoryState,
    source: string,
    addresses: readonly Address[],
  ): Promise<ContractLab> {
    const compiled = compileContract(source);
    const initcode = joinBytes([
      fromHex(`0x${compiled.evm.bytecode.object}`),
      ...addresses.map((address) => toWord(BigInt(address))),
    ]);
    return new ContractLab(engine, state, compiled, await deploy(engine, state, initcode));
  }

  /** Puts code on L1, to be read from there. Gives its address. */
  register(code: Uint8Array): Promise<Address> {
    const size = code.length.toString(16).padStart(4, "0");
    return deploy(this.#engine, this.#state, fromHex(`0x61${size}80600a5f395ff3${toHex(code).slice(2)}`));
  }

  /** Calls the contract with data as they are. */
  async send(data: Uint8Array): Promise<Called> {
    const message: TransactionMessage = { ...FREE, to: this.contract, gasLimit: CALL_GAS, data };
    const { status, returnData, gasUsed, failure } = await this.#engine.call(L1_BLOCK, message, this.#state);
    const charge = BigInt(intrinsicGas(message, this.#engine.rules).charge);
    return { status, returnData, gasUsed: gasUsed - charge, transactionGas: gasUsed, why: String(failure) };
  }

  call(name: string, args: readonly unknown[]): Promise<Called> {
    return this.send(fromHex(this.abi.encodeFunctionData(name, args) as Hex));
  }

  /** The custom error that a call ended in, as "Name(arguments)". */
  refusal({ returnData, why }: Called): string {
    const error = returnData.length < 4 ? null : this.abi.parseError(toHex(returnData));
    return error === null ? `${why} ${toHex(returnData)}` : `${error.name}(${error.args.join(",")})`;
  }
}
