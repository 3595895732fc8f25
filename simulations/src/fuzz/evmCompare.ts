/** Runs a case through the engine and through anvil, transaction by transaction, and says where they part. */
import type { CallResult, Engine } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  type BlockEnvironment,
  decodeTransaction,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  keccakHash,
  type Log,
  type Outcome,
  type Transaction,
  TransactionError,
  type TransactionMessage,
  toAddress,
  toHash,
  toHex,
  toMessage,
  toWordHex,
} from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";
import { MemoryState } from "../memoryState.ts";
import {
  type Answer,
  type AnvilPeer,
  BLOCK_GAS_LIMIT,
  CHAIN_ID,
  GENESIS_NUMBER,
  GENESIS_TIMESTAMP,
  type Request,
} from "./anvilPeer.ts";
import {
  bytesOf,
  type CaseAccount,
  type CaseTransaction,
  type EvmCase,
  encodeTransaction,
  worldWrites,
} from "./evmCase.ts";
import { dumpDifferences } from "./evmStateDump.ts";

const BLOCK_SECONDS = 12n;
const LAST_NONCE = (1n << 64n) - 1n;
/** EIP-2935: where the parent's hash is written at the start of each block */
const HISTORY = toAddress("0x0000f90827f1c53a10cb7a02335b175320002935");
const HISTORY_CODE = fromHex(
  "0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500",
);
const HISTORY_WINDOW = 8_191n;
const HISTORY_ACCOUNT: CaseAccount = { address: HISTORY, nonce: 0n, balance: 0n, code: [HISTORY_CODE], slots: [] };

/** The engine, as far as a comparison needs it. */
export type EngineUnderTest = Pick<Engine, "execute" | "call">;

/** Where the two part. */
export type Difference = {
  /** index of the transaction; -1: the world before the first */
  readonly transaction: number;
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  /** of the state: the values that differ; of a refusal: why */
  readonly details?: readonly string[];
};

type Block = {
  readonly number: string;
  readonly timestamp: string;
  readonly mixHash: string;
  readonly baseFeePerGas: string;
  readonly gasLimit: string;
  readonly miner: string;
  readonly hash: string;
  readonly stateRoot: string;
  readonly transactions: readonly string[];
};
type Receipt = {
  readonly status: string;
  readonly gasUsed: string;
  readonly logs: readonly { address: string; topics: readonly string[]; data: string }[];
};

type Mined = {
  readonly block: Block;
  readonly receipt: Receipt | null;
  /** why the pool did not take the transaction */
  readonly refusal: string | null;
  /** what the call upon the state before gave */
  readonly returned: Answer;
};

const NONE = new Uint8Array(0);
/** What becomes of a transaction that is none. */
const UNDECODED: Outcome = { kind: "invalid", reason: "type-not-supported", reads: [] };

const quantity = (value: bigint): string => `0x${value.toString(16)}`;

/** What revm's database in memory says of blocks that it does not have. */
const hashBeforeGenesis = (number: bigint): Hash => keccakHash(new TextEncoder().encode(number.toString()));

/** The world on our side: values, trie, and the hashes of the chain that anvil makes. */
class OurWorld {
  readonly state: MemoryState;
  readonly #trie = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  readonly hashes = new Map<bigint, Hash>();

  constructor(accounts: readonly CaseAccount[]) {
    const blockHash = (number: bigint): Hash => this.hashes.get(number) ?? hashBeforeGenesis(number);
    this.state = new MemoryState({ number: GENESIS_NUMBER, chainId: CHAIN_ID, blockHash });
    this.apply(worldWrites([...accounts, HISTORY_ACCOUNT]));
  }

  apply(writes: readonly AccountWrite[]): void {
    this.state.apply(writes);
    this.#trie.applyWrites(writes);
  }

  root(): Hash {
    return this.#trie.root();
  }

  /** What anvil does at the start of a block. */
  enter(block: Block): void {
    const number = BigInt(block.number);
    this.state.chain = { ...this.state.chain, number };
    const slot = toWordHex((number - 1n) % HISTORY_WINDOW);
    const account = this.state.account(HISTORY)!;
    const parent = BigInt(this.hashes.get(number - 1n)!);
    this.apply([{ address: HISTORY, account, code: null, slots: [{ slot, value: parent }] }]);
  }
}

function loadRequests({ accounts, feeRecipient }: EvmCase): Request[] {
  const requests: Request[] = [["anvil_setCoinbase", [feeRecipient]]];
  for (const { address, nonce, balance, code, slots } of accounts) {
    requests.push(["anvil_setBalance", [address, quantity(balance)]], ["anvil_setNonce", [address, quantity(nonce)]]);
    if (code.length !== 0) requests.push(["anvil_setCode", [address, toHex(bytesOf(code))]]);
    for (const { slot, value } of slots)
      requests.push(["anvil_setStorageAt", [address, toWordHex(slot), toWordHex(value)]]);
  }
  return requests;
}

function environmentOf(block: Block): BlockEnvironment {
  return {
    timestamp: BigInt(block.timestamp),
    baseFeePerGas: BigInt(block.baseFeePerGas),
    gasLimit: BigInt(block.gasLimit),
    prevRandao: toHash(block.mixHash),
    feeRecipient: toAddress(block.miner),
  };
}

function logText(logs: readonly Log[]): string {
  return JSON.stringify(logs.map(({ address, topics, data }) => [address, topics, toHex(data)]));
}

function peerLogs({ logs }: Receipt): string {
  return JSON.stringify(logs.map(({ address, topics, data }) => [address.toLowerCase(), topics, data]));
}

/** What became of a transaction, in words to compare: "refused", or status, gas and logs. */
function ourOutcome(outcome: Outcome): Record<string, string> {
  if (outcome.kind === "invalid") return { inclusion: "refused" };
  const { status, gasUsed, logs } = outcome;
  return { inclusion: "included", status: String(status), gas: String(gasUsed), logs: logText(logs) };
}

function peerOutcome(receipt: Receipt | null): Record<string, string> {
  if (receipt === null) return { inclusion: "refused" };
  const { status, gasUsed } = receipt;
  return {
    inclusion: "included",
    status: String(BigInt(status)),
    gas: String(BigInt(gasUsed)),
    logs: peerLogs(receipt),
  };
}

function firstDifference(
  transaction: number,
  ours: Record<string, string>,
  theirs: Record<string, string>,
): Difference | null {
  for (const what of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    if (ours[what] !== theirs[what])
      return { transaction, what, ours: ours[what] ?? "nothing", theirs: theirs[what] ?? "nothing" };
  }
  return null;
}

/** A transaction as a call upon the state before it: no price, so that only what runs is compared. */
function callRequest(transaction: Transaction): object {
  const { from, to, gasLimit, value, data, accessList, authorizations, type } = transaction;
  return {
    from,
    ...(to === null ? {} : { to }),
    gas: quantity(gasLimit),
    value: quantity(value),
    input: toHex(data),
    ...(type === 0 ? {} : { accessList: accessList.map(({ address, slots }) => ({ address, storageKeys: slots })) }),
    ...(type !== 4
      ? {}
      : {
          authorizationList: authorizations.map(({ chainId, address, nonce, yParity, r, s }) => ({
            chainId: quantity(chainId),
            address,
            nonce: quantity(nonce),
            yParity: quantity(BigInt(yParity)),
            r: quantity(r),
            s: quantity(s),
          })),
        }),
  };
}

function ourReturn({ failure, returnData }: CallResult): Record<string, string> {
  const end = failure === null ? "success" : failure === "revert" ? "revert" : "halt";
  return { "end of the call": end, "return data": end === "halt" ? "0x" : toHex(returnData) };
}

function peerReturn({ result, error }: Answer): Record<string, string> {
  if (error === undefined) return { "end of the call": "success", "return data": String(result) };
  const end = error.message.includes("execution reverted") ? "revert" : "halt";
  return { "end of the call": end, "return data": end === "revert" ? String(error.data ?? "0x") : "0x" };
}

/** One case in the making on both sides. */
class Comparison {
  readonly #engine: EngineUnderTest;
  readonly #peer: AnvilPeer;
  readonly #case: EvmCase;
  readonly #world: OurWorld;
  #latest: Block;
  #timestamp = GENESIS_TIMESTAMP;

  constructor(engine: EngineUnderTest, peer: AnvilPeer, evmCase: EvmCase, genesis: Block) {
    this.#engine = engine;
    this.#peer = peer;
    this.#case = evmCase;
    this.#world = new OurWorld(evmCase.accounts);
    this.#latest = genesis;
    this.#world.hashes.set(BigInt(genesis.number), genesis.hash as Hash);
  }

  /** Mines a block, with a transaction if there is one, which may have been called upon the state before. */
  async #mine(raw: Uint8Array | null, call: Transaction | null): Promise<Mined> {
    this.#timestamp += BLOCK_SECONDS;
    const requests: Request[] = [
      ["evm_setNextBlockTimestamp", [Number(this.#timestamp)]],
      ["anvil_setNextBlockBaseFeePerGas", [quantity(this.#case.baseFeePerGas)]],
      ["eth_call", [call === null ? {} : callRequest(call), "latest"]],
    ];
    if (raw !== null) requests.push(["eth_sendRawTransaction", [toHex(raw)]]);
    const [, , returned, sent] = await this.#peer.batch(requests);
    await this.#peer.ask("evm_mine", []);
    const [block, receipt] = (await this.#peer.results([
      ["eth_getBlockByNumber", ["latest", false]],
      ["eth_getTransactionReceipt", [keccakHash(raw ?? NONE)]],
      ["anvil_dropAllTransactions", []],
    ])) as [Block, Receipt | null];
    this.#latest = block;
    return { block, receipt, refusal: sent?.error?.message ?? null, returned: returned! };
  }

  #message(raw: Uint8Array): { transaction: Transaction; message: TransactionMessage } | null {
    try {
      const transaction = decodeTransaction(raw, CHAIN_ID);
      return { transaction, message: toMessage(transaction, 0n) };
    } catch (error) {
      if (error instanceof TransactionError) return null;
      throw error;
    }
  }

  /**
   * The whole state by its root; where the roots differ, value by value. anvil's trie also holds what has no place in
   * one: slots that are zero, and accounts that a transaction touched and left empty, which EIP-161 removes.
   */
  async #compareState(index: number, block: Block): Promise<Difference | null> {
    const root = this.#world.root();
    if (root === block.stateRoot) return null;
    const details = await dumpDifferences(this.#world.state, this.#peer);
    if (details.length === 0) return null;
    return { transaction: index, what: "state", ours: root, theirs: block.stateRoot, details };
  }

  /**
   * Whether anvil runs a transaction as a call: not with more gas than a block has, and a creation by an account at the
   * last nonce it calls a success without running it (as a transaction it is invalid, EIP-2681).
   */
  #isCallable({ from, to, gasLimit }: TransactionMessage): boolean {
    const isSpent = to === null && this.#world.state.account(from)?.nonce === LAST_NONCE;
    return gasLimit <= BLOCK_GAS_LIMIT && !isSpent;
  }

  /** The transaction as a call on the state before it, without a price: end and return data. */
  async #callOurs(message: TransactionMessage): Promise<CallResult> {
    const free = { ...message, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
    return this.#engine.call(environmentOf(this.#latest), free, this.#world.state);
  }

  async transaction(index: number, given: CaseTransaction): Promise<Difference | null> {
    const raw = encodeTransaction(given, (address: Address) => this.#world.state.account(address)?.nonce ?? 0n);
    const decoded = this.#message(raw);
    const called = decoded !== null && this.#isCallable(decoded.message) ? decoded : null;
    const ourCall = called === null ? null : await this.#callOurs(called.message);
    const { block, receipt, refusal, returned } = await this.#mine(raw, called?.transaction ?? null);
    if (ourCall !== null) {
      const difference = firstDifference(index, ourReturn(ourCall), peerReturn(returned));
      if (difference !== null) return difference;
    }
    this.#world.enter(block);
    const outcome = decoded === null ? UNDECODED : await this.#execute(block, decoded.message);
    if (outcome.kind === "included") this.#world.apply(outcome.writes);
    this.#world.hashes.set(BigInt(block.number), block.hash as Hash);
    const difference = firstDifference(index, ourOutcome(outcome), peerOutcome(receipt));
    if (difference === null) return this.#compareState(index, block);
    const why = outcome.kind === "invalid" ? outcome.reason : refusal;
    return why === null ? difference : { ...difference, details: [why] };
  }

  async #execute(block: Block, message: TransactionMessage): Promise<Outcome> {
    const [outcome] = await this.#engine.execute(environmentOf(block), [message], this.#world.state);
    return outcome!;
  }

  /** A first block without transactions: both worlds are the same before anything runs. */
  async start(): Promise<Difference | null> {
    const { block } = await this.#mine(null, null);
    this.#world.enter(block);
    this.#world.hashes.set(BigInt(block.number), block.hash as Hash);
    return this.#compareState(-1, block);
  }
}

/** Where engine and anvil part on a case; null: nowhere. anvil is as before when it is done. */
export async function compareCase(
  engine: EngineUnderTest,
  peer: AnvilPeer,
  evmCase: EvmCase,
): Promise<Difference | null> {
  const [snapshot, genesis] = await peer.results([
    ["evm_snapshot", []],
    ["eth_getBlockByNumber", ["latest", false]],
  ]);
  await peer.results(loadRequests(evmCase));
  const comparison = new Comparison(engine, peer, evmCase, genesis as Block);
  try {
    let difference = await comparison.start();
    for (let i = 0; difference === null && i < evmCase.transactions.length; i++)
      difference = await comparison.transaction(i, evmCase.transactions[i]!);
    return difference;
  } finally {
    await peer.ask("evm_revert", [snapshot]);
  }
}
