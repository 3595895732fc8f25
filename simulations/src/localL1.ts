/** An L1 without a node: contracts of contracts/src on the engine by Ethereum's rules, for what no transaction of L1 could run. */
import { createAddress, createEngine, type Engine, intrinsicGas } from "@mvm/evm";
import {
  type Address,
  type BlockEnvironment,
  fromHex,
  HEADER_CONSTANTS,
  type Hex,
  LIMITS,
  SYSTEM,
  type TransactionMessage,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { Interface, type Result } from "ethers";
import { type Compiled, compileContract } from "./compileContract.ts";
import { MemoryState } from "./memoryState.ts";

/** Gas of a call: beyond what one transaction may have, so that long programs are compared too. */
const CALL_GAS = 100_000_000_000n;

const BLOCK: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: 0n,
  gasLimit: LIMITS.blockGas,
  prevRandao: ZERO_HASH,
  feeRecipient: HEADER_CONSTANTS.beneficiary,
};

/** A message that pays nothing. */
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

/** A contract that was deployed. */
export type LocalContract = { readonly address: Address; readonly abi: Interface; readonly codeBytes: number };

/** What a call gave: its values, or the custom error that it reverted with, as "Name(arguments)", or how it failed else. */
type CallEnd = { readonly values: Result } | { readonly refused: string };

/** A call with its gas, executed without what its data cost, and its data. */
export type LocalCall = { readonly end: CallEnd; readonly gas: bigint; readonly data: Uint8Array };

/** What a call gave back, or how it failed; its gas without what its data cost, and that of the whole transaction. */
export type LocalAnswer = {
  readonly answer: Uint8Array | string;
  readonly gas: bigint;
  readonly transactionGas: bigint;
};

export type CallOptions = {
  /** of other contracts whose errors may come through */
  readonly abis?: readonly Interface[];
  /** of the whole transaction */
  readonly gasLimit?: bigint;
};

export class LocalL1 {
  readonly #engine: Engine;
  readonly #state = new MemoryState({ number: 1n, chainId: 1n, blockHash: () => ZERO_HASH });
  #nonce = 0n;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  static async open(): Promise<LocalL1> {
    return new LocalL1(await createEngine({ chain: "ethereum" }));
  }

  async #create(data: Uint8Array): Promise<Address> {
    const nonce = this.#nonce++;
    const message: TransactionMessage = { ...FREE, nonce, to: null, gasLimit: LIMITS.transactionGas, data };
    const [outcome] = await this.#engine.execute(BLOCK, [message], this.#state);
    if (outcome?.kind !== "included" || outcome.status !== 1) throw new Error("a contract cannot be deployed");
    this.#state.apply(outcome.writes);
    return createAddress(SYSTEM, nonce);
  }

  /** Compiles and deploys a contract of contracts/src by the path in contracts/ of the file that has its name. */
  async deploy(source: string, args: readonly unknown[] = []): Promise<LocalContract> {
    const { abi, evm }: Compiled = compileContract(source);
    const typed = new Interface(abi);
    const address = await this.#create(fromHex(`0x${evm.bytecode.object}${typed.encodeDeploy(args).slice(2)}`));
    return { address, abi: typed, codeBytes: evm.deployedBytecode.object.length / 2 };
  }

  /** Makes a contract that has a code. Null for code that no contract of L1 can have (EIP-3541, or none at all). */
  async hold(code: Uint8Array): Promise<Address | null> {
    if (code.length === 0 || code[0] === 0xef) return null;
    const size = code.length.toString(16).padStart(4, "0");
    return this.#create(fromHex(`0x61${size}80600a5f395ff3${toHex(code).slice(2)}`));
  }

  /** Calls a function; nothing changes by it. */
  async call(
    contract: LocalContract,
    name: string,
    args: readonly unknown[],
    options: CallOptions = {},
  ): Promise<LocalCall> {
    const data = fromHex(contract.abi.encodeFunctionData(name, args) as Hex);
    const { answer, gas } = await this.send(contract, data, options);
    if (typeof answer === "string") return { end: { refused: answer }, gas, data };
    return { end: { values: contract.abi.decodeFunctionResult(name, answer) }, gas, data };
  }

  /** Calls a contract with data as they are; nothing changes by it. */
  async send(
    contract: LocalContract,
    data: Uint8Array,
    { abis = [], gasLimit = CALL_GAS }: CallOptions = {},
  ): Promise<LocalAnswer> {
    const message: TransactionMessage = { ...FREE, to: contract.address, gasLimit, data };
    const { status, returnData, gasUsed, failure } = await this.#engine.call(BLOCK, message, this.#state);
    const { charge } = intrinsicGas(message, this.#engine.rules);
    const measured = { gas: gasUsed - BigInt(charge), transactionGas: gasUsed };
    if (status === 1) return { answer: returnData, ...measured };
    for (const abi of [contract.abi, ...abis]) {
      const error = returnData.length < 4 ? null : abi.parseError(toHex(returnData));
      if (error !== null) return { answer: `${error.name}(${error.args.join(",")})`, ...measured };
    }
    return { answer: `${failure} ${toHex(returnData)}`, ...measured };
  }
}
