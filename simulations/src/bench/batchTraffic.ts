/**
 * Traffic that the batch benchmark encodes: signed transactions of 20,000 accounts, senders and receivers by Zipf's law
 * (exponent 1, each in an order of its own), with fees, gas limits, nonces and amounts as wallets make them.
 */
import {
  type Address,
  addressOf,
  bigIntToBytes,
  bytesToBigInt,
  concatBytes,
  encodeRlp,
  fromHex,
  keccak,
  keccakHash,
  type RlpInput,
  signDigest,
  toAddress,
  toChainId,
} from "@mvm/protocol";
import { Draw } from "../fuzz/draw.ts";
import { SeededRandom } from "../seededRandom.ts";
import { routerCall, tokenCall } from "./blocksContracts.ts";

export const BATCH_WORKLOADS = ["plain", "erc20", "swap"] as const;
export type BatchWorkload = (typeof BATCH_WORKLOADS)[number];

const ACCOUNTS = 20_000;
const TOKENS = 20;
const GWEI = 10n ** 9n;
/** base fee's ladder: a step is 9/8 */
const BASE_FEES = [1_000_000_000n, 1_125_000_000n, 1_265_625_000n, 1_423_828_125n];
/** what wallets offer: slow, market, fast, and the default of libraries */
const TIPS = [GWEI / 100n, GWEI / 20n, GWEI / 10n, GWEI];
export const TRAFFIC_CHAIN_ID = toChainId(1_000_000_001_088n);

/** A transaction before it is signed, with the addresses that an address table would take of it. */
export type Sent = {
  readonly key: Uint8Array;
  readonly fields: readonly RlpInput[];
  readonly legacy: boolean;
  readonly named: readonly Address[];
};

/** The place of each of `count` things in a drawn order, by their weight 1 / place. */
class Zipf {
  readonly #sums: number[] = [];
  readonly #order: number[];

  constructor(count: number, draw: Draw) {
    let sum = 0;
    for (let place = 1; place <= count; place++) {
      sum += 1 / place;
      this.#sums.push(sum);
    }
    this.#order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = draw.below(i + 1);
      [this.#order[i], this.#order[j]] = [this.#order[j]!, this.#order[i]!];
    }
  }

  pick(draw: Draw): number {
    const wanted = (draw.below(2 ** 31) / 2 ** 31) * this.#sums.at(-1)!;
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return this.#order[low]!;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const contractAddress = (name: string): Address => toAddress(`0x${keccakHash(bytesOf(`batch ${name}`)).slice(26)}`);

/** Keys and addresses; they take a second to make and are the same for all workloads. */
export class Population {
  readonly keys = Array.from({ length: ACCOUNTS }, (_, i) => keccak(bytesOf(`batch account ${i}`)));
  readonly addresses = this.keys.map(addressOf);
  readonly tokens = Array.from({ length: TOKENS }, (_, i) => contractAddress(`token ${i}`));
  readonly router = contractAddress("router");
}

/** Digits that people type: one or two, some more, or the whole balance. */
function amount(draw: Draw, decimals: number): bigint {
  const unit = 10n ** BigInt(decimals);
  const kind = draw.below(10);
  if (kind < 5) return (BigInt(draw.between(1, 99)) * unit) / BigInt(draw.pick([1, 10, 100, 1_000]));
  if (kind < 7) return (BigInt(draw.between(1_000, 9_999_999)) * unit) / 10_000n;
  return fullPrecision(draw, decimals);
}

/** An amount with all its decimals: below 1,000 units. */
function fullPrecision(draw: Draw, decimals: number): bigint {
  return 1n + (bytesToBigInt(draw.bytes(12)) % 10n ** BigInt(decimals + draw.below(4)));
}

/** What a wallet makes of an estimate. */
function padded(draw: Draw, estimate: number): bigint {
  return BigInt(Math.floor(estimate * draw.pick([1, 1.2, 1.5])));
}

/** A stream of transactions of one workload; earlier ones are drawn the same way and need not be signed. */
export class Traffic {
  readonly #workload: BatchWorkload;
  readonly #people: Population;
  readonly #draw: Draw;
  readonly #senders: Zipf;
  readonly #receivers: Zipf;
  readonly #tokens: Zipf;
  readonly #nonces: number[];
  #step = 0;

  constructor(workload: BatchWorkload, people: Population) {
    this.#workload = workload;
    this.#people = people;
    this.#draw = new Draw(new SeededRandom(`bench/batch/${workload}`));
    this.#senders = new Zipf(ACCOUNTS, this.#draw);
    this.#receivers = new Zipf(ACCOUNTS, this.#draw);
    this.#tokens = new Zipf(TOKENS, this.#draw);
    this.#nonces = Array.from({ length: ACCOUNTS }, () => this.#draw.below(20));
  }

  #receiver(): Address {
    return this.#people.addresses[this.#receivers.pick(this.#draw)]!;
  }

  #token(): { readonly address: Address; readonly decimals: number } {
    const at = this.#tokens.pick(this.#draw);
    return { address: this.#people.tokens[at]!, decimals: at % 2 === 0 ? 18 : 6 };
  }

  #call(
    sender: Address,
    timestamp: bigint,
  ): { gas: bigint; to: Address; value: bigint; data: Uint8Array; named: Address[] } {
    const draw = this.#draw;
    const none = new Uint8Array(0);
    if (this.#workload === "plain") {
      const to = this.#receiver();
      return { gas: 21_000n, to, value: amount(draw, 18), data: none, named: [to] };
    }
    const token = this.#token();
    if (this.#workload === "erc20") {
      const to = this.#receiver();
      const data = tokenCall("transfer", [to, amount(draw, token.decimals)]);
      // A fresh balance or not, and 12 gas for each zero byte of the call.
      const estimate = (draw.onceIn(3) ? 51_500 : 34_400) + 12 * draw.below(8);
      return { gas: padded(draw, estimate), to: token.address, value: 0n, data, named: [token.address, to] };
    }
    let other = this.#token();
    while (other.address === token.address) other = this.#token();
    let path = [token.address, other.address];
    if (draw.onceIn(5)) {
      let between = this.#token().address;
      while (path.includes(between)) between = this.#token().address;
      path = [token.address, between, other.address];
    }
    const to = draw.onceIn(20) ? this.#receiver() : sender;
    // Twenty minutes by a clock that is some seconds off; a few settings of a user's own.
    const patience = draw.onceIn(10) ? draw.pick([300, 600, 1_800, 3_600]) : 1_200;
    const deadline = timestamp + BigInt(patience + draw.between(-6, 2));
    const amounts = [amount(draw, token.decimals), fullPrecision(draw, other.decimals)];
    const data = routerCall("swapExactTokensForTokens", [...amounts, path, to, deadline]);
    const gas = draw.onceIn(4) ? 300_000n : padded(draw, draw.between(105_000, 190_000));
    return { gas, to: this.#people.router, value: 0n, data, named: [this.#people.router, ...path, to] };
  }

  /** The next transaction. */
  next(timestamp: bigint): Sent {
    const draw = this.#draw;
    const at = this.#senders.pick(draw);
    const sender = this.#people.addresses[at]!;
    const { gas, to, value, data, named } = this.#call(sender, timestamp);
    if (draw.onceIn(200)) this.#step = (this.#step + draw.pick([1, 3])) % BASE_FEES.length;
    const odd = draw.onceIn(10);
    const tip = odd ? BigInt(draw.between(1_000_000, 2_000_000_000)) : draw.pick(TIPS);
    const fee = 2n * BASE_FEES[this.#step]! + tip;
    const legacy = draw.onceIn(20);
    const nonce = BigInt(this.#nonces[at]!++);
    const int = bigIntToBytes;
    const call = [int(gas), fromHex(to), int(value), data];
    const fields = legacy
      ? [int(nonce), int(fee), ...call]
      : [int(TRAFFIC_CHAIN_ID), int(nonce), int(tip), int(fee), ...call, []];
    return { key: this.#people.keys[at]!, fields, legacy, named };
  }
}

/** The signed transaction. */
export function signed({ key, fields, legacy }: Sent): Uint8Array {
  const none = new Uint8Array(0);
  const type = legacy ? none : Uint8Array.of(2);
  const unsigned = legacy ? [...fields, bigIntToBytes(TRAFFIC_CHAIN_ID), none, none] : fields;
  const signature = fromHex(signDigest(key, keccakHash(concatBytes(type, encodeRlp(unsigned)))));
  const parity = BigInt(signature[64]!);
  const v = legacy ? 35n + 2n * TRAFFIC_CHAIN_ID + parity : parity;
  const halves = [signature.subarray(0, 32), signature.subarray(32, 64)].map((half) =>
    bigIntToBytes(bytesToBigInt(half)),
  );
  return concatBytes(type, encodeRlp([...fields, bigIntToBytes(v), ...halves]));
}
