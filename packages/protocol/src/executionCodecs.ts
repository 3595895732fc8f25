/** Wire forms of what execution takes and gives. */
import {
  address,
  bytes,
  type Codec,
  CodecError,
  count,
  hash,
  list,
  mapped,
  optional,
  remembered,
  struct,
  uint,
  union,
} from "./codec.ts";
import type {
  Account,
  AccountWrite,
  BlockEnvironment,
  IncludedOutcome,
  InvalidReason,
  Log,
  Outcome,
  StateEntry,
  StateKey,
  TransactionMessage,
} from "./execution.ts";
import { keccakHash } from "./hash.ts";
import { LIMITS } from "./parameters.ts";

const wei = uint(256);
const gas = uint(64);
const MAX_WRITES = 16_384;
const MAX_LOGS = 65_536;
const MAX_LOG_BYTES = 3 * 1024 * 1024;

function oneOf<T extends string>(names: readonly T[]): Codec<T> {
  return mapped(
    count(names.length - 1),
    (name) => names.indexOf(name),
    (position) => names[position]!,
  );
}

function numberOneOf<T extends number>(values: readonly T[]): Codec<T> {
  const check = (value: number): T => {
    if (!values.includes(value as T)) throw new CodecError("out-of-range", `${value} is none of ${values.join(", ")}`);
    return value as T;
  };
  return mapped(count(255), check, check);
}

const accountCodec: Codec<Account> = struct({ nonce: gas, balance: wei, codeHash: hash });

export const transactionMessageCodec: Codec<TransactionMessage> = remembered(
  struct({
    type: numberOneOf([0, 1, 2, 4] as const),
    from: address,
    to: optional(address),
    nonce: gas,
    gasLimit: gas,
    maxFeePerGas: wei,
    maxPriorityFeePerGas: wei,
    value: wei,
    data: bytes(LIMITS.transactionBytes),
    accessList: list(struct({ address, slots: list(hash, LIMITS.accessSlots) }), LIMITS.accessAddresses),
    authorizations: list(struct({ authority: optional(address), address, nonce: gas }), LIMITS.authorizations),
    l1Fee: wei,
  }),
);

export const blockEnvironmentCodec: Codec<BlockEnvironment> = struct({
  timestamp: gas,
  baseFeePerGas: wei,
  gasLimit: gas,
  prevRandao: hash,
  feeRecipient: address,
});

const nothing = struct({});

export const stateKeyCodec: Codec<StateKey> = union({
  account: struct({ address }),
  slot: struct({ address, slot: hash }),
  code: struct({ hash }),
  number: nothing,
  chainId: nothing,
  blockHash: struct({ number: gas }),
});

type CodeEntry = Omit<StateEntry & { kind: "code" }, "kind">;

/** Entries differ only in how they carry code. The order of the kinds is that of stateKeyCodec. */
const entryCodec = (code: Codec<CodeEntry>): Codec<StateEntry> =>
  union({
    account: struct({ address, value: optional(accountCodec) }),
    slot: struct({ address, slot: hash, value: wei }),
    code,
    number: struct({ value: gas }),
    chainId: struct({ value: gas }),
    blockHash: struct({ number: gas, value: hash }),
  });

/** Entries with code in full: what a job carries, and what answers a request for values. */
export const stateEntryCodec = entryCodec(struct({ hash, value: bytes(LIMITS.codeBytes) }));

/** A read as a result states it: code by its hash alone, which is the key. */
export const statedReadCodec = entryCodec(
  mapped(
    struct({ hash }),
    ({ hash: codeHash }) => ({ hash: codeHash }),
    ({ hash: codeHash }) => ({ hash: codeHash, value: new Uint8Array(0) }),
  ),
);

export const logCodec: Codec<Log> = struct({ address, topics: list(hash, 4), data: bytes(MAX_LOG_BYTES) });

export const accountWriteCodec: Codec<AccountWrite> = struct({
  address,
  account: optional(accountCodec),
  code: optional(bytes(LIMITS.codeBytes)),
  slots: list(struct({ slot: hash, value: wei }), MAX_WRITES),
});

/** What a block carries of an execution: everything but the reads. */
export type BlockOutcome = Omit<IncludedOutcome, "kind" | "reads">;

const blockOutcomeFields = {
  status: numberOneOf([0, 1] as const),
  gasUsed: gas,
  logs: list(logCodec, MAX_LOGS),
  writes: list(accountWriteCodec, MAX_WRITES),
};

export const blockOutcomeCodec: Codec<BlockOutcome> = remembered(struct(blockOutcomeFields));

/** Why a transaction is in no block, in the order of their numbers on the wire. */
export const INVALID_REASONS: readonly InvalidReason[] = [
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

const statedReads = list(statedReadCodec, LIMITS.jobReadKeys);

/** Of a job's outcomes: encoded to be measured, hashed and sent, by who signs them and by who checks it. */
export const outcomeCodec: Codec<Outcome> = remembered(
  union({
    included: struct({ ...blockOutcomeFields, reads: statedReads }),
    invalid: struct({ reason: oneOf(INVALID_REASONS), reads: statedReads }),
  }),
);

/** One text for a key: equal keys, equal texts. */
export function stateKeyId(key: StateKey): string {
  switch (key.kind) {
    case "account":
      return `account:${key.address}`;
    case "slot":
      return `slot:${key.address}:${key.slot}`;
    case "code":
      return `code:${key.hash}`;
    case "blockHash":
      return `blockHash:${key.number}`;
    default:
      return key.kind;
  }
}

/** Whether code bytes belong to their hash: the one check that needs no proof. */
export const isCodeOf = (entry: { readonly hash: string; readonly value: Uint8Array }): boolean =>
  keccakHash(entry.value) === entry.hash;
