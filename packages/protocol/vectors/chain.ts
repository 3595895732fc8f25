/** The chain's own formats, stated with literals: headers, receipts, checkpoints, Merkle trees. */
import { concat, keccak256 } from "ethers";
import { addressNamed, bytes, fillNamed, hashNamed, int, type Rlp, rlpOf, word } from "./format.ts";

/** keccak(rlp([])), as every block explorer shows it for sha3Uncles. */
const NO_OMMERS = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
/** sha256 of nothing (EIP-7685). */
const NO_REQUESTS = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const header = (number: bigint, bloom: string) => ({
  parentHash: hashNamed(`parent of ${number}`),
  stateRoot: hashNamed(`state ${number}`),
  transactionsRoot: hashNamed(`transactions ${number}`),
  receiptsRoot: hashNamed(`receipts ${number}`),
  logsBloom: bytes(bloom),
  number,
  gasUsed: number * 21_000n,
  timestamp: 1_790_000_000n + number,
  checkpointsRoot: hashNamed(`checkpoints ${number}`),
  withdrawalsRoot: hashNamed(`withdrawals ${number}`),
  prevRandao: hashNamed(`randao ${number}`),
  baseFeePerGas: 10_000_000n,
});
type Header = ReturnType<typeof header>;

export const HEADERS: Header[] = [
  header(0n, `0x${"00".repeat(256)}`),
  header(1n, fillNamed("bloom", 256)),
  header(2n ** 32n, fillNamed("another bloom", 256)),
];

/** On the wire: the variable fields alone. */
export const headerWireItems = (header: Header): Rlp => [
  header.parentHash,
  header.stateRoot,
  header.transactionsRoot,
  header.receiptsRoot,
  header.logsBloom.bytes,
  int(header.number),
  int(header.gasUsed),
  int(header.timestamp),
  header.checkpointsRoot,
  header.withdrawalsRoot,
  header.prevRandao,
  int(header.baseFeePerGas),
];

/** What is hashed: Ethereum's 21 fields of Prague. */
const headerItems = (header: Header): Rlp => [
  header.parentHash,
  NO_OMMERS,
  "0x4d564d0000000000000000000000000000000002",
  header.stateRoot,
  header.transactionsRoot,
  header.receiptsRoot,
  header.logsBloom.bytes,
  int(0),
  int(header.number),
  int(60_000_000),
  int(header.gasUsed),
  int(header.timestamp),
  header.checkpointsRoot,
  header.prevRandao,
  "0x0000000000000000",
  int(header.baseFeePerGas),
  header.withdrawalsRoot,
  int(0),
  int(0),
  `0x${"00".repeat(32)}`,
  NO_REQUESTS,
];

export const headerHash = (header: Header): string => keccak256(rlpOf(headerItems(header)));

export const headerVectors = () =>
  HEADERS.map((value) => ({
    value,
    wire: rlpOf(headerWireItems(value)),
    encoded: rlpOf(headerItems(value)),
    hash: headerHash(value),
  }));

type Log = { address: string; topics: string[]; data: { bytes: string } };

/** M3:2048 of the yellow paper, over a set of bit numbers. */
function bloomOf(logs: readonly Log[]): string {
  const bits = new Set<bigint>();
  for (const item of logs.flatMap((log) => [log.address, ...log.topics])) {
    const digest = BigInt(keccak256(item));
    for (const shift of [240n, 224n, 208n]) bits.add((digest >> shift) & 2047n);
  }
  let value = 0n;
  for (const bit of bits) value |= 1n << bit;
  return `0x${value.toString(16).padStart(512, "0")}`;
}

const LOGS: Log[] = [
  {
    address: addressNamed("token"),
    topics: [hashNamed("Transfer"), hashNamed("from"), hashNamed("to")],
    data: bytes("0x2a"),
  },
  { address: addressNamed("token"), topics: [], data: bytes("0x") },
  {
    address: addressNamed("other"),
    topics: [hashNamed("a"), hashNamed("b"), hashNamed("c"), hashNamed("d")],
    data: bytes(fillNamed("data", 100)),
  },
];

export function receiptVectors() {
  const cases = [
    { type: 0, status: 1, cumulativeGasUsed: 21_000n, logs: [] as Log[] },
    { type: 1, status: 0, cumulativeGasUsed: 0n, logs: LOGS.slice(1, 2) },
    { type: 2, status: 1, cumulativeGasUsed: 60_000_000n, logs: LOGS },
    { type: 4, status: 1, cumulativeGasUsed: 2n ** 40n, logs: LOGS.slice(0, 1) },
    { type: 0x7e, status: 1, cumulativeGasUsed: 100n, logs: [] as Log[] },
  ];
  return cases.map((value) => {
    const bloom = bloomOf(value.logs);
    const body = rlpOf([
      int(value.status),
      int(value.cumulativeGasUsed),
      bloom,
      value.logs.map((log) => [log.address, log.topics, log.data.bytes]),
    ]);
    return { value, bloom, encoded: value.type === 0 ? body : concat([int(value.type), body]) };
  });
}

export function checkpointVectors() {
  return [0, 1, 2_047].map((index) => {
    const value = {
      index,
      stateRoot: hashNamed(`state ${index}`),
      cumulativeGasUsed: BigInt(index) * 29_311n,
      receiptHash: hashNamed(`receipt ${index}`),
      transactionsRoot: hashNamed(`transactions ${index}`),
      receiptsRoot: hashNamed(`receipts ${index}`),
      bloomHash: hashNamed(`bloom ${index}`),
    };
    const { stateRoot, receiptHash, transactionsRoot, receiptsRoot, bloomHash } = value;
    const leaf = keccak256(
      concat([
        word(index),
        stateRoot,
        word(value.cumulativeGasUsed),
        receiptHash,
        transactionsRoot,
        receiptsRoot,
        bloomHash,
      ]),
    );
    return { value, leaf };
  });
}

/** Node over the leaves from..from+width of an endless list of zeros after the given ones. */
export function merkleNode(leaves: readonly string[], from: number, width: number): string {
  if (width === 1) return leaves[from] ?? word(0);
  const half = width / 2;
  return keccak256(concat([merkleNode(leaves, from, half), merkleNode(leaves, from + half, half)]));
}

export const merkleWidth = (count: number): number => (count <= 1 ? 1 : 2 * merkleWidth(Math.ceil(count / 2)));

export function merkleRootOf(leaves: readonly string[]): string {
  return merkleNode(leaves, 0, merkleWidth(leaves.length));
}

function merkleSiblings(leaves: readonly string[], index: number): string[] {
  const siblings: string[] = [];
  for (let width = 1; width < merkleWidth(leaves.length); width *= 2) {
    const block = Math.floor(index / width);
    siblings.push(merkleNode(leaves, (block % 2 === 0 ? block + 1 : block - 1) * width, width));
  }
  return siblings;
}

export const merkleVectors = () =>
  [0, 1, 2, 3, 4, 5, 8, 9, 17].map((count) => {
    const leaves = Array.from({ length: count }, (_, i) => hashNamed(`leaf ${i}`));
    const indexes = [...new Set([0, 1, Math.floor(count / 2), count - 1])].filter(
      (index) => index >= 0 && index < count,
    );
    const proofs = indexes.map((index) => ({ index, siblings: merkleSiblings(leaves, index) }));
    return { leaves, root: merkleRootOf(leaves), proofs };
  });
