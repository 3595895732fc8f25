/** One DAC in memory, without a network: blocks in their real order on the real engine and the real predeploys. */
import { type CallResult, createEngine, type Engine, type EngineOptions, OverlayReader } from "@mvm/evm";
import { encodeCharter } from "@mvm/l1";
import {
  type Account,
  type AccountWrite,
  type Address,
  aliasOf,
  type BlockEnvironment,
  decodeTransaction,
  depositItem,
  fromHex,
  GENESIS_BASE_FEE,
  genesisWrites,
  type Hash,
  HEADER_CONSTANTS,
  type Hex,
  type IncludedOutcome,
  keccakHash,
  LIMITS,
  nextBaseFee,
  type Outcome,
  PREDEPLOYS,
  parseCharter,
  type QueueItem,
  queueTransaction,
  type StateReader,
  SYSTEM,
  type SystemTransaction,
  type TransactionMessage,
  toAddress,
  toChainId,
  toMessage,
  toWord,
  toWordHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { closingTransaction, openingTransactions } from "@mvm/roles";
import { Transaction as EthersTransaction, Interface, type InterfaceAbi, id, type Result, Wallet } from "ethers";
import {
  GAS_PRICE_ORACLE_ABI,
  MVM_ADDRESS_TABLE_ABI,
  MVM_COINBASE_ABI,
  MVM_DAC_MASTER_ABI,
  MVM_EXECUTION_MANAGER_ABI,
  MVM_FEE_VAULT_ABI,
  MVM_L2_TO_L1_ABI,
  MVM_TOKEN_BRIDGE_ABI,
  MVM_TREASURY_VAULT_ABI,
} from "../../testnet/src/generated/predeployAbis.ts";

const CHAIN_ID = toChainId(1_088);
/** seconds since 1970 of block 0 */
const GENESIS_TIMESTAMP = 1_800_000_000n;
const GWEI = 10n ** 9n;
const MAX_FEE = 100n * GWEI;
const NOTHING = new Uint8Array(0);

/** wei of one MT */
export const MT = 10n ** 18n;
/** MetisDAO's contract on L1, and the account as which its messages arrive */
export const METIS_DAO = toAddress("0x4d45544953000000000000000000000000000001");
export const METIS_DAO_ALIAS = aliasOf(METIS_DAO);
/** L1's bridge, and the account as which its messages arrive */
export const L1_BRIDGE = toAddress("0x4d45544953000000000000000000000000000002");
export const L1_BRIDGE_ALIAS = aliasOf(L1_BRIDGE);

const contract = (address: Address, abi: InterfaceAbi) => ({ address, abi: new Interface(abi) });

/** A contract's address and interface. */
export type LabContract = ReturnType<typeof contract>;

/** The predeploys with their interfaces. */
export const LAB = {
  coinbase: contract(PREDEPLOYS.coinbase, MVM_COINBASE_ABI),
  executionManager: contract(PREDEPLOYS.executionManager, MVM_EXECUTION_MANAGER_ABI),
  dacMaster: contract(PREDEPLOYS.dacMaster, MVM_DAC_MASTER_ABI),
  feeVault: contract(PREDEPLOYS.feeVault, MVM_FEE_VAULT_ABI),
  taxVault: contract(PREDEPLOYS.taxVault, MVM_TREASURY_VAULT_ABI),
  l2ToL1: contract(PREDEPLOYS.l2ToL1, MVM_L2_TO_L1_ABI),
  tokenBridge: contract(PREDEPLOYS.tokenBridge, MVM_TOKEN_BRIDGE_ABI),
  addressTable: contract(PREDEPLOYS.addressTable, MVM_ADDRESS_TABLE_ABI),
  oracle: contract(PREDEPLOYS.gasPriceOracle, GAS_PRICE_ORACLE_ABI),
} as const;

/** A user with a key of its own for each name. */
export class User {
  readonly wallet: Wallet;
  readonly address: Address;

  constructor(name: string) {
    this.wallet = new Wallet(id(name));
    this.address = toAddress(this.wallet.address);
  }
}

/** A user's transaction before it is signed. */
export type Request = {
  readonly from: User;
  /** null: a creation */
  readonly to: Address | null;
  /** wei of MT */
  readonly value?: bigint;
  readonly data?: string;
  readonly gasLimit?: bigint;
  /** wei per gas */
  readonly tip?: bigint;
};

/** A call of a contract's function as a transaction. */
export function calling(
  from: User,
  { address, abi }: LabContract,
  name: string,
  args: readonly unknown[] = [],
  more: Pick<Request, "value" | "gasLimit"> = {},
): Request {
  return { from, to: address, data: abi.encodeFunctionData(name, args), ...more };
}

/** An item of L1's queue before it has its place. */
export type LabItem = Omit<QueueItem, "queueIndex">;

/** A signed transaction in L1's queue. */
export const forcing = (data: Uint8Array): LabItem => {
  return { kind: "forced", from: METIS_DAO, to: ZERO_ADDRESS, mint: 0n, value: 0n, gasLimit: 0n, data };
};

/** A call of a bridge contract by L1's queue, as an exit. */
export function exiting(
  { from, to, data = "0x", value = 0n }: Pick<Request, "data" | "value"> & { from: User; to: Address },
  gasLimit = 1_000_000n,
): LabItem {
  return { kind: "exit", from: from.address, to, mint: 0n, value, gasLimit, data: fromHex(data as Hex) };
}

/** What goes into a block beside context, founding and settle. */
export type BlockPlan = {
  readonly deposits?: readonly { readonly to: Address; readonly mint: bigint }[];
  /** calls by accounts of L1, `from` being aliased; the value is what is minted, unless said */
  readonly messages?: readonly (Pick<SystemTransaction, "from" | "to" | "mint" | "data"> &
    Partial<Pick<SystemTransaction, "value" | "gasLimit">>)[];
  /** other items of L1's queue, after deposits and messages */
  readonly items?: readonly LabItem[];
  /** bytes: signed already */
  readonly transactions?: readonly (Request | Uint8Array)[];
  /** since the block before */
  readonly seconds?: bigint;
};

export type BlockResult = {
  readonly context: IncludedOutcome;
  readonly founding: IncludedOutcome | null;
  readonly deposits: readonly IncludedOutcome[];
  readonly messages: readonly IncludedOutcome[];
  readonly items: readonly IncludedOutcome[];
  /** of the requests, in their order; invalid ones stand in no block */
  readonly users: readonly Outcome[];
  readonly settle: IncludedOutcome;
  readonly environment: BlockEnvironment;
};

export type LabOptions = {
  /** JSON as a founder writes it, or bytes as they come from L1 */
  readonly charter?: Readonly<Record<string, unknown>> | Uint8Array;
  readonly chain?: NonNullable<EngineOptions["chain"]>;
  /** wei per L1 gas */
  readonly l1BaseFee?: bigint;
  /** sequencer, then providers */
  readonly paid?: readonly [Address, ...Address[]];
  /** how many of the providers have a fee of their own; all unless said */
  readonly seated?: number;
};

/** abi.encode(Charter) of what a founder writes. */
export const charterBytes = (json: Readonly<Record<string, unknown>>): Uint8Array =>
  fromHex(encodeCharter(parseCharter({ vision: "a DAC", mission: "to be tested", ...json })));

const engines = new Map<string, Promise<Engine>>();

function engineOf(chain: NonNullable<EngineOptions["chain"]>): Promise<Engine> {
  const made = engines.get(chain) ?? createEngine({ chain });
  engines.set(chain, made);
  return made;
}

export class DacLab {
  readonly engine: Engine;
  readonly paid: readonly [Address, ...Address[]];
  readonly seated: number;
  readonly l1BaseFee: bigint;
  readonly #charter: Uint8Array;
  readonly #accounts = new Map<Address, Account>();
  readonly #slots = new Map<Address, Map<Hash, bigint>>();
  readonly #codes = new Map<Hash, Uint8Array>();
  #number = 0n;
  #timestamp = GENESIS_TIMESTAMP;
  #baseFeePerGas = GENESIS_BASE_FEE;
  #queued = 0n;

  private constructor(engine: Engine, { charter = {}, l1BaseFee = 20n * GWEI, paid, seated }: LabOptions) {
    this.engine = engine;
    this.paid = paid ?? [new User("sequencer").address, new User("provider 0").address, new User("provider 1").address];
    this.seated = seated ?? this.paid.length - 1;
    this.l1BaseFee = l1BaseFee;
    this.#charter = charter instanceof Uint8Array ? charter : charterBytes(charter);
    this.#apply(genesisWrites());
  }

  /** A DAC at block 0. */
  static async start(options: LabOptions = {}): Promise<DacLab> {
    return new DacLab(await engineOf(options.chain ?? "dac"), options);
  }

  /** A DAC after block 1, in which each user got 1,000 MT. */
  static async founded(users: readonly User[], options: LabOptions = {}): Promise<DacLab> {
    const lab = await DacLab.start(options);
    const { founding } = await lab.block({
      deposits: users.map(({ address }) => ({ to: address, mint: 1_000n * MT })),
    });
    if (founding?.status !== 1) throw new Error("the founding failed");
    return lab;
  }

  get timestamp(): bigint {
    return this.#timestamp;
  }

  balanceOf(address: Address): bigint {
    return this.#accounts.get(address)?.balance ?? 0n;
  }

  nonceOf(address: Address): bigint {
    return this.#accounts.get(address)?.nonce ?? 0n;
  }

  hasCode(address: Address): boolean {
    return (this.#codes.get(this.#accounts.get(address)?.codeHash ?? ("0x" as Hash)) ?? NOTHING).length !== 0;
  }

  slotOf(address: Address, slot: bigint): bigint {
    return this.#slots.get(address)?.get(toWordHex(slot)) ?? 0n;
  }

  /** Sum of all native balances, wei. */
  sumOfBalances(): bigint {
    let sum = 0n;
    for (const { balance } of this.#accounts.values()) sum += balance;
    return sum;
  }

  #apply(writes: readonly AccountWrite[]): void {
    for (const { address, account, code, slots } of writes) {
      if (account === null) {
        this.#accounts.delete(address);
        this.#slots.delete(address);
        continue;
      }
      this.#accounts.set(address, account);
      if (code !== null) this.#codes.set(account.codeHash, code);
      const storage = this.#slots.get(address) ?? new Map<Hash, bigint>();
      for (const { slot, value } of slots) storage.set(slot, value);
      this.#slots.set(address, storage);
    }
  }

  #reader(): OverlayReader {
    const next = this.#number + 1n;
    const base: StateReader = {
      account: (address) => this.#accounts.get(address) ?? null,
      slot: (address, slot) => this.#slots.get(address)?.get(slot) ?? 0n,
      code: (hash) => this.#codes.get(hash) ?? NOTHING,
      number: () => next,
      chainId: () => CHAIN_ID,
      blockHash: (number) => keccakHash(toWord(number)),
    };
    return new OverlayReader(base);
  }

  #environment(seconds: bigint): BlockEnvironment {
    return {
      timestamp: this.#timestamp + seconds,
      baseFeePerGas: this.#baseFeePerGas,
      gasLimit: LIMITS.blockGas,
      prevRandao: keccakHash(toWord(this.#number)),
      feeRecipient: HEADER_CONSTANTS.beneficiary,
    };
  }

  /** Signs a request. */
  sign({ from, to, value = 0n, data = "0x", gasLimit = 5_000_000n, tip = GWEI }: Request, nonce: bigint): Uint8Array {
    const fees = { maxFeePerGas: MAX_FEE, maxPriorityFeePerGas: tip };
    const fields = { type: 2, chainId: CHAIN_ID, nonce: Number(nonce), to, value, data, gasLimit, ...fees };
    const unsigned = EthersTransaction.from(fields);
    unsigned.signature = from.wallet.signingKey.sign(unsigned.unsignedHash);
    return fromHex(unsigned.serialized as Hex);
  }

  /** Executes a system transaction on the state and keeps what it does. */
  async system(transaction: SystemTransaction): Promise<IncludedOutcome> {
    const outcome = await this.engine.executeSystem(this.#environment(1n), transaction, this.#reader());
    this.#apply(outcome.writes);
    return outcome;
  }

  /** Executes a block and keeps what it does: context, founding in block 1, deposits, messages, users, settle. */
  async block(plan: BlockPlan = {}): Promise<BlockResult> {
    const { deposits = [], messages = [], items = [], transactions = [], seconds = 1n } = plan;
    const number = this.#number + 1n;
    const environment = this.#environment(seconds);
    const reader = this.#reader();
    const opening = openingTransactions({
      number,
      generation: 0n,
      context: { slot: number, l1Block: 1_000n + number, l1BaseFee: this.l1BaseFee },
      founding: { charter: this.#charter, metisDao: METIS_DAO, bridge: L1_BRIDGE },
      queueItems: deposits.map((deposit, i) =>
        depositItem({ queueIndex: this.#queued + BigInt(i), from: METIS_DAO, ...deposit }),
      ),
      transactionCount: 0,
    });
    const sent = messages.map(
      (message, i): SystemTransaction => ({
        source: "message",
        index: this.#queued + BigInt(deposits.length + i),
        gasLimit: 5_000_000n,
        value: message.mint,
        ...message,
      }),
    );
    const other = items.map((item, i) =>
      queueTransaction({ ...item, queueIndex: this.#queued + BigInt(deposits.length + messages.length + i) }),
    );
    const run = async (transaction: SystemTransaction): Promise<IncludedOutcome> => {
      const outcome = await this.engine.executeSystem(environment, transaction, reader);
      reader.apply(outcome.writes);
      this.#apply(outcome.writes);
      return outcome;
    };
    const opened: IncludedOutcome[] = [];
    for (const transaction of [...opening, ...sent, ...other]) opened.push(await run(transaction));

    const raws = this.#signAll(transactions);
    const users = await this.engine.execute(
      environment,
      raws.map((raw) => toMessage(decodeTransaction(raw, CHAIN_ID), this.l1BaseFee)),
      reader,
    );
    for (const outcome of users) {
      if (outcome.kind === "invalid") continue;
      reader.apply(outcome.writes);
      this.#apply(outcome.writes);
    }
    const included = raws.filter((_, i) => users[i]!.kind === "included");
    const { paid, seated, l1BaseFee } = this;
    const settle = await run(
      closingTransaction(CHAIN_ID, { number, l1BaseFee }, { paid, seated, transactions: included }),
    );

    const all = [...opened, ...users, settle];
    const gasUsed = all.reduce((sum, outcome) => sum + (outcome.kind === "included" ? outcome.gasUsed : 0n), 0n);
    this.#baseFeePerGas = nextBaseFee({ baseFeePerGas: environment.baseFeePerGas, gasUsed });
    this.#timestamp = environment.timestamp;
    this.#number = number;
    this.#queued += BigInt(deposits.length + messages.length + items.length);
    const [context, founding] = opened;
    const afterFounding = opening.length - deposits.length;
    return {
      context: context!,
      founding: number === 1n ? founding! : null,
      deposits: opened.slice(afterFounding, opening.length),
      messages: opened.slice(opening.length, opening.length + sent.length),
      items: opened.slice(opening.length + sent.length),
      users,
      settle,
      environment,
    };
  }

  /** Signs with the nonces that follow if all are included. */
  #signAll(requests: readonly (Request | Uint8Array)[]): Uint8Array[] {
    const nonces = new Map<User, bigint>();
    return requests.map((request) => {
      if (request instanceof Uint8Array) return request;
      const nonce = nonces.get(request.from) ?? this.nonceOf(request.from.address);
      nonces.set(request.from, nonce + 1n);
      return this.sign(request, nonce);
    });
  }

  /** One transaction in a block of its own. */
  async send(request: Request, seconds = 1n): Promise<Outcome> {
    const { users } = await this.block({ transactions: [request], seconds });
    return users[0]!;
  }

  /** Runs a call on the state, as eth_call does, after so many seconds. */
  call(
    message: Pick<TransactionMessage, "from" | "to" | "data"> & { readonly value?: bigint },
    seconds = 1n,
  ): Promise<CallResult> {
    const fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, l1Fee: 0n };
    const rest = { type: 2, nonce: 0n, gasLimit: LIMITS.transactionGas, accessList: [], authorizations: [] } as const;
    return this.engine.call(this.#environment(seconds), { value: 0n, ...rest, ...fees, ...message }, this.#reader());
  }

  /** What a function without side effects returns; throws where it fails. */
  async read({ address, abi }: LabContract, name: string, args: readonly unknown[] = []): Promise<Result> {
    const data = fromHex(abi.encodeFunctionData(name, args));
    const { status, returnData } = await this.call({ from: SYSTEM, to: address, data });
    if (status === 0) throw new Error(`${name} fails`);
    return abi.decodeFunctionResult(name, returnData);
  }

  /** The custom error, as "Name(arguments)" with letters of hexadecimal small, by which a request fails; "" where it does not. */
  async refusal(request: Request, abi: Interface, seconds = 1n): Promise<string> {
    const { from, to, value = 0n, data = "0x" } = request;
    const result = await this.call({ from: from.address, to, data: fromHex(data), value }, seconds);
    if (result.status === 1) return "";
    const error = abi.parseError(result.returnData);
    return error === null ? (result.failure ?? "") : `${error.name}(${error.args.join(",").toLowerCase()})`;
  }
}

/** A user's transaction that is included and does what it should. */
export const DONE = { kind: "included", status: 1 };
/** One that is included and fails. */
export const FAILED = { kind: "included", status: 0 };
/** One that may not stand in a block, because the charter denies its signer TX. */
export const DENIED = { kind: "invalid", reason: "denied" };
