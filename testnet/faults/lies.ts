/** What a lying sequencer claims in place of a block that it made rightly. The only place where the network lies, and no part of `mvm`. */
import {
  type Address,
  type BlockOutcome,
  type ChainId,
  concatBytes,
  contextTransaction,
  decodeSystemTransaction,
  encodeSystemTransaction,
  evidenceHash,
  fromHex,
  type Hash,
  type Header,
  isSystemTransaction,
  keccakHash,
  postedTransactions,
  prevRandaoOf,
  type SealedBlock,
  type SystemTransaction,
  seatedIn,
  servedBy,
  settledAccounts,
  settleTransaction,
  toAddress,
  vrfOutput,
  type WorkEvidence,
} from "@mvm/protocol";
import { closingTransaction, paidBy } from "@mvm/roles";
import { Wallet } from "ethers";
import type { CharterKind } from "../src/charters.ts";

/** What a DAC is lied to about. */
export type Lie = {
  readonly name: string;
  /** in a line */
  readonly text: string;
  /** charter of a DAC that can be lied to so; default: free */
  readonly charter?: CharterKind;
  /** kind of the proof that convicts, as `mvm prove` names it; of data and what follows from them the rule, too */
  readonly proof: string;
  readonly rule?: string;
  /** whether a deposit of MARKED_DEPOSIT_WEI has to be there to be lied about */
  readonly isOfDeposit?: true;
  /** whether the liar posts in blobs; with it, all that it lies about */
  readonly isInBlob?: true;
  /** whether the blob that the lie is posted in has an element that is no data, behind them */
  readonly spoilsBlob?: true;
  /** the block is shown to nobody: at all, so that its batch is dropped, or but on L1, once that is asked for */
  readonly shown?: "nowhere" | "on-l1";
  /**
   * the batch's data commit to other evidence of who did the block's job than everybody has: to some that the liar shows on L1 once it is
   * asked for; null: to nothing that could be shown, so that the batch is dropped
   */
  readonly hiddenEvidence?: ((block: SealedBlock) => WorkEvidence) | null;
  /** whether users' transactions run for longer than one transaction of L1 can replay; the liar shows their parts when asked on L1 */
  readonly isHeavy?: true;
  /** whether a block can be lied about so */
  readonly fits: (block: SealedBlock) => boolean;
} & (
  | { readonly about: "outcomes"; readonly change: (block: SealedBlock, liar: LiarMeans) => Promise<Claimed> }
  | { readonly about: "header"; readonly change: (header: Header, parent: Header) => Header }
  /** the block stands; a second one is signed beside it */
  | { readonly about: "twice"; readonly change: (header: Header) => Header }
  /** the block is what its transactions do, but they are not what they have to be; the data are those of the honest block */
  | { readonly about: "transactions"; readonly change: (block: SealedBlock) => Executable }
  /** others did the block's job, or something else was drawn for it, than it says; all that follows from that does */
  | { readonly about: "work"; readonly change: (block: SealedBlock, liar: LiarMeans) => WorkLie }
  /** the block stands; the data that are posted are not its */
  | { readonly about: "data"; readonly change: (posted: Posted) => Uint8Array }
);

/** What a block is made of in place of what it has to be. */
export type Executable = { readonly transactions: readonly Uint8Array[]; readonly l1BaseFee: bigint };

/** A block, but for its outcomes and the roots in its header. */
export type WorkLie = Pick<SealedBlock, "header" | "context" | "transactions" | "evidence">;

/** A batch of honest blocks, with its data. */
export type Posted = {
  readonly blocks: readonly SealedBlock[];
  readonly data: Uint8Array;
  /** data of other blocks in their place */
  readonly encode: (blocks: readonly SealedBlock[]) => Uint8Array;
};

/** What a liar may use. */
export type LiarMeans = {
  /** key of an account that charters shut out, and that has sent nothing on any DAC */
  readonly outsiderKey: string;
  /** provider with a registry number */
  readonly providerAt: (index: number) => Address | undefined;
};

export type Claimed = {
  readonly transactions: readonly Uint8Array[];
  readonly outcomes: readonly BlockOutcome[];
};

const MT = 10n ** 18n;
const HOUR_SECONDS = 3_600n;
/** A deposit of this sum is the one that is lied about. */
export const MARKED_DEPOSIT_WEI = 7n * MT;

/** whom nobody names */
const STRANGER = toAddress(`0x${"57".repeat(20)}`);
const GARBAGE = keccakHash(new TextEncoder().encode("no root of anything"));

const firstUser = ({ transactions }: SealedBlock): number => transactions.findIndex((raw) => !isSystemTransaction(raw));
const hasUsers = (block: SealedBlock): boolean => postedTransactions(block).length > 0;

/** Place of the marked deposit; -1: there is none. */
const markedDeposit = ({ transactions, chainId }: SealedBlock): number =>
  transactions.findIndex((raw) => {
    if (!isSystemTransaction(raw)) return false;
    const { source, mint } = decodeSystemTransaction(raw, chainId);
    return source === "deposit" && mint === MARKED_DEPOSIT_WEI;
  });

const withOutcome = (
  { transactions, outcomes }: SealedBlock,
  index: number,
  change: (outcome: BlockOutcome) => Partial<BlockOutcome>,
): Claimed => ({
  transactions,
  outcomes: outcomes.with(index, { ...outcomes[index]!, ...change(outcomes[index]!) }),
});

/** An outcome that leaves whoever it writes first an MT more than it has. */
function richer({ writes }: BlockOutcome): Partial<BlockOutcome> {
  const at = writes.findIndex(({ account }) => account !== null);
  const write = writes[at];
  if (write === undefined || write.account === null) throw new RangeError("an outcome that writes no account");
  const account = { ...write.account, balance: write.account.balance + MT };
  return { writes: writes.with(at, { ...write, account }) };
}

/** A transfer by an account to itself, its first transaction. */
async function transferOf(key: string, chainId: ChainId, value: bigint): Promise<Uint8Array> {
  const wallet = new Wallet(key);
  const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n, gasLimit: 21_000n };
  return fromHex(
    await wallet.signTransaction({ to: wallet.address as Address, value, nonce: 0, type: 2, chainId, ...fees }),
  );
}

type OutcomesLie = Extract<Lie, { readonly about: "outcomes" }>;

const aboutUsers = (
  lie: Pick<OutcomesLie, "name" | "text" | "change" | "charter"> &
    Partial<Pick<OutcomesLie, "proof" | "shown" | "isHeavy">>,
): Lie => ({
  about: "outcomes",
  proof: "execution",
  fits: hasUsers,
  ...lie,
});

/** The first user's transaction gives way to one that may not stand there, which is said to have done the same. */
async function instead(block: SealedBlock, raw: Promise<Uint8Array>): Promise<Claimed> {
  return { transactions: block.transactions.with(firstUser(block), await raw), outcomes: block.outcomes };
}

const headerLie = (field: string, proof: string, change: (header: Header, parent: Header) => Partial<Header>): Lie => ({
  name: `header-${field}`,
  text: `a header's ${field.replaceAll("-", " ")} is not what it has to be`,
  proof,
  about: "header",
  fits: hasUsers,
  change: (header, parent) => ({ ...header, ...change(header, parent) }),
});

const flipped = (bloom: Uint8Array): Uint8Array => bloom.with(0, bloom[0]! ^ 1);
const other = (root: Hash): Hash => (root === GARBAGE ? keccakHash(fromHex(root)) : GARBAGE);

/** A system transaction of a block, changed. */
function systemChanged(
  { transactions, chainId }: SealedBlock,
  index: number,
  change: (transaction: SystemTransaction) => Partial<SystemTransaction>,
): readonly Uint8Array[] {
  const own = decodeSystemTransaction(transactions[index]!, chainId);
  return transactions.with(index, encodeSystemTransaction(chainId, { ...own, ...change(own) }));
}

/** A block as it would be if L1's gas had cost a wei more in its slot. */
function otherBaseFee(block: SealedBlock): Executable {
  const { chainId, generation, transactions } = block;
  const { number } = block.header;
  const l1BaseFee = block.context.l1BaseFee + 1n;
  const opening = contextTransaction(number, { ...block.context, generation, l1BaseFee }, transactions.length);
  const users = postedTransactions(block);
  const closing = closingTransaction(
    chainId,
    { number, l1BaseFee },
    { paid: paidBy(block)!, seated: seatedIn(block.context.work), transactions: users },
  );
  const [first, last] = [opening, closing].map((own) => encodeSystemTransaction(chainId, own));
  return { transactions: transactions.with(0, first!).with(-1, last!), l1BaseFee };
}

type Closing = { readonly l1Fees: bigint; readonly seen: readonly Address[] };

/** A block whose settle says something else of its transactions. */
function closedOtherwise(block: SealedBlock, change: (right: Closing) => Partial<Closing>): Executable {
  const { chainId, transactions, context } = block;
  const own = decodeSystemTransaction(transactions.at(-1)!, chainId);
  const { paid, ...right } = settledAccounts(own)!;
  const [sequencer, ...providers] = paid;
  const closing = settleTransaction(own.index, { sequencer, providers, ...right, ...change(right) });
  return {
    transactions: transactions.with(-1, encodeSystemTransaction(chainId, closing)),
    l1BaseFee: context.l1BaseFee,
  };
}

/** Data in which another transaction stands in place of the last block's first user's. */
function withoutUser({ blocks, encode }: Posted): Uint8Array {
  const last = blocks.at(-1)!;
  const at = firstUser(last);
  const raw = last.transactions[at]!;
  // its signature says another nonce, or another sender: which one, nobody asks
  const transactions = last.transactions.with(at, raw.with(raw.length - 1, raw.at(-1)! ^ 1));
  return encode([...blocks.slice(0, -1), { ...last, transactions }]);
}

/** A block that commits to other evidence than it has. */
function evidencing(block: SealedBlock, change: Partial<WorkEvidence>): WorkLie {
  const { header, transactions, context } = block;
  const evidence = { ...block.evidence!, ...change };
  return { header, transactions, evidence, context: { ...context, evidence: evidenceHash(evidence) } };
}

/** Evidence in which the first seat's signature stands for the second's, too; where one provider has both, the proof does. */
function halfSigned({ evidence }: SealedBlock): WorkEvidence {
  const { proof, signatures } = evidence!;
  const [first, second] = signatures;
  return { ...evidence!, signatures: [first!, first === second ? proof : first!] };
}

/** A block drawn by a signature that is no proof of its sequencer's: of several that there are, it can take which it likes. */
function chosenDraw(block: SealedBlock): WorkLie {
  const lie = evidencing(block, { proof: block.evidence!.signatures[0]! });
  const randomness = vrfOutput(lie.evidence!.proof);
  const header = { ...lie.header, prevRandao: prevRandaoOf(randomness) };
  return { ...lie, header, context: { ...lie.context, randomness } };
}

/** A block that names, and pays, the other of two providers for its last seat that served. */
function seatGivenAway(block: SealedBlock, { providerAt }: LiarMeans): WorkLie {
  const { chainId, context, header, transactions } = block;
  const { seats } = context.work;
  const work = { ...context.work, seats: seats.with(-1, seats.at(-1) === 0 ? 1 : 0) };
  const [sequencer] = paidBy(block)!;
  const paid = [sequencer, ...servedBy(work).map((index) => providerAt(index)!)] as const;
  const users = postedTransactions(block);
  const place = { number: header.number, l1BaseFee: context.l1BaseFee };
  const closing = closingTransaction(chainId, place, { paid, seated: seatedIn(work), transactions: users });
  const closed = transactions.with(-1, encodeSystemTransaction(chainId, closing));
  return { header, evidence: block.evidence, transactions: closed, context: { ...context, work } };
}

const aboutWork = (lie: Pick<Lie, "name" | "text" | "rule"> & Pick<WorkClaimLie, "change">): Lie => ({
  about: "work",
  proof: "work",
  fits: hasUsers,
  ...lie,
});
type WorkClaimLie = Extract<Lie, { readonly about: "work" }>;

/** Data that commit to other evidence of the last block. */
const withEvidence = ({ blocks, encode }: Posted, evidence: Hash): Uint8Array => {
  const last = blocks.at(-1)!;
  return encode([...blocks.slice(0, -1), { ...last, context: { ...last.context, evidence } }]);
};

const lateEvidence = (lie: Pick<Lie, "name" | "text" | "isInBlob">): Lie => ({
  about: "data",
  proof: "work",
  rule: "signature",
  hiddenEvidence: halfSigned,
  fits: hasUsers,
  change: (posted) => withEvidence(posted, evidenceHash(halfSigned(posted.blocks.at(-1)!))),
  ...lie,
});

const aboutData = (
  lie: Pick<Lie, "name" | "text" | "rule" | "isInBlob" | "spoilsBlob"> & Pick<DataLie, "change">,
): Lie => ({
  about: "data",
  proof: "derivation",
  fits: hasUsers,
  ...lie,
});
type DataLie = Extract<Lie, { readonly about: "data" }>;

export const LIES: readonly Lie[] = [
  aboutUsers({
    name: "wrong-balance",
    text: "a transfer leaves an account an MT too many",
    change: async (block) => withOutcome(block, firstUser(block), richer),
  }),
  aboutUsers({
    name: "wrong-gas",
    text: "a transfer is said to have used less gas than it did",
    change: async (block) => withOutcome(block, firstUser(block), ({ gasUsed }) => ({ gasUsed: gasUsed - 1n })),
  }),
  aboutUsers({
    name: "invalid-transaction",
    text: "a transaction stands in a block whose sender cannot pay for it",
    change: (block) => instead(block, transferOf(Wallet.createRandom().privateKey, block.chainId, MT)),
  }),
  aboutUsers({
    name: "charter-ignored",
    text: "a transaction stands in a block that the DAC's charter denies its sender",
    charter: "blacklist",
    change: (block, { outsiderKey }) => instead(block, transferOf(outsiderKey, block.chainId, 1n)),
  }),
  aboutUsers({
    name: "withheld-leaves",
    text: "a transfer leaves an account an MT too many, in a block that nobody is shown, whoever asks: the batch is dropped",
    proof: "withheld",
    shown: "nowhere",
    change: async (block) => withOutcome(block, firstUser(block), richer),
  }),
  aboutUsers({
    name: "late-leaves",
    text: "the same, but what is asked for on L1 is shown there: the hash of a checkpoint convicts",
    shown: "on-l1",
    change: async (block) => withOutcome(block, firstUser(block), richer),
  }),
  aboutUsers({
    name: "heavy-transaction",
    text: "a long loop leaves an account an MT too many, one step of it wrong: too heavy for one transaction of L1, it is judged part by part",
    isHeavy: true,
    change: async (block) => withOutcome(block, firstUser(block), richer),
  }),
  {
    name: "wrong-deposit",
    text: "a deposit is credited with an MT more than was paid in",
    proof: "execution",
    about: "outcomes",
    isOfDeposit: true,
    fits: (block) => markedDeposit(block) >= 0,
    change: async (block) => withOutcome(block, markedDeposit(block), richer),
  },
  {
    name: "forged-withdrawals-root",
    text: "a header's withdrawals root is not that of the state: it could pay out what nobody withdrew",
    proof: "withdrawals",
    about: "header",
    fits: hasUsers,
    change: (header) => ({ ...header, withdrawalsRoot: other(header.withdrawalsRoot) }),
  },
  headerLie("number", "form", ({ number }) => ({ number: number + 1n })),
  headerLie("parent-hash", "parent", ({ parentHash }) => ({ parentHash: other(parentHash) })),
  headerLie("timestamp", "parent", (_, parent) => ({ timestamp: parent.timestamp })),
  headerLie("base-fee", "parent", ({ baseFeePerGas }) => ({ baseFeePerGas: baseFeePerGas + 1n })),
  headerLie("state-root", "checkpoint", ({ stateRoot }) => ({ stateRoot: other(stateRoot) })),
  headerLie("transactions-root", "checkpoint", ({ transactionsRoot }) => ({
    transactionsRoot: other(transactionsRoot),
  })),
  headerLie("receipts-root", "checkpoint", ({ receiptsRoot }) => ({ receiptsRoot: other(receiptsRoot) })),
  headerLie("gas-used", "checkpoint", ({ gasUsed }) => ({ gasUsed: gasUsed + 1n })),
  headerLie("logs-bloom", "checkpoint", ({ logsBloom }) => ({ logsBloom: flipped(logsBloom) })),
  {
    ...headerLie("prev-randao", "derivation", ({ prevRandao }) => ({ prevRandao: other(prevRandao) })),
    rule: "time",
  },
  {
    name: "time-ahead",
    text: "a block is an hour ahead of L1, and posted so: it is what its transactions do, and what its data say",
    proof: "derivation",
    rule: "ahead",
    about: "header",
    fits: hasUsers,
    change: (header) => ({ ...header, timestamp: header.timestamp + HOUR_SECONDS }),
  },
  aboutData({
    name: "not-in-data",
    text: "a block has a transaction that the posted data do not hold",
    rule: "row",
    change: withoutUser,
  }),
  aboutData({
    name: "not-in-data-blob",
    text: "the same, with the data in a blob",
    rule: "row",
    isInBlob: true,
    change: withoutUser,
  }),
  aboutData({
    name: "malformed-blob",
    text: "all is right but for an element of the blob, far behind the batch's data, which is no data: nobody reads anything out of such a blob",
    rule: "blob",
    isInBlob: true,
    spoilsBlob: true,
    change: ({ data }) => data,
  }),
  aboutData({
    name: "undecodable-data",
    text: "the posted data are no batch: they have a byte more than one",
    rule: "form",
    change: ({ data }) => concatBytes(data, Uint8Array.of(0)),
  }),
  {
    name: "forged-deposit",
    text: "a deposit in a block is of an MT more than L1's queue has, and executed so",
    proof: "derivation",
    rule: "item",
    about: "transactions",
    isOfDeposit: true,
    fits: (block) => markedDeposit(block) >= 0,
    change: (block) => ({
      transactions: systemChanged(block, markedDeposit(block), ({ mint }) => ({ mint: mint + MT })),
      l1BaseFee: block.context.l1BaseFee,
    }),
  },
  {
    name: "wrong-context",
    text: "a block is executed with another L1 base fee than its slot has",
    proof: "derivation",
    rule: "context",
    about: "transactions",
    fits: hasUsers,
    change: otherBaseFee,
  },
  {
    name: "wrong-l1-fees",
    text: "a sequencer takes for itself twice the L1 fees that a block's users paid",
    proof: "derivation",
    rule: "closing",
    about: "transactions",
    fits: hasUsers,
    change: (block) => closedOtherwise(block, ({ l1Fees }) => ({ l1Fees: 2n * l1Fees })),
  },
  {
    name: "wrong-table-addresses",
    text: "a block enters an address into the table that none of its transactions names",
    proof: "derivation",
    rule: "closing",
    about: "transactions",
    fits: hasUsers,
    change: (block) => closedOtherwise(block, ({ seen }) => ({ seen: [...seen, STRANGER] })),
  },
  aboutWork({
    name: "wrong-seat",
    text: "a block names, and pays, a provider for a seat that is another's",
    rule: "seat",
    change: seatGivenAway,
  }),
  aboutWork({
    name: "wrong-randomness",
    text: "a sequencer draws a block's randomness by a signature that it came by, in place of its own proof",
    rule: "randomness",
    change: chosenDraw,
  }),
  aboutWork({
    name: "bad-result-signature",
    text: "a seat that a block names has not signed its result: the signature is another's",
    rule: "signature",
    change: (block) => evidencing(block, halfSigned(block)),
  }),
  {
    name: "withheld-evidence",
    text: "the posted data commit to evidence of a block that nobody can show, whatever was gossiped: the batch is dropped",
    proof: "withheld",
    about: "data",
    hiddenEvidence: null,
    fits: hasUsers,
    change: (posted) => withEvidence(posted, GARBAGE),
  },
  lateEvidence({
    name: "late-evidence",
    text: "the same, but the liar shows on L1 what it commits to once it is asked for: a seat's signature in it convicts",
  }),
  lateEvidence({ name: "late-evidence-blob", text: "the same, with the data in a blob", isInBlob: true }),
  {
    name: "equivocation",
    text: "a sequencer signs two blocks at one place; the first is posted and stands, its bond does not",
    proof: "equivocation",
    about: "twice",
    fits: hasUsers,
    change: (header) => ({ ...header, timestamp: header.timestamp + 1n }),
  },
];
