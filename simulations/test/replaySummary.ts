/** What a transaction did, by the engine's outcome and by what the contract says of its message, in one form to compare. */
import {
  type Account,
  type AccountWrite,
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  encodeRlp,
  fromHex,
  type Hash,
  type Hex,
  type IncludedOutcome,
  type Log,
  PREDEPLOYS,
  type StateEntry,
  type TransactionMessage,
  toAddress,
  toHex,
  toWordHex,
} from "@mvm/protocol";

/** EIP-3529 */
const REFUND_QUOTIENT = 5n;

/** A transaction's message in what it runs: after its fees, with its signer's charter word. */
export type Replayed = {
  readonly environment: BlockEnvironment;
  readonly message: TransactionMessage;
  readonly denied: bigint;
  /** what the transaction read, the message's part of it included */
  readonly reads: readonly StateEntry[];
  readonly gas: bigint;
  readonly gasPrice: bigint;
};

export type ReplayedAccount = {
  readonly exists: boolean;
  readonly isCreated: boolean;
  readonly isDestroyed: boolean;
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Hash;
  readonly code: Hex;
};

export type ReplayOutcome = {
  readonly status: bigint;
  readonly gasLeft: bigint;
  readonly refund: bigint;
  readonly output: Hex;
  readonly logs: Hex;
  readonly accounts: readonly ReplayedAccount[];
  readonly slots: readonly bigint[];
  readonly newSlots: readonly { readonly account: string; readonly slot: bigint; readonly value: bigint }[];
};

export type Given<Kind extends StateEntry["kind"]> = Extract<StateEntry, { readonly kind: Kind }>;

export const ofKind = <Kind extends StateEntry["kind"]>(reads: readonly StateEntry[], kind: Kind): Given<Kind>[] =>
  reads.filter((read): read is Given<Kind> => read.kind === kind);

const encodeLog = ({ address, topics, data }: Log): Uint8Array =>
  encodeRlp([fromHex(address), topics.map((topic) => fromHex(topic)), data]);

/** What an engine says of a transaction, to compare: end of the message, gas, logs, writes. */
export type Summary = {
  readonly end: "success" | "revert" | "halt";
  readonly gasUsed: bigint;
  readonly output: Hex;
  readonly logs: string;
  readonly writes: string;
};

const text = (writes: readonly AccountWrite[]): string =>
  JSON.stringify(
    writes.map(({ address, account, code, slots }) => [
      address,
      account === null ? null : [String(account.nonce), String(account.balance), account.codeHash],
      code === null ? null : toHex(code),
      slots.map(({ slot, value }) => [slot, String(value)]),
    ]),
  );

export function summaryOf(outcome: IncludedOutcome, end: Summary["end"], output: Uint8Array): Summary {
  const { gasUsed, logs, writes } = outcome;
  return {
    end,
    gasUsed,
    output: toHex(output),
    logs: logs.map((log) => toHex(encodeLog(log)).slice(2)).join(""),
    writes: text(writes),
  };
}

type Final = {
  account: Account | null;
  before: Account | null;
  code: Uint8Array | null;
  slots: Map<Hash, bigint>;
  isCreated: boolean;
};

/** The whole transaction from what the replay says of its message: fees, refund, what destroyed accounts leave. */
export function summaryOfReplay(work: Replayed, outcome: ReplayOutcome, floor: bigint): Summary {
  const { message, reads, gasPrice, environment } = work;
  const used = message.gasLimit - outcome.gasLeft;
  const cap = used / REFUND_QUOTIENT;
  const refund = outcome.refund < cap ? outcome.refund : cap;
  const gasUsed = used - refund > floor ? used - refund : floor;
  const finals = new Map<Address, Final>();
  let saved = 0n;
  for (const [i, { address, value }] of ofKind(reads, "account").entries()) {
    const { exists, isCreated, isDestroyed, nonce, balance, codeHash, code } = outcome.accounts[i]!;
    if (isDestroyed) saved += balance;
    const account = exists ? { nonce, balance, codeHash } : null;
    const made = code === "0x" ? null : fromHex(code);
    finals.set(address, { account, before: value, code: made, slots: new Map(), isCreated });
  }
  const credit = (address: Address, amount: bigint): void => {
    const final = finals.get(address)!;
    const { nonce = 0n, balance = 0n, codeHash = EMPTY_CODE_HASH } = final.account ?? {};
    const isEmpty = nonce === 0n && balance + amount === 0n && codeHash === EMPTY_CODE_HASH;
    final.account = isEmpty ? null : { nonce, balance: balance + amount, codeHash };
  };
  credit(message.from, (message.gasLimit - gasUsed) * gasPrice);
  credit(environment.feeRecipient, gasUsed * gasPrice);
  if (saved !== 0n) credit(PREDEPLOYS.burnVault, saved);
  for (const [i, { address, slot, value }] of ofKind(reads, "slot").entries()) {
    if (outcome.slots[i] !== value) finals.get(address)!.slots.set(slot, outcome.slots[i]!);
  }
  for (const { account, slot, value } of outcome.newSlots) {
    if (value !== 0n) finals.get(toAddress(account.toLowerCase()))!.slots.set(toWordHex(slot), value);
  }
  const logs = outcome.logs.slice(2);
  const end = (["revert", "success", "halt"] as const)[Number(outcome.status)]!;
  return { end, gasUsed, output: outcome.output, logs, writes: text(writesOf(finals)) };
}

const isSame = (a: Account, b: Account | null): boolean =>
  b !== null && a.nonce === b.nonce && a.balance === b.balance && a.codeHash === b.codeHash;

function writesOf(finals: ReadonlyMap<Address, Final>): AccountWrite[] {
  const writes: AccountWrite[] = [];
  for (const [address, { account, before, code, slots }] of finals) {
    if (account === null) {
      if (before !== null) writes.push({ address, account: null, code: null, slots: [] });
      continue;
    }
    const list = [...slots].map(([slot, value]) => ({ slot, value })).toSorted((a, b) => (a.slot < b.slot ? -1 : 1));
    if (isSame(account, before) && list.length === 0) continue;
    writes.push({ address, account, code, slots: list });
  }
  return writes.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
