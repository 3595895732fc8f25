/** What a lying sequencer claims in place of a block that it made rightly. The only place where the network lies, and no part of `mvm`. */
import {
  type Address,
  type BlockOutcome,
  type ChainId,
  decodeSystemTransaction,
  fromHex,
  type Hash,
  type Header,
  isSystemTransaction,
  keccakHash,
  postedTransactions,
  type SealedBlock,
} from "@mvm/protocol";
import { Wallet } from "ethers";
import type { CharterKind } from "../src/charters.ts";

/** What a DAC is lied to about. */
export type Lie = {
  readonly name: string;
  /** in a line */
  readonly text: string;
  /** charter of a DAC that can be lied to so; default: free */
  readonly charter?: CharterKind;
  /** kind of the proof that convicts, as `mvm prove` names it */
  readonly proof: string;
  /** whether a block can be lied about so */
  readonly fits: (block: SealedBlock) => boolean;
} & (
  | { readonly about: "outcomes"; readonly change: (block: SealedBlock, liar: LiarMeans) => Promise<Claimed> }
  | { readonly about: "header"; readonly change: (header: Header, parent: Header) => Header }
  /** the block stands; a second one is signed beside it */
  | { readonly about: "twice"; readonly change: (header: Header) => Header }
);

/** What a liar may use. */
export type LiarMeans = {
  /** key of an account that charters shut out, and that has sent nothing on any DAC */
  readonly outsiderKey: string;
};

export type Claimed = {
  readonly transactions: readonly Uint8Array[];
  readonly outcomes: readonly BlockOutcome[];
};

const MT = 10n ** 18n;
/** A deposit of this sum is the one that is lied about. */
export const MARKED_DEPOSIT_WEI = 7n * MT;

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

const aboutUsers = (lie: Pick<OutcomesLie, "name" | "text" | "change" | "charter">): Lie => ({
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
  {
    name: "wrong-deposit",
    text: "a deposit is credited with an MT more than was paid in",
    proof: "execution",
    about: "outcomes",
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
    name: "equivocation",
    text: "a sequencer signs two blocks at one place; the first is posted and stands, its bond does not",
    proof: "equivocation",
    about: "twice",
    fits: hasUsers,
    change: (header) => ({ ...header, timestamp: header.timestamp + 1n }),
  },
];
