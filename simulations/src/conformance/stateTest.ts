/** One public state test (ethereum/tests and execution-spec-tests, GeneralStateTests) through the engine. */
import type { Engine, HardforkName } from "@mvm/evm";
import {
  type AccountWrite,
  addressOf,
  type BlockEnvironment,
  decodeTransaction,
  EMPTY_TRIE_ROOT,
  encodeRlp,
  fromHex,
  type Hash,
  keccakHash,
  type Log,
  type RecoveredAuthorization,
  TransactionError,
  type TransactionMessage,
  toAddress,
  toHash,
  toMessage,
  toWordHex,
} from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";
import { MemoryState } from "../memoryState.ts";

const CHAIN_ID = 1n;

export type Post = {
  readonly hash: string;
  readonly logs: string;
  readonly indexes: { readonly data: number; readonly gas: number; readonly value: number };
  readonly txbytes?: string;
  readonly expectException?: string;
};

type TestAccount = {
  readonly nonce: string;
  readonly balance: string;
  readonly code: string;
  readonly storage: Readonly<Record<string, string>>;
};

export type StateTest = {
  readonly env: Readonly<Record<string, string>>;
  readonly pre: Readonly<Record<string, TestAccount>>;
  readonly transaction: Readonly<Record<string, unknown>> & {
    readonly data: readonly string[];
    readonly gasLimit: readonly string[];
    readonly value: readonly string[];
    readonly accessLists?: readonly (readonly { address: string; storageKeys: readonly string[] }[] | null)[];
  };
  readonly post: Readonly<Record<string, readonly Post[]>>;
};

/** What became of a case: `fault` null where all is as it should be, else what is not. */
export type CaseResult = { readonly skipped: string } | { readonly fault: string | null };

const FORKS: Readonly<Record<string, HardforkName>> = {
  Merge: "paris",
  Paris: "paris",
  Shanghai: "shanghai",
  Cancun: "cancun",
  Prague: "prague",
  Osaka: "osaka",
};

/** The engine's name of a suite's fork; null: one that it does not know. */
export const hardforkOf = (fork: string): HardforkName | null => FORKS[fork] ?? null;

/** A number as the suites write it. */
export const numberIn = (text: string): bigint => BigInt(text === "" || text === "0x" ? "0x0" : text);

function textField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" ? value : undefined;
}

/** The test's world as writes upon nothing. */
export function worldWrites({ pre }: StateTest): AccountWrite[] {
  return Object.entries(pre).map(([address, { nonce, balance, code, storage }]) => {
    const bytes = fromHex(code);
    const slots = Object.entries(storage)
      .map(([slot, value]) => ({ slot: toWordHex(numberIn(slot)), value: numberIn(value) }))
      .filter(({ value }) => value !== 0n);
    return {
      address: toAddress(address),
      account: {
        nonce: numberIn(nonce),
        balance: numberIn(balance),
        codeHash: keccakHash(bytes),
        ...(slots.length !== 0 && bytes.length === 0 && numberIn(nonce) === 0n ? { hasStorage: true as const } : {}),
      },
      code: bytes.length === 0 ? null : bytes,
      slots,
    };
  });
}

/** EIP-7702 authorisations, read from the signed encoding that suites with such transactions give. */
function authorizationsOf(transaction: StateTest["transaction"], post: Post): readonly RecoveredAuthorization[] {
  if (transaction["authorizationList"] === undefined) return [];
  return toMessage(decodeTransaction(fromHex(post.txbytes ?? "0x"), CHAIN_ID), 0n).authorizations;
}

/** A case's message. Throws TransactionError where its authorisations are in no encoding of this chain. */
export function messageOfTest({ transaction }: StateTest, post: Post): TransactionMessage {
  const { indexes } = post;
  const list = transaction.accessLists?.[indexes.data];
  const highest = textField(transaction, "maxFeePerGas");
  const price = numberIn(highest ?? textField(transaction, "gasPrice")!);
  const tip = textField(transaction, "maxPriorityFeePerGas");
  const to = textField(transaction, "to") ?? "";
  const sender = textField(transaction, "sender");
  const isDelegating = transaction["authorizationList"] !== undefined;
  return {
    type: isDelegating ? 4 : highest !== undefined ? 2 : list == null ? 0 : 1,
    from: sender === undefined ? addressOf(fromHex(textField(transaction, "secretKey")!)) : toAddress(sender),
    to: to === "" ? null : toAddress(to),
    nonce: numberIn(textField(transaction, "nonce")!),
    gasLimit: numberIn(transaction.gasLimit[indexes.gas]!),
    maxFeePerGas: price,
    maxPriorityFeePerGas: tip === undefined ? price : numberIn(tip),
    value: numberIn(transaction.value[indexes.value]!),
    data: fromHex(transaction.data[indexes.data]!),
    accessList: (list ?? []).map(({ address, storageKeys }) => ({
      address: toAddress(address),
      slots: storageKeys.map((slot) => toWordHex(numberIn(slot))),
    })),
    authorizations: authorizationsOf(transaction, post),
    l1Fee: 0n,
  };
}

function environmentOf({ env }: StateTest): BlockEnvironment {
  return {
    timestamp: numberIn(env["currentTimestamp"]!),
    baseFeePerGas: numberIn(env["currentBaseFee"]!),
    gasLimit: numberIn(env["currentGasLimit"]!),
    prevRandao: toWordHex(numberIn(env["currentRandom"] ?? "0x0")),
    feeRecipient: toAddress(env["currentCoinbase"]!),
  };
}

function logsHash(logs: readonly Log[]): Hash {
  return keccakHash(encodeRlp(logs.map(({ address, topics, data }) => [fromHex(address), topics.map(fromHex), data])));
}

/**
 * The engine counts gas up to 2^53 and keeps the rest aside: what it hands on a thousand calls deep is less than the
 * suite's, and the one test that lives on it parts there. A DAC's blocks have 60 million.
 */
const BEYOND_COUNTED_GAS = ["static_LoopCallsDepthThenRevert2"];

/** Why a case is not for this engine; null: it is. */
function whySkipped(name: string, { transaction }: StateTest): string | null {
  if (BEYOND_COUNTED_GAS.includes(name) && transaction.gasLimit.every((gas) => numberIn(gas) > Number.MAX_SAFE_INTEGER))
    return "hands on more than 2^53 gas: a DAC's blocks have 60 million";
  if (transaction["blobVersionedHashes"] !== undefined || transaction["maxFeePerBlobGas"] !== undefined)
    return "blob transaction: a DAC's chain has none (design page 10)";
  return null;
}

/** The suites' own rule for the hashes of earlier blocks. */
export const blockHash = (height: bigint): Hash => keccakHash(new TextEncoder().encode(height.toString()));

function stateOf(test: StateTest): MemoryState {
  return new MemoryState({ number: numberIn(test.env["currentNumber"]!), chainId: CHAIN_ID, blockHash });
}

/** Runs one case of a test on an engine of the case's fork. */
export async function runCase(engine: Engine, name: string, test: StateTest, post: Post): Promise<CaseResult> {
  const why = whySkipped(name, test);
  if (why !== null) return { skipped: why };
  let message: TransactionMessage;
  try {
    message = messageOfTest(test, post);
  } catch (error) {
    if (!(error instanceof TransactionError)) throw error;
    if (post.expectException !== undefined) return { fault: null };
    return error.code === "too-large"
      ? { skipped: "more than a transaction of a DAC's chain may have" }
      : { fault: `refused: ${error.message}` };
  }
  const pre = worldWrites(test);
  const state = stateOf(test);
  state.apply(pre);
  const [outcome] = await engine.execute(environmentOf(test), [message], state);
  if (outcome!.kind === "invalid")
    return { fault: post.expectException === undefined ? `invalid: ${outcome!.reason}` : null };
  if (post.expectException !== undefined) return { fault: `included, should be ${post.expectException}` };
  if (logsHash(outcome!.logs) !== post.logs) return { fault: "logs differ" };
  const trie = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  trie.applyWrites(pre);
  const isRight = trie.applyWrites(outcome!.writes) === toHash(post.hash);
  return { fault: isRight ? null : `state root differs, gas ${outcome!.gasUsed}` };
}
