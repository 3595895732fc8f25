/** Users' transactions on a DAC whose contracts they deployed first: an ERC-20's transfers, or swaps by Uniswap V2. */
import { createAddress } from "@mvm/evm";
import {
  type Address,
  addressOf,
  decodeTransaction,
  fromHex,
  keccak,
  type Transaction,
  type TransactionMessage,
  toAddress,
  toHex,
} from "@mvm/protocol";
import type { SeededRandom } from "../seededRandom.ts";
import { signedTransaction } from "../signedTransaction.ts";
import { compileToken, factoryCode, routerCall, routerCode, tokenCall, withArguments } from "./blocksContracts.ts";

export type TrafficKind = "plain" | "erc20" | "swap";

const GAS: Record<TrafficKind, bigint> = { plain: 21_000n, erc20: 100_000n, swap: 300_000n };
const SET_UP_GAS = 8_000_000n;
const MAX_FEE = 100n * 10n ** 9n;
const TIP = 10n ** 9n;
const LIQUIDITY = 10n ** 26n;
const TOKENS_EACH = 10n ** 22n;
const DEADLINE = 2n ** 40n;
/** Receivers that were never seen before, of all. */
const NEW_RECEIVERS = 1 / 3;
const NOBODY = toAddress("0x00000000000000000000000000000000000000ee");

type Fields = Pick<TransactionMessage, "to" | "data"> & Partial<Pick<TransactionMessage, "value" | "gasLimit">>;

export class JobsTraffic {
  readonly kind: TrafficKind;
  readonly #chainId: bigint;
  readonly #random: SeededRandom;
  readonly #keys: readonly Uint8Array[];
  readonly #nonces = new Map<Address, bigint>();
  /** users that send, from the first on */
  #senders: number;
  /** to have balances before the first transaction; the first of them deploys */
  readonly addresses: readonly Address[];

  /**
   * @param users accounts that send
   * @param latecomers others that send once they are let in
   */
  constructor(options: {
    kind: TrafficKind;
    chainId: bigint;
    random: SeededRandom;
    users: number;
    latecomers?: number;
  }) {
    const { kind, chainId, random, users, latecomers = 0 } = options;
    this.kind = kind;
    this.#chainId = chainId;
    this.#random = random;
    this.#keys = Array.from({ length: 1 + users + latecomers }, () => fromHex(random.hash()));
    this.addresses = this.#keys.map(addressOf);
    this.#senders = users;
  }

  /** From now on latecomers send too. */
  letIn(): void {
    this.#senders = this.#keys.length - 1;
  }

  /** Contracts of the first sender, in the order of their making: token A; for swaps token B, the factory, the router. */
  #contract(index: number): Address {
    return createAddress(this.addresses[0]!, BigInt(index));
  }

  #signed(by: number, { value = 0n, gasLimit = SET_UP_GAS, ...fields }: Fields): Transaction {
    const from = this.addresses[by]!;
    const nonce = this.#nonces.get(from) ?? 0n;
    this.#nonces.set(from, nonce + 1n);
    const prices = { maxFeePerGas: MAX_FEE, maxPriorityFeePerGas: TIP };
    const unsigned = { type: 2 as const, nonce, gasLimit, ...prices, value, ...fields, accessList: [] };
    return decodeTransaction(signedTransaction(this.#keys[by]!, unsigned, this.#chainId), this.#chainId);
  }

  /** Transactions that make the contracts and give users tokens, in groups: each needs those before it in earlier blocks. */
  setUp(): readonly (readonly Transaction[])[] {
    if (this.kind === "plain") return [];
    const [deployer, ...users] = this.addresses;
    const make = (data: Uint8Array): Transaction => this.#signed(0, { to: null, data });
    const token = (name: string): Transaction =>
      make(withArguments(compileToken(), ["string", "address"], [name, deployer]));
    const [tokenA, tokenB, factory, router] = [0, 1, 2, 3].map((index) => this.#contract(index));
    const approve = (by: number, of: Address): Transaction =>
      this.#signed(by, { to: of, data: tokenCall("approve", [router, 2n ** 255n]), gasLimit: GAS.erc20 });
    const give = (): readonly Transaction[] =>
      users.map((user) =>
        this.#signed(0, { to: tokenA!, data: tokenCall("transfer", [user, TOKENS_EACH]), gasLimit: GAS.erc20 }),
      );
    if (this.kind === "erc20") return [[token("A")], give()];
    const liquidity = [tokenA, tokenB, LIQUIDITY, LIQUIDITY, 0n, 0n, deployer, DEADLINE];
    return [
      [token("A")],
      [token("B")],
      [make(withArguments(factoryCode(), ["address"], [deployer]))],
      [make(withArguments(routerCode(), ["address", "address"], [factory, NOBODY]))],
      [
        approve(0, tokenA!),
        approve(0, tokenB!),
        this.#signed(0, { to: router!, data: routerCall("addLiquidity", liquidity) }),
      ],
      [...give(), ...users.map((_, i) => approve(i + 1, tokenA!))],
    ];
  }

  /** The next transaction of a drawn user, to a drawn user or to an account that was never seen before. */
  next(): Transaction {
    const by = 1 + this.#random.below(this.#senders);
    const isNew = this.#random.fraction() < NEW_RECEIVERS;
    const drawn = this.addresses[1 + this.#random.below(this.#senders)]!;
    const receiver = isNew ? (toHex(keccak(fromHex(this.#random.hash())).subarray(12)) as Address) : drawn;
    const amount = BigInt(1 + this.#random.below(1_000_000));
    const gasLimit = GAS[this.kind];
    if (this.kind === "plain")
      return this.#signed(by, { to: receiver, data: new Uint8Array(0), value: amount, gasLimit });
    const [tokenA, tokenB, , router] = [0, 1, 2, 3].map((index) => this.#contract(index));
    if (this.kind === "erc20")
      return this.#signed(by, { to: tokenA!, data: tokenCall("transfer", [receiver, amount]), gasLimit });
    const path = [tokenA, tokenB];
    const data = routerCall("swapExactTokensForTokens", [10n ** 9n * amount, 1n, path, receiver, DEADLINE]);
    return this.#signed(by, { to: router!, data, gasLimit });
  }
}
