/** System transactions of every source, stated with literals; calls are encoded by ethers. */
import { concat, Interface, keccak256 } from "ethers";
import { addressNamed, type Bytes, bytes, fillNamed, int, rlpOf } from "./format.ts";

const SYSTEM = "0xfffffffffffffffffffffffffffffffffffffffe";
const EXECUTION_MANAGER = "0x4d564d0000000000000000000000000000000002";
const DAC_MASTER = "0x4d564d0000000000000000000000000000000003";
/** EIP-7825: what one transaction may have. */
const CALL_GAS = 2n ** 24n;

const SYSTEM_CALLS = new Interface([
  "function context(uint64 slot, uint64 l1Block, uint64 l1BaseFee, uint64 generation, uint256 transactionCount)",
  "function found(bytes charter, address metisDao)",
  "function settle(address sequencer, address[] providers, uint256 l1Fees)",
]);

/** Order of the sources on the wire. */
const SOURCES = ["deposit", "message", "context", "founding", "settle"];

type Transaction = {
  source: string;
  index: bigint;
  from: string;
  to: string;
  mint: bigint;
  gasLimit: bigint;
  data: Bytes;
};

export const systemBytes = (chainId: bigint, value: Transaction): string => {
  const { source, index, from, to, mint, gasLimit, data } = value;
  const items = [int(SOURCES.indexOf(source)), int(index), from, to, int(mint), int(gasLimit), data.bytes];
  return concat(["0x7e", rlpOf([int(chainId), ...items])]);
};

type Deposit = { queueIndex: bigint; from: string; to: string; mint: bigint };
export const depositOf = ({ queueIndex, from, to, mint }: Deposit): Transaction => ({
  source: "deposit",
  index: queueIndex,
  from,
  to,
  mint,
  gasLimit: 0n,
  data: bytes("0x"),
});

const call = (source: string, index: bigint, to: string, data: string): Transaction => ({
  source,
  index,
  from: SYSTEM,
  to,
  mint: 0n,
  gasLimit: CALL_GAS,
  data: bytes(data),
});

type ContextValues = { slot: bigint; l1Block: bigint; l1BaseFee: bigint; generation: bigint };
export function contextOf(number: bigint, values: ContextValues, transactionCount: number): Transaction {
  const { slot, l1Block, l1BaseFee, generation } = values;
  const words = [slot, l1Block, l1BaseFee, generation, transactionCount];
  return call("context", number, EXECUTION_MANAGER, SYSTEM_CALLS.encodeFunctionData("context", words));
}

type Founding = { charter: Bytes; metisDao: string };
export const foundingOf = ({ charter, metisDao }: Founding): Transaction =>
  call("founding", 1n, DAC_MASTER, SYSTEM_CALLS.encodeFunctionData("found", [charter.bytes, metisDao]));

type Settlement = { sequencer: string; providers: string[]; l1Fees: bigint };
export function settleOf(number: bigint, { sequencer, providers, l1Fees }: Settlement): Transaction {
  const data = SYSTEM_CALLS.encodeFunctionData("settle", [sequencer, providers, l1Fees]);
  return call("settle", number, EXECUTION_MANAGER, data);
}

export const DEPOSITS: Deposit[] = [
  { queueIndex: 0n, from: addressNamed("depositor"), to: addressNamed("alice"), mint: 0n },
  { queueIndex: 2n ** 32n, from: addressNamed("depositor"), to: addressNamed("depositor"), mint: 10n ** 24n },
  { queueIndex: 127n, from: addressNamed("depositor"), to: addressNamed("alice"), mint: 2n ** 256n - 1n },
];

export const FOUNDING: Founding = { charter: bytes(fillNamed("charter", 320)), metisDao: addressNamed("Metis DAO") };

/** L1 addresses with what they are on a DAC: the offset added to the number that the address is, modulo 2^160. */
const ALIASES = [
  { l1Address: `0x${"00".repeat(20)}`, alias: "0x1111000000000000000000000000000000001111" },
  { l1Address: `0x${"00".repeat(19)}01`, alias: "0x1111000000000000000000000000000000001112" },
  { l1Address: `0x${"ff".repeat(20)}`, alias: "0x1111000000000000000000000000000000001110" },
  { l1Address: "0xeeeeffffffffffffffffffffffffffffffffeeee", alias: "0xffffffffffffffffffffffffffffffffffffffff" },
  { l1Address: "0xeeeeffffffffffffffffffffffffffffffffeeef", alias: `0x${"00".repeat(20)}` },
];

const message = ({ alias }: (typeof ALIASES)[number], index: bigint): Transaction => ({
  source: "message",
  index,
  from: alias,
  to: addressNamed("token"),
  mint: index * 10n ** 18n,
  gasLimit: 100_000n + index,
  data: bytes(fillNamed("call", 68)),
});

const CHAIN_IDS = [1n, 4503599627370475n];
const UINT64_MAX = 2n ** 64n - 1n;

/** The transaction on each chain, with what it is made of. */
const onChains = <T extends object>(origin: T, value: Transaction) =>
  CHAIN_IDS.map((chainId) => {
    const encoded = systemBytes(chainId, value);
    return { ...origin, chainId, value, encoded, hash: keccak256(encoded) };
  });

export function systemTransactionVectors() {
  const contexts = [
    { number: 1n, values: { slot: 0n, l1Block: 0n, l1BaseFee: 0n, generation: 0n }, transactionCount: 3 },
    {
      number: 2n ** 32n,
      values: { slot: 750_000n, l1Block: 24_000_031n, l1BaseFee: 30n * 10n ** 9n, generation: 2n },
      transactionCount: 2_048,
    },
    {
      number: UINT64_MAX,
      values: { slot: UINT64_MAX, l1Block: UINT64_MAX, l1BaseFee: UINT64_MAX, generation: UINT64_MAX },
      transactionCount: 2,
    },
  ];
  const foundings = [FOUNDING, ...[0, 1, 31, 33].map((size) => ({ ...FOUNDING, charter: bytes(size === 0 ? "0x" : fillNamed("charter", size)) }))];
  const settles = [0, 1, 4].map((count) => ({
    number: BigInt(count) + 1n,
    settlement: {
      sequencer: addressNamed("sequencer"),
      providers: Array.from({ length: count }, (_, i) => addressNamed(`provider ${i}`)),
      l1Fees: count === 4 ? 2n ** 256n - 1n : BigInt(count) * 10n ** 15n,
    },
  }));
  return {
    aliases: ALIASES,
    deposits: DEPOSITS.flatMap((deposit) => onChains({ deposit }, depositOf(deposit))),
    messages: ALIASES.flatMap((alias, i) => onChains(alias, message(alias, BigInt(i)))),
    contexts: contexts.flatMap((origin) =>
      onChains(origin, contextOf(origin.number, origin.values, origin.transactionCount)),
    ),
    foundings: foundings.flatMap((founding) => onChains({ founding }, foundingOf(founding))),
    settles: settles.flatMap((origin) => onChains(origin, settleOf(origin.number, origin.settlement))),
  };
}
