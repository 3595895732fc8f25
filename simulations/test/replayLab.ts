import { createAddress, type Engine, intrinsicGas, readTerms } from "@mvm/evm";
import {
  type Account,
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  fromHex,
  type Hash,
  type IncludedOutcome,
  keccakHash,
  type TransactionMessage,
  toHex,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { type LocalContract, LocalL1 } from "../src/localL1.ts";
import type { MemoryState } from "../src/memoryState.ts";
import {
  type Given,
  ofKind,
  type Replayed,
  type ReplayOutcome,
  type Summary,
  summaryOf,
  summaryOfReplay,
} from "./replaySummary.ts";

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
  const slots = ofKind(reads, "slot").map(({ address, slot, value }) => ({
    account: address,
    slot,
    value,
    original: value,
  }));
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
  readonly #l1: LocalL1;
  readonly #interpreter: LocalContract;

  private constructor(l1: LocalL1, interpreter: LocalContract) {
    this.#l1 = l1;
    this.#interpreter = interpreter;
  }

  static async open(): Promise<ReplayLab> {
    const l1 = await LocalL1.open();
    return new ReplayLab(l1, await l1.deploy("src/execution/Interpreter.sol"));
  }

  get codeBytes(): number {
    return this.#interpreter.codeBytes;
  }

  /** Puts code on L1, to be read from there. Gives its address; null where L1 takes no such code. */
  register(code: Uint8Array): Promise<Address | null> {
    return this.#l1.hold(code);
  }

  /** What a view of the contract says. */
  async ask(name: string, args: readonly unknown[]): Promise<unknown> {
    const { end } = await this.#l1.call(this.#interpreter, name, args);
    if ("refused" in end) throw new Error(`${name} fails: ${end.refused}`);
    return end.values[0];
  }

  /** Replays a message, in the least room that it fits. */
  async replay(work: Replayed, codeSource: CodeSource = () => null): Promise<Verdict> {
    let verdict: Verdict = { outcome: null, refused: "OutOfRoom()", l1Gas: 0n };
    for (const room of ROOMS) {
      if (verdict.refused !== "OutOfRoom()") break;
      const { end, gas: l1Gas } = await this.#l1.call(this.#interpreter, "replay", argumentsOf(work, codeSource, room));
      if ("refused" in end) verdict = { outcome: null, refused: end.refused, l1Gas };
      else verdict = { outcome: end.values[0] as ReplayOutcome, refused: null, l1Gas };
    }
    return verdict;
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
