/** System transactions of every source, stated with literals; calls are encoded by ethers. */
import { concat, Interface, keccak256 } from "ethers";
import { addressNamed, type Bytes, bytes, fillNamed, int, rlpOf } from "./format.ts";

const SYSTEM = "0xfffffffffffffffffffffffffffffffffffffffe";
const EXECUTION_MANAGER = "0x4d564d0000000000000000000000000000000002";
const COINBASE = "0x4d564d0000000000000000000000000000000001";
const TOKEN_BRIDGE = "0x4d564d0000000000000000000000000000000008";
const NOBODY = `0x${"00".repeat(20)}`;
const DAC_MASTER = "0x4d564d0000000000000000000000000000000003";
/** EIP-7825: what one transaction may have. */
const CALL_GAS = 2n ** 24n;

const SYSTEM_CALLS = new Interface([
  "function context(uint64 slot, uint64 l1Block, uint64 l1BaseFee, uint64 generation, uint256 transactionCount)",
  "function found(bytes charter, address metisDao, address bridge)",
  "function settle(address sequencer, uint256 seated, address[] providers, uint256 l1Fees, address[] seen)",
]);

/** Order of the sources on the wire. */
const SOURCES = ["deposit", "message", "context", "founding", "settle", "forced", "exit"];

type Transaction = {
  source: string;
  index: bigint;
  from: string;
  to: string;
  mint: bigint;
  value: bigint;
  gasLimit: bigint;
  data: Bytes;
};

export const systemBytes = (chainId: bigint, value: Transaction): string => {
  const { source, index, from, to, mint, value: carried, gasLimit, data } = value;
  const items = [int(SOURCES.indexOf(source)), int(index), from, to, int(mint), int(carried), int(gasLimit), data.bytes];
  return concat(["0x7e", rlpOf([int(chainId), ...items])]);
};

type Item = {
  kind: "depositMT" | "message" | "forced" | "exit";
  queueIndex: bigint;
  from: string;
  to: string;
  mint: bigint;
  value: bigint;
  gasLimit: bigint;
  data: Bytes;
};
export const depositOf = ({ queueIndex, from, to, mint }: Item): Transaction => ({
  source: "deposit",
  index: queueIndex,
  from,
  to,
  mint,
  value: 0n,
  gasLimit: 0n,
  data: bytes("0x"),
});

const call = (source: string, index: bigint, to: string, data: string): Transaction => ({
  source,
  index,
  from: SYSTEM,
  to,
  mint: 0n,
  value: 0n,
  gasLimit: CALL_GAS,
  data: bytes(data),
});

type ContextValues = { slot: bigint; l1Block: bigint; l1BaseFee: bigint; generation: bigint };
export function contextOf(number: bigint, values: ContextValues, transactionCount: number): Transaction {
  const { slot, l1Block, l1BaseFee, generation } = values;
  const words = [slot, l1Block, l1BaseFee, generation, transactionCount];
  return call("context", number, EXECUTION_MANAGER, SYSTEM_CALLS.encodeFunctionData("context", words));
}

type Founding = { charter: Bytes; metisDao: string; bridge: string };
export const foundingOf = ({ charter, metisDao, bridge }: Founding): Transaction =>
  call("founding", 1n, DAC_MASTER, SYSTEM_CALLS.encodeFunctionData("found", [charter.bytes, metisDao, bridge]));

type Settlement = { sequencer: string; seated: number; providers: string[]; l1Fees: bigint; seen: string[] };
export function settleOf(number: bigint, { sequencer, seated, providers, l1Fees, seen }: Settlement): Transaction {
  const data = SYSTEM_CALLS.encodeFunctionData("settle", [sequencer, seated, providers, l1Fees, seen]);
  return call("settle", number, EXECUTION_MANAGER, data);
}

const deposit = (queueIndex: bigint, to: string, mint: bigint): Item => {
  const from = addressNamed("depositor");
  return { kind: "depositMT", queueIndex, from, to, mint, value: 0n, gasLimit: 0n, data: bytes("0x") };
};
export const DEPOSITS: Item[] = [
  deposit(0n, addressNamed("alice"), 0n),
  deposit(2n ** 32n, addressNamed("depositor"), 10n ** 24n),
  deposit(127n, addressNamed("alice"), 2n ** 256n - 1n),
];

export const FOUNDING: Founding = {
  charter: bytes(fillNamed("charter", 320)),
  metisDao: addressNamed("Metis DAO"),
  bridge: addressNamed("bridge"),
};

/** L1 addresses with what they are on a DAC: the offset added to the number that the address is, modulo 2^160. */
const ALIASES = [
  { l1Address: `0x${"00".repeat(20)}`, alias: "0x1111000000000000000000000000000000001111" },
  { l1Address: `0x${"00".repeat(19)}01`, alias: "0x1111000000000000000000000000000000001112" },
  { l1Address: `0x${"ff".repeat(20)}`, alias: "0x1111000000000000000000000000000000001110" },
  { l1Address: "0xeeeeffffffffffffffffffffffffffffffffeeee", alias: "0xffffffffffffffffffffffffffffffffffffffff" },
  { l1Address: "0xeeeeffffffffffffffffffffffffffffffffeeef", alias: `0x${"00".repeat(20)}` },
];

/** An item of each alias's L1 address, the value more or less than what came with it. */
const messageItem = ({ l1Address }: (typeof ALIASES)[number], queueIndex: bigint): Item => ({
  kind: "message",
  queueIndex,
  from: l1Address,
  to: addressNamed("token"),
  mint: queueIndex * 10n ** 18n,
  value: 2n * 10n ** 18n,
  gasLimit: 100_000n + queueIndex,
  data: bytes(fillNamed("call", 68)),
});
const messageOf = ({ alias }: (typeof ALIASES)[number], item: Item): Transaction => {
  const { queueIndex: index, to, mint, value, gasLimit, data } = item;
  return { source: "message", index, from: alias, to, mint, value, gasLimit, data };
};

const EXITS: Item[] = [COINBASE, TOKEN_BRIDGE, addressNamed("token")].map((to, i) => ({
  kind: "exit",
  queueIndex: BigInt(i) * 300n,
  from: addressNamed("alice"),
  to,
  mint: 0n,
  value: BigInt(i) * 10n ** 18n,
  gasLimit: 300_000n,
  data: bytes(fillNamed("exit", 36)),
}));
const exitOf = ({ queueIndex: index, from, to, value, gasLimit, data }: Item): Transaction => {
  return { source: "exit", index, from, to, mint: 0n, value, gasLimit, data };
};

/** Whatever the bytes are, and whoever brought them. */
const FORCED: Item[] = [0, 1, 110].map((size) => ({
  kind: "forced",
  queueIndex: BigInt(size),
  from: addressNamed("bearer"),
  to: NOBODY,
  mint: 0n,
  value: 0n,
  gasLimit: 0n,
  data: bytes(size === 0 ? "0x" : fillNamed("signed", size)),
}));
const forcedOf = ({ queueIndex: index, data }: Item): Transaction => {
  return { source: "forced", index, from: SYSTEM, to: NOBODY, mint: 0n, value: 0n, gasLimit: 0n, data };
};

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
  const settles = [
    { count: 0, seated: 0, entered: 0 },
    { count: 1, seated: 1, entered: 0 },
    { count: 2, seated: 0, entered: 1 },
    { count: 2, seated: 1, entered: 64 },
    { count: 2, seated: 2, entered: 256 },
  ].map(({ count, seated, entered }, place) => ({
    number: BigInt(place) + 1n,
    settlement: {
      sequencer: addressNamed("sequencer"),
      seated,
      providers: Array.from({ length: count }, (_, i) => addressNamed(`provider ${i}`)),
      seen: Array.from({ length: entered }, (_, i) => addressNamed(`seen ${i}`)),
      l1Fees: seated === 2 ? 2n ** 256n - 1n : BigInt(place) * 10n ** 15n,
    },
  }));
  return {
    aliases: ALIASES,
    queueItems: [
      ...DEPOSITS.map((item) => [item, depositOf(item)] as const),
      ...ALIASES.map((alias, i) => {
        const item = messageItem(alias, BigInt(i));
        return [item, messageOf(alias, item)] as const;
      }),
      ...FORCED.map((item) => [item, forcedOf(item)] as const),
      ...EXITS.map((item) => [item, exitOf(item)] as const),
    ].flatMap(([item, value]) => onChains({ item }, value)),
    contexts: contexts.flatMap((origin) =>
      onChains(origin, contextOf(origin.number, origin.values, origin.transactionCount)),
    ),
    foundings: foundings.flatMap((founding) => onChains({ founding }, foundingOf(founding))),
    settles: settles.flatMap((origin) => onChains(origin, settleOf(origin.number, origin.settlement))),
  };
}
