/** Jobs, results, sealed blocks and requests, stated with literals and signed by ethers and noble. */
import {
  AbiCoder,
  computeAddress,
  concat,
  keccak256,
  SigningKey,
  toBeHex,
  Transaction,
  type TransactionLike,
} from "ethers";
import { blsPublicKey, blsSignature } from "./bls.ts";
import { HEADERS, headerHash, headerWireItems } from "./chain.ts";
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
  maybe,
  type Rlp,
  rlpOf,
  tagged,
  utf8,
  word,
} from "./format.ts";
import { domainOf, NETWORK } from "./network.ts";
import { resultOf } from "./results.ts";
import { contextOf, DEPOSITS, depositOf, FOUNDING, foundingOf, settleOf, systemBytes } from "./system.ts";
import {
  type Evidence,
  evidenceHash,
  evidenceItems,
  evidenceNamed,
  NO_WORK,
  type Work,
  workItems,
} from "./work.ts";

export const CHAIN_ID = 77n;
const jobId = hashNamed("job");
const BLS_SECRET = `0x${"00".repeat(16)}${"5a".repeat(16)}`;

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

function signedResultOf(value: typeof job, outcomes: typeof OUTCOMES) {
  const { opened, roots, resultHash } = resultOf(value.messages, outcomes);
  const digest = tagged("mvm/result/1", domainOf(NETWORK), value.jobId, resultHash);
  const signature = blsSignature(BLS_SECRET, digest);
  const result = { outcomes, signature };
  return { result, items: [outcomes.map(outcomeItems), signature] as Rlp, opened, roots, resultHash, digest };
}

export const jobVectors = () =>
  [
    { name: "every kind of message and value", value: job, outcomes: OUTCOMES },
    { name: "nothing to do", value: emptyJob, outcomes: [] as typeof OUTCOMES },
  ].map(({ name, value, outcomes }) => {
    const { result, items, opened, roots, resultHash, digest } = signedResultOf(value, outcomes);
    return {
      network: NETWORK,
      job: encoded(name, value, jobItems(value)),
      result: encoded(name, result, items),
      opened,
      roots,
      resultHash,
      digest,
      provider: { secret: BLS_SECRET, publicKey: blsPublicKey(BLS_SECRET) },
    };
  });

const evidenceAt = (slot: bigint, work: Work): Evidence => evidenceNamed(`slot ${slot}`, work);
const context = (slot: bigint, queueEnd: bigint, work: Work) => ({
  slot,
  l1Block: slot * 8n + 3n,
  l1BaseFee: slot * 10n ** 9n,
  queueEnd,
  randomness: hashNamed(`randomness of slot ${slot}`),
  work,
  evidence: evidenceHash(evidenceAt(slot, work)),
});
const contextItems = (value: ReturnType<typeof context>): Rlp => [
  int(value.slot),
  int(value.l1Block),
  int(value.l1BaseFee),
  int(value.queueEnd),
  value.randomness,
  workItems(value.work),
  value.evidence,
];

type Block = {
  chainId: bigint;
  generation: bigint;
  header: (typeof HEADERS)[number];
  context: ReturnType<typeof context>;
  transactions: { bytes: string }[];
  outcomes: typeof BLOCK_OUTCOMES;
  evidence: Evidence | null;
};

export const GENERATION = 2n;
const userTransaction = bytes(`0x02${fillNamed("transaction", 110).slice(2)}`);
const legacyTransaction = bytes(rlpOf([int(1), fillNamed("legacy", 90)]));

export type Described = {
  readonly number: bigint;
  readonly header: Block["header"];
  readonly context: Block["context"];
  /** system transactions between context and settle */
  readonly system: Parameters<typeof systemBytes>[1][];
  readonly users: Block["transactions"];
  /** sequencer, then providers, and how many of these have a fee of their own */
  readonly paid: string[];
  readonly seated: number;
  /** what settle enters into the address table */
  readonly seen: string[];
  /** null: made anew from L1, which has the hash alone */
  readonly evidence: Block["evidence"];
};

const sequencer = addressNamed("sequencer");
const provider0 = addressNamed("provider 0");
const provider1 = addressNamed("provider 1");
/** Registry numbers of the two. */
const [P0, P1] = [7, 300];
const TWO: Work = { attempt: 0, seats: [P0, P1] };
const ONE_STANDS_IN: Work = { attempt: 0, seats: [null, P1, null, P0] };
const BOTH_STAND_IN: Work = { attempt: 0, seats: [null, null, P0, P1] };
const THIRD_JOB: Work = { attempt: 2, seats: [P1, null, P0] };
export const known = addressNamed("known to the table");
export const stranger = addressNamed("stranger to the table");

const USER_KEY = new SigningKey(hashNamed("user"));
function signed(fields: TransactionLike): Block["transactions"][number] {
  const fees = { maxFeePerGas: 2_100_000_000n, maxPriorityFeePerGas: 100_000_000n };
  const transaction = Transaction.from({ type: 2, chainId: CHAIN_ID, to: known, ...fees, ...fields });
  transaction.signature = USER_KEY.sign(transaction.unsignedHash);
  return bytes(transaction.serialized);
}
const transferData = concat([
  "0xa9059cbb",
  AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [stranger, 5n * 10n ** 18n]),
]);

export const DESCRIBED: Described[] = [
  {
    number: 41n,
    header: HEADERS[0]!,
    context: context(9n, 1n, TWO),
    system: [depositOf(DEPOSITS[1]!)],
    users: [userTransaction],
    paid: [sequencer, provider0, provider1],
    seated: 2,
    seen: [],
    evidence: evidenceAt(9n, TWO),
  },
  {
    number: 42n,
    header: HEADERS[1]!,
    context: context(10n, 1n, ONE_STANDS_IN),
    system: [],
    users: [legacyTransaction, userTransaction],
    paid: [sequencer, provider1, provider0],
    seated: 1,
    seen: [],
    evidence: evidenceAt(10n, ONE_STANDS_IN),
  },
  {
    number: 43n,
    header: HEADERS[2]!,
    context: context(10n, 1n, NO_WORK),
    system: [],
    users: [],
    paid: [sequencer],
    seated: 0,
    seen: [],
    evidence: evidenceAt(10n, NO_WORK),
  },
  {
    number: 1n,
    header: HEADERS[0]!,
    context: context(0n, 0n, NO_WORK),
    system: [foundingOf(FOUNDING)],
    users: [],
    paid: [sequencer],
    seated: 0,
    seen: [],
    evidence: evidenceAt(0n, NO_WORK),
  },
  {
    number: 44n,
    header: HEADERS[2]!,
    context: context(11n, 1n, THIRD_JOB),
    system: [],
    users: [
      signed({ nonce: 0, gasLimit: 21_000n, value: 15n * 10n ** 16n }),
      signed({ nonce: 1, gasLimit: 60_000n, data: transferData }),
    ],
    paid: [sequencer, provider1, provider0],
    seated: 0,
    seen: [known, stranger],
    evidence: evidenceAt(11n, THIRD_JOB),
  },
  {
    number: 45n,
    header: HEADERS[2]!,
    context: context(12n, 4n, BOTH_STAND_IN),
    system: [depositOf(DEPOSITS[0]!)],
    users: [signed({ nonce: 2, gasLimit: 21_000n, to: stranger, value: 1n })],
    paid: [sequencer, provider0, provider1],
    seated: 0,
    seen: [stranger],
    evidence: null,
  },
];

export function blockOf({ number, header, context: place, system, users, paid, seated, seen, evidence }: Described): Block {
  const count = system.length + users.length + 2;
  const closing = { sequencer: paid[0]!, seated, providers: paid.slice(1), l1Fees: number * 10n ** 9n, seen };
  const write = (transaction: Described["system"][number]) => bytes(systemBytes(CHAIN_ID, transaction));
  const opening = contextOf(number, { ...place, generation: GENERATION }, count);
  const transactions = [opening, ...system].map(write).concat(users, write(settleOf(number, closing)));
  return {
    chainId: CHAIN_ID,
    generation: GENERATION,
    header: { ...header, number },
    context: place,
    transactions,
    outcomes: transactions.map((_, i) => BLOCK_OUTCOMES[i % BLOCK_OUTCOMES.length]!),
    evidence,
  };
}

const bodyItems = (block: Block): Rlp[] => [
  block.transactions.map((raw) => raw.bytes),
  block.outcomes.map(blockOutcomeItems),
  maybe(block.evidence === null ? null : evidenceItems(block.evidence)),
];

const bodyHashOf = (block: Block): string => keccak256(rlpOf(bodyItems(block)));

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
    bodyHashOf(block),
  );

const SEQUENCER_KEY = hashNamed("sequencer's key");

function sealed(block: Block) {
  const signature = new SigningKey(SEQUENCER_KEY).sign(digestOf(block));
  return { ...block, signature: concat([signature.r, signature.s, toBeHex(signature.yParity, 1)]) };
}

const blockItems = (block: ReturnType<typeof sealed>): Rlp => [
  int(3),
  int(block.chainId),
  int(block.generation),
  headerWireItems(block.header),
  contextItems(block.context),
  ...bodyItems(block),
  block.signature,
];

export const blockVectors = () => {
  const blocks = DESCRIBED.map(blockOf).map(sealed);
  return {
    network: NETWORK,
    sequencerKey: SEQUENCER_KEY,
    sequencer: computeAddress(SEQUENCER_KEY).toLowerCase(),
    blocks: blocks.map((block) => ({
      ...encoded(`block ${block.header.number}`, block, blockItems(block)),
      hash: headerHash(block.header),
      bodyHash: bodyHashOf(block),
      digest: digestOf(block),
      context: encoded("context", block.context, contextItems(block.context)),
    })),
  };
};

const refusal: Encoded = encoded("refused", { kind: "refused", reason: "not mine: ü" }, [
  int(1),
  [utf8("not mine: ü")],
]);

/** One request and one answer of each variant, by the name of the request. */
export function requestVectors(): { [name: string]: { request: Encoded[]; answer: Encoded[] } } {
  const { result, items: resultItems } = signedResultOf(job, OUTCOMES);
  const raw = [userTransaction, legacyTransaction];
  const root = hashNamed("state root");
  const nodes = [bytes(fillNamed("node", 532)), bytes(fillNamed("leaf", 70))];
  const code = bytes(fillNamed("code", 300));
  const blocks = [bytes(fillNamed("a block", 700))];
  const sealedAnswers = [encoded("parcel", { kind: "parcel", parcel: code }, [int(0), [code.bytes]]), refusal];
  const card = { provider: 7, key: hashNamed("sealing key"), slot: 10n, signature: fillNamed("card signature", 96) };
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
      answer: [
        encoded("result", { kind: "result", ...result }, [int(0), resultItems]),
        refusal,
        encoded("busy", { kind: "busy", retryMs: 250 }, [int(2), [int(250)]]),
      ],
    },
    carry: {
      request: [encoded("a seat", { jobId, provider: 7, parcel: code }, [jobId, int(7), code.bytes])],
      answer: sealedAnswers,
    },
    deliver: {
      request: [encoded("a job", { jobId, parcel: code }, [jobId, code.bytes])],
      answer: sealedAnswers,
    },
    fetch: {
      request: [encoded("the third", { jobId, number: 2, parcel: code }, [jobId, int(2), code.bytes])],
      answer: sealedAnswers,
    },
    supply: {
      request: [
        encoded("the third", { jobId, provider: 7, number: 2, parcel: code }, [jobId, int(7), int(2), code.bytes]),
      ],
      answer: sealedAnswers,
    },
    card: {
      request: [encoded("a provider", { provider: 7 }, [int(7)])],
      answer: [encoded("card", { kind: "card", card }, [int(0), [[int(7), card.key, int(10), card.signature]]]), refusal],
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
    state: {
      request: [
        encoded(
          "places",
          { chainId: CHAIN_ID, places: ["accounts", "storage", "code"].map((kind) => ({ kind, hash: root })) },
          [int(CHAIN_ID), [0, 1, 2].map((kind) => [int(kind), [root]])],
        ),
      ],
      answer: [
        encoded("part", { kind: "part", blocks: [...nodes, code] }, [
          int(0),
          [[...nodes.map((node) => node.bytes), code.bytes]],
        ]),
        refusal,
      ],
    },
    blob: {
      request: [encoded("blob", { blobHash: root }, [root])],
      answer: [encoded("blob", { kind: "blob", data: code }, [int(0), [code.bytes]]), refusal],
    },
  };
}
