import { createAddress, createEngine, type Engine, intrinsicGas, readTerms } from "@mvm/evm";
import {
  type Account,
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  fromHex,
  type Hash,
  type Hex,
  type IncludedOutcome,
  keccakHash,
  LIMITS,
  SYSTEM,
  type TransactionMessage,
  toHex,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { Interface } from "ethers";
import { MemoryState } from "../src/memoryState.ts";
import { type Compiled, compileContract } from "./compileContract.ts";
import { L1_BLOCK } from "./proofLab.ts";
import {
  type Given,
  ofKind,
  type Replayed,
  type ReplayOutcome,
  type Summary,
  summaryOf,
  summaryOfReplay,
} from "./replaySummary.ts";

/** L1 gas of a replay here: beyond what one transaction may have, so that long programs are compared too. */
const REPLAY_GAS = 10_000_000_000n;

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

/** A verdict, or the error in its place, as "Name(arguments)"; and the L1 gas that it took. */
export type Verdict = {
  readonly outcome: ReplayOutcome | null;
  readonly refused: string | null;
  readonly l1Gas: bigint;
};

/** The account before the message: a signer has paid and counted already. */
function preAccount({ message, gasPrice }: Replayed, { address, value }: Given<"account">): Account | null {
  if (address !== message.from) return value;
  const { balance = 0n, nonce = 0n, codeHash = EMPTY_CODE_HASH } = value ?? {};
  return { balance: balance - message.gasLimit * gasPrice, nonce: nonce + 1n, codeHash };
}

/** An odd number, any. */
const SALT = BigInt(keccakHash(fromHex("0x5a17"))) | 1n;

/** Where code stands on L1; null: it is handed in. */
type CodeSource = (hash: Hash) => Address | null;
type Room = { readonly heapBytes: number; readonly slotBits: number };

/** Rooms that are tried one after the other. */
const ROOMS: readonly Room[] = [
  { heapBytes: 4_096, slotBits: 5 },
  { heapBytes: 65_536, slotBits: 8 },
  { heapBytes: 1_048_576, slotBits: 12 },
];

/** Bits of a table with twice the room that its entries need, and some for those that are warm from the start. */
const bitsFor = (entries: number): number => Math.ceil(Math.log2(entries + 4)) + 1;

/** Arguments of `replay`. */
function argumentsOf(work: Replayed, codeSource: CodeSource, { heapBytes, slotBits }: Room): readonly unknown[] {
  const { environment, message, reads, denied, gas, gasPrice } = work;
  const codes = new Map(ofKind(reads, "code").map(({ hash, value }) => [hash, value]));
  const to = message.to ?? createAddress(message.from, message.nonce);
  const accounts = ofKind(reads, "account").map((read) => {
    const account = preAccount(work, read);
    const { nonce = 0n, balance = 0n, codeHash = ZERO_HASH, hasStorage = false } = account ?? {};
    const source = codeSource(codeHash);
    const code = source === null ? toHex(codes.get(codeHash) ?? new Uint8Array(0)) : "0x";
    const exists = account !== null;
    return {
      account: read.address,
      exists,
      hasStorage,
      nonce,
      balance,
      codeHash,
      codeSource: source ?? ZERO_ADDRESS,
      code,
    };
  });
  const slots = ofKind(reads, "slot").map(({ address, slot, value }) => ({ account: address, slot, value }));
  return [
    {
      timestamp: environment.timestamp,
      number: ofKind(reads, "number")[0]?.value ?? 0n,
      baseFee: environment.baseFeePerGas,
      gasLimit: environment.gasLimit,
      prevRandao: environment.prevRandao,
      chainId: ofKind(reads, "chainId")[0]?.value ?? 0n,
      coinbase: environment.feeRecipient,
      gasPrice,
      origin: message.from,
      denied,
    },
    { caller: message.from, to, isCreation: message.to === null, value: message.value, gas, data: toHex(message.data) },
    {
      accounts,
      slots,
      warmAccounts: message.accessList.map(({ address }) => address),
      warmSlots: message.accessList.flatMap(({ address, slots }) => slots.map((slot) => ({ account: address, slot }))),
      blockHashes: ofKind(reads, "blockHash").map(({ number, value }) => ({ number, hash: value })),
    },
    { accountBits: bitsFor(accounts.length + message.accessList.length), slotBits, heapBytes, salt: SALT },
  ];
}

/** The contract on an L1 of its own. */
export class ReplayLab {
  readonly #engine: Engine;
  readonly #abi: Interface;
  readonly #state: MemoryState;
  readonly interpreter: Address;
  readonly codeBytes: number;
  #nonce = 1n;

  private constructor(engine: Engine, state: MemoryState, compiled: Compiled, interpreter: Address) {
    this.#engine = engine;
    this.#state = state;
    this.#abi = new Interface(compiled.abi);
    this.interpreter = interpreter;
    this.codeBytes = compiled.evm.deployedBytecode.object.length / 2;
  }

  static async open(): Promise<ReplayLab> {
    const compiled = compileContract("src/execution/Interpreter.sol");
    const state = new MemoryState({ number: 1n, chainId: 1n, blockHash: () => ZERO_HASH });
    const engine = await createEngine({ chain: "ethereum" });
    const lab = new ReplayLab(engine, state, compiled, createAddress(SYSTEM, 0n));
    await lab.#deploy(0n, fromHex(`0x${compiled.evm.bytecode.object}`));
    return lab;
  }

  async #deploy(nonce: bigint, data: Uint8Array): Promise<void> {
    const message: TransactionMessage = { ...FREE, nonce, to: null, gasLimit: LIMITS.transactionGas, data };
    const environment = { ...L1_BLOCK, baseFeePerGas: 0n };
    const [outcome] = await this.#engine.execute(environment, [message], this.#state);
    if (outcome?.kind !== "included" || outcome.status !== 1) throw new Error("no deployment");
    this.#state.apply(outcome.writes);
  }

  /** Puts code on L1, to be read from there. Gives its address. */
  async register(code: Uint8Array): Promise<Address> {
    const nonce = this.#nonce++;
    const size = code.length.toString(16).padStart(4, "0");
    await this.#deploy(nonce, fromHex(`0x61${size}80600a5f395ff3${toHex(code).slice(2)}`));
    return createAddress(SYSTEM, nonce);
  }

  async #call(
    name: string,
    args: readonly unknown[],
  ): Promise<{ status: 0 | 1; returnData: Uint8Array; gasUsed: bigint; why: string }> {
    const data = fromHex(this.#abi.encodeFunctionData(name, args) as Hex);
    const message: TransactionMessage = { ...FREE, to: this.interpreter, gasLimit: REPLAY_GAS, data };
    const { status, returnData, gasUsed, failure } = await this.#engine.call(L1_BLOCK, message, this.#state);
    // Execution alone: not what the call's data cost.
    return {
      status,
      returnData,
      gasUsed: gasUsed - BigInt(intrinsicGas(message, this.#engine.rules).charge),
      why: String(failure),
    };
  }

  /** What a view of the contract says. */
  async ask(name: string, args: readonly unknown[]): Promise<unknown> {
    const { status, returnData, why } = await this.#call(name, args);
    if (status !== 1) throw new Error(`${name} fails: ${why} ${toHex(returnData)}`);
    return this.#abi.decodeFunctionResult(name, returnData)[0];
  }

  /** Replays a message, in the least room that it fits. */
  async replay(work: Replayed, codeSource: CodeSource = () => null): Promise<Verdict> {
    let verdict: Verdict = { outcome: null, refused: "OutOfRoom()", l1Gas: 0n };
    for (const room of ROOMS) {
      if (verdict.refused === "OutOfRoom()") verdict = await this.#replay(argumentsOf(work, codeSource, room));
    }
    return verdict;
  }

  async #replay(args: readonly unknown[]): Promise<Verdict> {
    const { status, returnData, gasUsed, why } = await this.#call("replay", args);
    if (status === 1) {
      const [outcome] = this.#abi.decodeFunctionResult("replay", returnData);
      return { outcome: outcome as ReplayOutcome, refused: null, l1Gas: gasUsed };
    }
    const error = this.#abi.parseError(toHex(returnData));
    const refused = error === null ? `${why} ${toHex(returnData)}` : `${error.name}(${error.args.join(",")})`;
    return { outcome: null, refused, l1Gas: gasUsed };
  }
}

/** A transaction through the engine and its message through the contract. */
export type Compared = {
  readonly engine: Summary;
  /** null where the contract refused */
  readonly replay: Summary | null;
  readonly verdict: Verdict;
  readonly work: Replayed;
  readonly outcome: IncludedOutcome;
};

/** Runs a transaction both ways on a state, which stays as it is; null: it is invalid. */
export async function compare(
  lab: ReplayLab,
  engine: Engine,
  {
    state,
    environment,
    message,
    codeSource,
  }: {
    readonly state: MemoryState;
    readonly environment: BlockEnvironment;
    readonly message: TransactionMessage;
    readonly codeSource?: CodeSource;
  },
): Promise<Compared | null> {
  const [outcome] = await engine.execute(environment, [message], state);
  if (outcome?.kind !== "included") return null;
  const { failure, returnData } = await engine.call(environment, message, state);
  const { denied } = await readTerms(state, message.from, 0n);
  const { charge, floor } = intrinsicGas(message, engine.rules);
  const tip = message.maxFeePerGas - environment.baseFeePerGas;
  const gasPrice =
    environment.baseFeePerGas + (tip < message.maxPriorityFeePerGas ? tip : message.maxPriorityFeePerGas);
  const gas = message.gasLimit - BigInt(charge);
  const work = { environment, message, denied, reads: outcome.reads, gas, gasPrice };
  const verdict = await lab.replay(work, codeSource);
  const end = outcome.status === 1 ? "success" : failure === "revert" ? "revert" : "halt";
  const summary = summaryOf(outcome, end, end === "halt" ? new Uint8Array(0) : returnData);
  const replay = verdict.outcome === null ? null : summaryOfReplay(work, verdict.outcome, BigInt(floor));
  return { engine: summary, replay, verdict, work, outcome };
}
