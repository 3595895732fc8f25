/** Jobs, results, sealed blocks, batches and requests, stated with literals and signed by ethers and noble. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { computeAddress, concat, getBytes, hexlify, keccak256, SigningKey, toBeHex } from "ethers";
import { DEPOSITS, depositBytes, HEADERS, headerHash, headerWireItems, merkleRootOf } from "./chain.ts";
import {
  BLOCK_OUTCOMES,
  blockOutcomeItems,
  ENTRIES,
  ENVIRONMENT,
  entryItems,
  environmentItems,
  KEYS,
  keyItems,
  MESSAGES,
  messageItems,
  OUTCOMES,
  outcomeItems,
} from "./execution.ts";
import {
  addressNamed,
  bytes,
  type Encoded,
  encoded,
  fillNamed,
  hashNamed,
  int,
  type Rlp,
  rlpOf,
  tagged,
  utf8,
  word,
} from "./format.ts";
import { domainOf, NETWORK } from "./network.ts";

const CHAIN_ID = 77n;
const jobId = hashNamed("job");
const BLS_SECRET = `0x${"00".repeat(16)}${"5a".repeat(16)}`;
/** Proof-of-possession scheme of the BLS signature draft: public keys in G1, signatures in G2. */
const BLS_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

export function blsSignature(secret: string, digest: string): string {
  const scheme = bls12_381.longSignatures;
  return hexlify(scheme.sign(scheme.hash(getBytes(digest), BLS_DOMAIN), getBytes(secret)).toBytes());
}

export const blsPublicKey = (secret: string): string =>
  hexlify(bls12_381.longSignatures.getPublicKey(getBytes(secret)).toBytes());

export const blsVectors = () =>
  [BLS_SECRET, `0x${"00".repeat(31)}01`, `0x${"12".repeat(32)}`].map((secret) => {
    const digest = hashNamed("digest");
    return { secret, publicKey: blsPublicKey(secret), digest, signature: blsSignature(secret, digest) };
  });

const job = { jobId, environment: ENVIRONMENT, messages: MESSAGES, values: ENTRIES };
const jobItems = (value: typeof job): Rlp => [
  value.jobId,
  environmentItems(value.environment),
  value.messages.map(messageItems),
  value.values.map((entry) => entryItems(entry, "in-full")),
];
const emptyJob: typeof job = { ...job, messages: [], values: [] };

function resultOf(value: typeof job, outcomes: typeof OUTCOMES) {
  const outcomesHash = keccak256(rlpOf(outcomes.map(outcomeItems)));
  const work = keccak256(rlpOf([environmentItems(value.environment), value.messages.map(messageItems)]));
  const digest = tagged("mvm/result/1", domainOf(NETWORK), value.jobId, work, outcomesHash);
  const signature = blsSignature(BLS_SECRET, digest);
  const result = { outcomes, signature };
  return { result, items: [outcomes.map(outcomeItems), signature] as Rlp, outcomesHash, digest };
}

export const jobVectors = () =>
  [
    { name: "every kind of message and value", value: job, outcomes: OUTCOMES },
    { name: "nothing to do", value: emptyJob, outcomes: [] as typeof OUTCOMES },
  ].map(({ name, value, outcomes }) => {
    const { result, items, outcomesHash, digest } = resultOf(value, outcomes);
    return {
      network: NETWORK,
      job: encoded(name, value, jobItems(value)),
      result: encoded(name, result, items),
      outcomesHash,
      digest,
      provider: { secret: BLS_SECRET, publicKey: blsPublicKey(BLS_SECRET) },
    };
  });

const context = (slot: bigint, queueEnd: bigint) => ({ slot, l1Block: slot * 8n + 3n, queueEnd, jobId });
const contextItems = (value: ReturnType<typeof context>): Rlp => [
  int(value.slot),
  int(value.l1Block),
  int(value.queueEnd),
  value.jobId,
];

type Block = {
  chainId: bigint;
  generation: bigint;
  header: (typeof HEADERS)[number];
  context: ReturnType<typeof context>;
  transactions: { bytes: string }[];
  outcomes: typeof BLOCK_OUTCOMES;
  seats: { provider: number; signature: string }[];
};

const deposit = bytes(depositBytes(CHAIN_ID, DEPOSITS[1]!));
const userTransaction = bytes(`0x02${fillNamed("transaction", 110).slice(2)}`);
const legacyTransaction = bytes(rlpOf([int(1), fillNamed("legacy", 90)]));

const first: Block = {
  chainId: CHAIN_ID,
  generation: 2n,
  header: { ...HEADERS[1]!, number: 41n },
  context: context(9n, 1n),
  transactions: [deposit, userTransaction],
  outcomes: BLOCK_OUTCOMES,
  seats: [
    { provider: 0, signature: fillNamed("seat", 96) },
    { provider: 2 ** 32 - 1, signature: fillNamed("other seat", 96) },
  ],
};
const second: Block = {
  ...first,
  header: { ...HEADERS[2]!, number: 42n },
  context: context(10n, 1n),
  transactions: [legacyTransaction],
  outcomes: BLOCK_OUTCOMES.slice(1),
  seats: [],
};
const empty: Block = { ...second, header: { ...HEADERS[0]!, number: 43n }, transactions: [], outcomes: [] };

const bodyItems = (block: Block): Rlp[] => [
  block.transactions.map((raw) => raw.bytes),
  block.outcomes.map(blockOutcomeItems),
  block.seats.map(({ provider, signature }) => [int(provider), signature]),
];

const digestOf = (block: Block): string =>
  tagged(
    "mvm/block/1",
    domainOf(NETWORK),
    word(block.chainId),
    word(block.generation),
    word(block.context.slot),
    word(block.header.number),
    headerHash(block.header),
    keccak256(rlpOf(contextItems(block.context))),
    keccak256(rlpOf(bodyItems(block))),
  );

const SEQUENCER_KEY = hashNamed("sequencer's key");

function sealed(block: Block) {
  const signature = new SigningKey(SEQUENCER_KEY).sign(digestOf(block));
  return { ...block, signature: concat([signature.r, signature.s, toBeHex(signature.yParity, 1)]) };
}

const blockItems = (block: ReturnType<typeof sealed>): Rlp => [
  int(1),
  int(block.chainId),
  int(block.generation),
  headerWireItems(block.header),
  contextItems(block.context),
  ...bodyItems(block),
  block.signature,
];

export const blockVectors = () => {
  const blocks = [first, second, empty].map(sealed);
  return {
    network: NETWORK,
    sequencerKey: SEQUENCER_KEY,
    sequencer: computeAddress(SEQUENCER_KEY).toLowerCase(),
    blocks: blocks.map((block) => ({
      ...encoded(`block ${block.header.number}`, block, blockItems(block)),
      hash: headerHash(block.header),
      digest: digestOf(block),
    })),
  };
};

const postedItems = (block: Block): Rlp => [
  contextItems(block.context),
  int(block.header.timestamp),
  block.transactions.filter((raw) => raw !== deposit).map((raw) => raw.bytes),
];

/** Batches over the blocks of `blockVectors`, given by their positions there. */
export const batchVectors = () =>
  [[0], [0, 1, 2], [2]].map((positions) => {
    const blocks = positions.map((position) => [first, second, empty][position]!);
    const last = blocks.at(-1)!;
    const value = {
      chainId: CHAIN_ID,
      generation: 2n,
      blocks: blocks.map((block) => ({
        context: block.context,
        timestamp: block.header.timestamp,
        transactions: block.transactions.filter((raw) => raw !== deposit),
      })),
    };
    const data = encoded("data", value, [int(1), int(CHAIN_ID), int(2), blocks.map(postedItems)]);
    const place = { index: 5n, previousBatchHash: hashNamed("batch 4"), slot: 10n, poster: addressNamed("poster") };
    const header = {
      chainId: CHAIN_ID,
      generation: 2n,
      index: place.index,
      previousBatchHash: place.previousBatchHash,
      firstBlock: blocks[0]!.header.number,
      lastBlock: last.header.number,
      dataHash: keccak256(data.encoded),
      blocksRoot: merkleRootOf(blocks.map((block) => headerHash(block.header))),
      transactionsRoot: merkleRootOf(blocks.flatMap((block) => block.transactions.map((raw) => keccak256(raw.bytes)))),
      queueEnd: last.context.queueEnd,
      slot: place.slot,
      poster: place.poster,
      epochBlock: last.context.l1Block,
    };
    const items = Object.values(header).map((field) => (typeof field === "bigint" ? int(field) : field));
    return { positions, place, data, header: encoded("header", header, items) };
  });

const refusal: Encoded = encoded("refused", { kind: "refused", reason: "not mine: ü" }, [
  int(1),
  [utf8("not mine: ü")],
]);

/** One request and one answer of each variant, by the name of the request. */
export function requestVectors(): { [name: string]: { request: Encoded[]; answer: Encoded[] } } {
  const { result, items: resultItems } = resultOf(job, OUTCOMES);
  const raw = [userTransaction, legacyTransaction];
  const root = hashNamed("state root");
  const nodes = [bytes(fillNamed("node", 532)), bytes(fillNamed("leaf", 70))];
  const code = bytes(fillNamed("code", 300));
  const blocks = [bytes(fillNamed("a block", 700))];
  return {
    offerTransactions: {
      request: [
        encoded("two", { chainId: CHAIN_ID, transactions: raw }, [int(CHAIN_ID), raw.map((item) => item.bytes)]),
        encoded("none", { chainId: CHAIN_ID, transactions: [] }, [int(CHAIN_ID), []]),
      ],
      answer: [encoded("taken", { kind: "taken", known: 256 }, [int(0), [int(256)]]), refusal],
    },
    job: {
      request: [encoded("job", job, jobItems(job))],
      answer: [encoded("result", { kind: "result", ...result }, [int(0), resultItems]), refusal],
    },
    values: {
      request: [encoded("keys", { jobId, keys: KEYS }, [jobId, KEYS.map(keyItems)])],
      answer: [
        encoded("values", { kind: "values", entries: ENTRIES }, [
          int(0),
          [ENTRIES.map((entry) => entryItems(entry, "in-full"))],
        ]),
        refusal,
      ],
    },
    head: {
      request: [encoded("head", { chainId: CHAIN_ID }, [int(CHAIN_ID)])],
      answer: [
        encoded("head", { kind: "head", number: 42n, hash: root, slot: 10n }, [int(0), [int(42), root, int(10)]]),
        refusal,
      ],
    },
    blocks: {
      request: [encoded("blocks", { chainId: CHAIN_ID, from: 0n, count: 64 }, [int(CHAIN_ID), int(0), int(64)])],
      answer: [encoded("blocks", { kind: "blocks", blocks }, [int(0), [blocks.map((block) => block.bytes)]]), refusal],
    },
    reads: {
      request: [true, false].map((forWrites) =>
        encoded(forWrites ? "for writes" : "for reads", { chainId: CHAIN_ID, stateRoot: root, keys: KEYS, forWrites }, [
          int(CHAIN_ID),
          root,
          KEYS.map(keyItems),
          int(forWrites ? 1 : 0),
        ]),
      ),
      answer: [
        encoded("proof", { kind: "proof", nodes, codes: [code] }, [
          int(0),
          [nodes.map((node) => node.bytes), [code.bytes]],
        ]),
        refusal,
      ],
    },
  };
}
