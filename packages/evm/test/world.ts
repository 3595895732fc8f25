/** A whole state in memory for tests, as a reader and as what outcomes change. */
import {
  type Account,
  type AccountWrite,
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  type Hash,
  keccakHash,
  PREDEPLOYS,
  type StateEntry,
  type StateKey,
  type StateReader,
  type TransactionMessage,
  toWordHex,
} from "@mvm/protocol";

export type WorldAccount = { nonce: bigint; balance: bigint; code: Uint8Array; storage: Map<Hash, bigint> };
export type World = Map<Address, WorldAccount>;

export const NONE = new Uint8Array(0);
export const CHAIN_ID = 1n;
export const BLOCK_NUMBER = 1_000n;

/** Address of a small number. */
export function addressOfNumber(value: number | bigint): Address {
  return `0x${BigInt(value).toString(16).padStart(40, "0")}` as Address;
}

export const slotOf = (value: number | bigint): Hash => toWordHex(BigInt(value));

export function worldOf(
  accounts: Record<Address, Partial<Omit<WorldAccount, "storage">> & { storage?: Record<number, bigint> }>,
): World {
  const world: World = new Map();
  for (const [address, { nonce = 0n, balance = 0n, code = NONE, storage = {} }] of Object.entries(accounts)) {
    const slots = new Map(Object.entries(storage).map(([slot, value]) => [slotOf(BigInt(slot)), value]));
    world.set(address as Address, { nonce, balance, code, storage: slots });
  }
  return world;
}

export function cloneWorld(world: World): World {
  return new Map([...world].map(([address, account]) => [address, { ...account, storage: new Map(account.storage) }]));
}

export function accountOf(world: World, address: Address): Account | null {
  const account = world.get(address);
  if (account === undefined) return null;
  return { nonce: account.nonce, balance: account.balance, codeHash: keccakHash(account.code) };
}

/** Hash that the test's chain has at a height. */
export function hashAt(number: bigint): Hash {
  return keccakHash(new TextEncoder().encode(`block ${number}`));
}

export function readerOf(world: World): StateReader {
  return {
    account: (address) => accountOf(world, address),
    slot: (address, slot) => world.get(address)?.storage.get(slot) ?? 0n,
    code: (hash) => {
      for (const account of world.values()) if (keccakHash(account.code) === hash) return account.code;
      throw new Error(`no code ${hash}`);
    },
    number: () => BLOCK_NUMBER,
    chainId: () => CHAIN_ID,
    blockHash: hashAt,
  };
}

/** The same reader answering later, and counting how often it was asked in separate turns. */
export function laterReaderOf(base: StateReader): StateReader & { turns: number } {
  let gate: Promise<void> | null = null;
  const later = async <T>(ask: () => T | Promise<T>): Promise<T> => {
    if (gate === null) {
      reader.turns++;
      gate = new Promise((resolve) => {
        setImmediate(() => {
          gate = null;
          resolve();
        });
      });
    }
    await gate;
    return ask();
  };
  const reader = {
    turns: 0,
    account: (address: Address) => later(() => base.account(address)),
    slot: (address: Address, slot: Hash) => later(() => base.slot(address, slot)),
    code: (hash: Hash) => later(() => base.code(hash)),
    number: () => later(() => base.number()),
    chainId: () => later(() => base.chainId()),
    blockHash: (number: bigint) => later(() => base.blockHash(number)),
  };
  return reader;
}

export function nameOf(key: StateKey): string {
  switch (key.kind) {
    case "account":
      return `account ${key.address}`;
    case "slot":
      return `slot ${key.address} ${key.slot}`;
    case "code":
      return `code ${key.hash}`;
    case "blockHash":
      return `blockHash ${key.number}`;
    default:
      return key.kind;
  }
}

/** A reader that knows only the given values and refuses every other key. */
export function valuesReader(entries: readonly StateEntry[]): StateReader {
  const values = new Map(entries.map((entry) => [nameOf(entry), entry.value]));
  const get = (key: StateKey): never => {
    const name = nameOf(key);
    if (!values.has(name)) throw new Error(`unknown ${name}`);
    return values.get(name) as never;
  };
  return {
    account: (address) => get({ kind: "account", address }),
    slot: (address, slot) => get({ kind: "slot", address, slot }),
    code: (hash) => get({ kind: "code", hash }),
    number: () => get({ kind: "number" }),
    chainId: () => get({ kind: "chainId" }),
    blockHash: (number) => get({ kind: "blockHash", number }),
  };
}

export function applyToWorld(world: World, writes: readonly AccountWrite[]): void {
  for (const { address, account, code, slots } of writes) {
    if (account === null) {
      world.delete(address);
      continue;
    }
    const before = world.get(address) ?? { nonce: 0n, balance: 0n, code: NONE, storage: new Map<Hash, bigint>() };
    const nextCode = account.codeHash === EMPTY_CODE_HASH ? NONE : (code ?? before.code);
    if (keccakHash(nextCode) !== account.codeHash) throw new Error(`code of ${address} does not fit its hash`);
    for (const { slot, value } of slots) {
      if (value === 0n) before.storage.delete(slot);
      else before.storage.set(slot, value);
    }
    world.set(address, { nonce: account.nonce, balance: account.balance, code: nextCode, storage: before.storage });
  }
}

export const FEE_RECIPIENT = addressOfNumber(0xfee);

export const ENVIRONMENT: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: 10n,
  gasLimit: 60_000_000n,
  prevRandao: keccakHash(Uint8Array.of(1)),
  feeRecipient: FEE_RECIPIENT,
};

/** The hot account of a DAC without rules and tax: its flag word says so. */
export const FREE_CHARTER = { [PREDEPLOYS.executionManager]: { nonce: 1n, storage: { 0: 1n } } };

export function messageOf(fields: Partial<TransactionMessage> & Pick<TransactionMessage, "from">): TransactionMessage {
  return {
    type: 2,
    to: null,
    nonce: 0n,
    gasLimit: 1_000_000n,
    maxFeePerGas: 20n,
    maxPriorityFeePerGas: 3n,
    value: 0n,
    data: NONE,
    accessList: [],
    authorizations: [],
    l1Fee: 0n,
    ...fields,
  };
}

/** Bytes of code written as numbers and hexadecimal text. */
export function assemble(...parts: readonly (number | string)[]): Uint8Array {
  const bytes: number[] = [];
  for (const part of parts) {
    if (typeof part === "number") bytes.push(part);
    else for (let i = 0; i < part.length; i += 2) bytes.push(Number.parseInt(part.slice(i, i + 2), 16));
  }
  return Uint8Array.from(bytes);
}
