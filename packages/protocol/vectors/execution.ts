/** The wire forms of execution, stated with literals: accounts, state keys and entries, messages, outcomes. */
import { addressNamed, type Bytes, bytes, fillNamed, hashNamed, int, maybe, type Rlp } from "./format.ts";

type Account = { nonce: bigint; balance: bigint; codeHash: string };
type Key =
  | { kind: "account"; address: string }
  | { kind: "slot"; address: string; slot: string }
  | { kind: "code"; hash: string }
  | { kind: "number" }
  | { kind: "chainId" }
  | { kind: "blockHash"; number: bigint };
export type Entry =
  | { kind: "account"; address: string; value: Account | null }
  | { kind: "slot"; address: string; slot: string; value: bigint }
  | { kind: "code"; hash: string; value: Bytes }
  | { kind: "number"; value: bigint }
  | { kind: "chainId"; value: bigint }
  | { kind: "blockHash"; number: bigint; value: string };
export type Log = { address: string; topics: string[]; data: Bytes };
export type Write = {
  address: string;
  account: Account | null;
  code: Bytes | null;
  slots: { slot: string; value: bigint }[];
};
type BlockOutcome = { status: 0 | 1; gasUsed: bigint; logs: Log[]; writes: Write[] };
export type Outcome = ({ kind: "included"; reads: Entry[] } & BlockOutcome) | { kind: "invalid"; reason: string; reads: Entry[] };

const accountItems = (account: Account | null): Rlp =>
  maybe(account === null ? null : [int(account.nonce), int(account.balance), account.codeHash]);

export function keyItems(key: Key): Rlp {
  switch (key.kind) {
    case "account":
      return [int(0), [key.address]];
    case "slot":
      return [int(1), [key.address, key.slot]];
    case "code":
      return [int(2), [key.hash]];
    case "number":
      return [int(3), []];
    case "chainId":
      return [int(4), []];
    case "blockHash":
      return [int(5), [int(key.number)]];
  }
}

/** `codes`: whether code stands in full (jobs, answers) or by its hash alone (results). */
export function entryItems(entry: Entry, codes: "in-full" | "by-hash"): Rlp {
  switch (entry.kind) {
    case "account":
      return [int(0), [entry.address, accountItems(entry.value)]];
    case "slot":
      return [int(1), [entry.address, entry.slot, int(entry.value)]];
    case "code":
      return [int(2), codes === "in-full" ? [entry.hash, entry.value.bytes] : [entry.hash]];
    case "number":
      return [int(3), [int(entry.value)]];
    case "chainId":
      return [int(4), [int(entry.value)]];
    case "blockHash":
      return [int(5), [int(entry.number), entry.value]];
  }
}

const logItems = (log: Log): Rlp => [log.address, log.topics, log.data.bytes];
const writeItems = (write: Write): Rlp => [
  write.address,
  accountItems(write.account),
  maybe(write.code === null ? null : write.code.bytes),
  write.slots.map(({ slot, value }) => [slot, int(value)]),
];

export const blockOutcomeItems = ({ status, gasUsed, logs, writes }: BlockOutcome): Rlp => [
  int(status),
  int(gasUsed),
  logs.map(logItems),
  writes.map(writeItems),
];

/** Order of the reasons on the wire. */
export const REASONS = [
  "nonce-too-low",
  "nonce-too-high",
  "insufficient-funds",
  "fee-below-base-fee",
  "tip-above-fee",
  "intrinsic-gas",
  "gas-limit-above-block",
  "gas-limit-above-cap",
  "sender-has-code",
  "initcode-too-large",
  "nonce-overflow",
  "type-not-supported",
  "empty-authorizations",
  "denied",
];

const readsItems = (reads: Entry[]): Rlp => reads.map((entry) => entryItems(entry, "by-hash"));

export const outcomeItems = (outcome: Outcome): Rlp =>
  outcome.kind === "invalid"
    ? [int(1), [int(REASONS.indexOf(outcome.reason)), readsItems(outcome.reads)]]
    : [int(0), [...(blockOutcomeItems(outcome) as Rlp[]), readsItems(outcome.reads)]];

const alice = addressNamed("alice");
const token = addressNamed("token");
const EMPTY_CODE_HASH = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
const CODE = "0x6001600055";
const tokenAccount: Account = { nonce: 1n, balance: 0n, codeHash: hashNamed("token code") };
const aliceAccount: Account = { nonce: 7n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH };

export const KEYS: Key[] = [
  { kind: "account", address: alice },
  { kind: "slot", address: token, slot: hashNamed("slot") },
  { kind: "code", hash: hashNamed("token code") },
  { kind: "number" },
  { kind: "chainId" },
  { kind: "blockHash", number: 255n },
];

export const ENTRIES: Entry[] = [
  { kind: "account", address: alice, value: aliceAccount },
  { kind: "account", address: addressNamed("nobody"), value: null },
  { kind: "slot", address: token, slot: hashNamed("slot"), value: 2n ** 256n - 1n },
  { kind: "slot", address: token, slot: hashNamed("empty slot"), value: 0n },
  { kind: "code", hash: hashNamed("token code"), value: bytes(CODE) },
  { kind: "number", value: 128n },
  { kind: "chainId", value: 4503599627370475n },
  { kind: "blockHash", number: 127n, value: hashNamed("block 127") },
];

const transferLog: Log = {
  address: token,
  topics: [hashNamed("Transfer"), hashNamed("from"), hashNamed("to")],
  data: bytes("0x2a"),
};

export const BLOCK_OUTCOMES: BlockOutcome[] = [
  {
    status: 1,
    gasUsed: 51_000n,
    logs: [transferLog, { address: token, topics: [], data: bytes("0x") }],
    writes: [
      { address: alice, account: { ...aliceAccount, nonce: 8n }, code: null, slots: [] },
      { address: token, account: tokenAccount, code: bytes(CODE), slots: [{ slot: hashNamed("slot"), value: 0n }] },
      { address: addressNamed("gone"), account: null, code: null, slots: [] },
    ],
  },
  { status: 0, gasUsed: 16_777_216n, logs: [], writes: [] },
];

/** Results state code by its hash: the value is empty. */
const statedEntries = ENTRIES.map((entry) => (entry.kind === "code" ? { ...entry, value: bytes("0x") } : entry));

export const OUTCOMES: Outcome[] = [
  { kind: "included", ...BLOCK_OUTCOMES[0]!, reads: statedEntries },
  { kind: "included", ...BLOCK_OUTCOMES[1]!, reads: [] },
  ...REASONS.map((reason, i) => ({ kind: "invalid", reason, reads: i % 2 === 0 ? [] : statedEntries }) as const),
];

type Message = {
  type: number;
  from: string;
  to: string | null;
  nonce: bigint;
  gasLimit: bigint;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
  value: bigint;
  data: Bytes;
  accessList: { address: string; slots: string[] }[];
  authorizations: { authority: string | null; address: string; nonce: bigint }[];
  l1Fee: bigint;
};

export const messageItems = (message: Message): Rlp => [
  int(message.type),
  message.from,
  maybe(message.to),
  int(message.nonce),
  int(message.gasLimit),
  int(message.maxFeePerGas),
  int(message.maxPriorityFeePerGas),
  int(message.value),
  message.data.bytes,
  message.accessList.map(({ address, slots }) => [address, slots]),
  message.authorizations.map(({ authority, address, nonce }) => [maybe(authority), address, int(nonce)]),
  int(message.l1Fee),
];

const plain: Message = {
  type: 0,
  from: alice,
  to: null,
  nonce: 0n,
  gasLimit: 1_000_000n,
  maxFeePerGas: 10_000_000n,
  maxPriorityFeePerGas: 10_000_000n,
  value: 0n,
  data: bytes(fillNamed("init code", 60)),
  accessList: [],
  authorizations: [],
  l1Fee: 0n,
};

export const MESSAGES: Message[] = [
  plain,
  {
    ...plain,
    type: 1,
    to: token,
    l1Fee: 1n,
    accessList: [
      { address: token, slots: [hashNamed("slot")] },
      { address: alice, slots: [] },
    ],
  },
  {
    ...plain,
    type: 2,
    to: token,
    nonce: 2n ** 64n - 2n,
    maxPriorityFeePerGas: 1n,
    value: 10n ** 18n,
    data: bytes("0x"),
    l1Fee: 2n ** 256n - 1n,
  },
  {
    ...plain,
    type: 4,
    to: alice,
    authorizations: [
      { authority: alice, address: token, nonce: 3n },
      { authority: null, address: token, nonce: 0n },
    ],
  },
];

export const ENVIRONMENT = {
  timestamp: 1_790_000_000n,
  baseFeePerGas: 11_250_000n,
  gasLimit: 60_000_000n,
  prevRandao: hashNamed("randao"),
  feeRecipient: "0x4d564d0000000000000000000000000000000002",
};

export const environmentItems = (environment: typeof ENVIRONMENT): Rlp => [
  int(environment.timestamp),
  int(environment.baseFeePerGas),
  int(environment.gasLimit),
  environment.prevRandao,
  environment.feeRecipient,
];
