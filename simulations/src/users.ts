/** Users of the simulated DACs: accounts, and transfers that they sign, all drawn from a seed. */
import {
  type Address,
  addressOf,
  type ChainId,
  decodeTransaction,
  fromHex,
  type Hex,
  type Transaction,
} from "@mvm/protocol";
import { Transaction as EthersTransaction, SigningKey } from "ethers";
import type { SeededRandom } from "./seededRandom.ts";

const MAX_FEE = 100n * 10n ** 9n;
const MAX_TIP = 10n ** 9n;
const TRANSFER_GAS = 21_000n;

export class Users {
  readonly #random: SeededRandom;
  readonly #keys: readonly Hex[];
  readonly #nonces = new Map<string, number>();
  readonly addresses: readonly Address[];

  constructor(random: SeededRandom, count: number) {
    this.#random = random;
    this.#keys = Array.from({ length: count }, () => random.hash());
    this.addresses = this.#keys.map((key) => addressOf(fromHex(key)));
  }

  /** The next transfer of a drawn user to another on a chain. */
  transfer(chainId: ChainId): Transaction {
    const from = this.#random.below(this.#keys.length);
    const to = this.addresses[this.#random.below(this.addresses.length)]!;
    const lane = `${chainId}/${from}`;
    const nonce = this.#nonces.get(lane) ?? 0;
    this.#nonces.set(lane, nonce + 1);
    const unsigned = EthersTransaction.from({
      type: 2,
      chainId,
      nonce,
      to,
      value: BigInt(1 + this.#random.below(1_000_000)),
      gasLimit: TRANSFER_GAS,
      maxFeePerGas: MAX_FEE,
      maxPriorityFeePerGas: BigInt(this.#random.below(Number(MAX_TIP))),
    });
    unsigned.signature = new SigningKey(this.#keys[from]!).sign(unsigned.unsignedHash);
    return decodeTransaction(fromHex(unsigned.serialized as Hex), chainId);
  }
}
