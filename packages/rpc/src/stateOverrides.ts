/** State overrides of eth_call and eth_estimateGas: accounts as they are pretended to be. */
import {
  type Account,
  type Address,
  EMPTY_CODE_HASH,
  type Hash,
  keccakHash,
  type StateReader,
  toAddress,
} from "@mvm/protocol";
import { z } from "zod";
import { addressParam, bytesParam, hashParam, quantityParam, uint64Param } from "./schemas.ts";

/** accounts of one request, and slots of each; the body's bound stands beside */
const MAX_ACCOUNTS = 256;
const MAX_SLOTS = 1_024;

const slotsParam = z
  .record(z.string(), hashParam)
  .refine((slots) => Object.keys(slots).length <= MAX_SLOTS, { error: `expected at most ${MAX_SLOTS} slots` })
  .refine((slots) => Object.keys(slots).every((slot) => hashParam.safeParse(slot).success), {
    error: "expected slots of 32 bytes: 0x and 64 hexadecimal digits",
  })
  .transform(
    (slots): ReadonlyMap<Hash, bigint> =>
      new Map(Object.entries(slots).map(([slot, value]) => [hashParam.parse(slot), BigInt(value)])),
  );

const accountOverride = z
  .strictObject({
    balance: quantityParam.optional(),
    nonce: uint64Param.optional(),
    code: bytesParam.transform((bytes) => ({ bytes, hash: keccakHash(bytes) })).optional(),
    state: slotsParam.optional(),
    stateDiff: slotsParam.optional(),
  })
  .refine(({ state, stateDiff }) => state === undefined || stateDiff === undefined, {
    error: "expected state or stateDiff, not both",
  });

/**
 * Overrides by address. `state` stands for the whole storage of the account, `stateDiff` for the slots that it names.
 */
export const stateOverridesParam = z
  .record(z.string(), accountOverride, { error: "expected overrides by address" })
  .refine((accounts) => Object.keys(accounts).length <= MAX_ACCOUNTS, {
    error: `expected at most ${MAX_ACCOUNTS} accounts`,
  })
  .refine((accounts) => Object.keys(accounts).every((address) => addressParam.safeParse(address).success), {
    error: "expected overrides by address: 0x and 40 hexadecimal digits",
  })
  .transform(
    (accounts): StateOverrides =>
      new Map(Object.entries(accounts).map(([address, override]) => [toAddress(address), override])),
  );

type AccountOverride = z.output<typeof accountOverride>;
export type StateOverrides = ReadonlyMap<Address, AccountOverride>;

const NOBODY: Account = { nonce: 0n, balance: 0n, codeHash: EMPTY_CODE_HASH };

function overriddenAccount(account: Account | null, { balance, nonce, code }: AccountOverride): Account {
  const before = account ?? NOBODY;
  return {
    balance: balance ?? before.balance,
    nonce: nonce ?? before.nonce,
    codeHash: code?.hash ?? before.codeHash,
  };
}

/** The reader with overrides laid over it. */
export function withOverrides(reader: StateReader, overrides: StateOverrides): StateReader {
  const codes = new Map<Hash, Uint8Array>();
  for (const { code } of overrides.values()) if (code !== undefined) codes.set(code.hash, code.bytes);
  return {
    account: async (address) => {
      const override = overrides.get(address);
      const account = await reader.account(address);
      return override === undefined ? account : overriddenAccount(account, override);
    },
    slot: (address, slot) => {
      const override = overrides.get(address);
      if (override?.state !== undefined) return override.state.get(slot) ?? 0n;
      return override?.stateDiff?.get(slot) ?? reader.slot(address, slot);
    },
    code: (hash) => codes.get(hash) ?? reader.code(hash),
    number: () => reader.number(),
    chainId: () => reader.chainId(),
    blockHash: (number) => reader.blockHash(number),
  };
}
