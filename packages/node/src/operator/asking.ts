/** Asking on L1 for what a DAC's batch commits to, and what follows where nobody shows it. */
import { writeFile } from "node:fs/promises";
import {
  type AskedBatch,
  answerTo,
  askFor,
  askPrice,
  askQueue,
  expireAsk,
  finalFrom,
  hasFallen,
  l1Now,
  openAsksOf,
  payBackAsk,
  postedHeader,
  postingOf,
  revealDelay,
  type StandingBatch,
  standingBatches,
  wasAsked,
} from "@mvm/l1";
import { type Answer, type AskItem, type AskKind, type ChainId, isOfBlock, toHex } from "@mvm/protocol";
import { ConfigError } from "../config.ts";
import { formatAmount, parseAmount } from "./mtAmount.ts";
import { allowSpending, type Operator, requireDac, requireEther } from "./operator.ts";
import type { Report } from "./staking.ts";
import { holdsWithin } from "./waiting.ts";

/** Milliseconds beyond the time to answer for which a command waits: asks before it on the batch are served first. */
const PATIENCE_MS = 60_000;
/** Prices that one command has paid back: each is a transaction. */
const MAX_PAID_BACK = 64;

export type AskOptions = {
  readonly label: string;
  /** number of a block in the batch; of the block, where the kind is a block's */
  readonly block: bigint;
  readonly kind: AskKind;
  /** decimal MT; the present price where it is not given */
  readonly maxPrice?: string;
  /** wait for the answer */
  readonly wait: boolean;
  /** new file for the answer */
  readonly outFile?: string;
};

/** A batch that stands. */
export type FoundBatch = {
  readonly asked: AskedBatch;
  readonly batch: StandingBatch;
  readonly previous: StandingBatch | undefined;
};

/** The batch that stands and has a block. Throws ConfigError not-yet where none has; L1Error. */
async function batchOf(operator: Operator, chainId: ChainId, block: bigint): Promise<FoundBatch> {
  const found = await findBatch(operator, chainId, block);
  if (found === undefined)
    throw new ConfigError("not-yet", `no batch on L1 has block ${block}: wait until it is posted (\`safe\`)`);
  return found;
}

/** The batch that stands and has a block; undefined where none has. Throws L1Error. */
export async function findBatch(
  { l1, deployedAtBlock: fromBlock }: Pick<Operator, "l1" | "deployedAtBlock">,
  chainId: ChainId,
  block: bigint,
): Promise<FoundBatch | undefined> {
  const downTo = block > 1n ? block - 1n : 1n;
  const standing = (await standingBatches(l1, { chainId, downTo, fromBlock })).toReversed();
  const at = standing.findIndex(({ header }) => header.firstBlock <= block && block <= header.lastBlock);
  const batch = standing[at];
  if (batch === undefined) return undefined;
  const asked = { header: batch.header, posting: await postingOf(l1, batch) };
  let previous = standing[at - 1];
  if (previous === undefined && batch.header.index > 0n) {
    const before = { chainId, downTo: batch.header.firstBlock - 1n, fromBlock };
    previous = (await standingBatches(l1, before)).at(-1);
  }
  return { asked, batch, previous };
}

/** How much an answer shows. */
export function sizeOf(answer: Answer): Report {
  if (answer.kind === "evidence") return { signatures: answer.evidence.signatures.length };
  return answer.kind === "bytes" ? { bytes: answer.transaction.length } : { leaves: answer.leaves.length };
}

/** An answer as JSON. */
function shown(answer: Answer): Report {
  return "header" in answer ? { ...answer, header: toHex(answer.header) } : answer;
}

/**
 * Asks for an item of the batch that has a block, unless it was asked for before, and waits for the answer, which is checked against
 * what the batch commits to.
 * @throws ConfigError for a block that is not posted, too little MT, a price above the limit, no answer in time; L1Error
 */
export async function askOnL1(operator: Operator, options: AskOptions): Promise<Report> {
  const { l1, progress, signal } = operator;
  const { label, block, kind, wait, outFile } = options;
  const chainId = await requireDac(operator, label);
  const place = await batchOf(operator, chainId, block);
  const { batch } = place;
  const position = isOfBlock(kind) ? Number(block - batch.header.firstBlock) : 0;
  const item: AskItem = { kind, position };
  const what = {
    label,
    batch: Number(batch.header.index),
    batchHash: batch.batchHash,
    item: kind,
    block: Number(block),
  };
  const search = { header: batch.header, item, fromBlock: batch.l1Block };
  let found = await answerTo(l1, search);
  const sent = found === undefined ? await send(operator, place, item, options.maxPrice) : { asked: "answered-before" };
  if (!wait) return { ...what, ...sent };
  if (found === undefined) progress("waiting for the answer");
  const isThere = async (): Promise<boolean> => {
    found ??= await answerTo(l1, search);
    return found !== undefined;
  };
  const waitMs = Number(await revealDelay(l1)) * 1_000 + PATIENCE_MS;
  if (!(await holdsWithin(waitMs, signal, isThere)))
    throw new ConfigError(
      "not-yet",
      `nobody has answered yet: run the same again, or, once the time is over, \`mvm expire ${label} --block ${block}\``,
    );
  const { answer, transactionHash } = found!;
  const text = { ...shown(answer), transactionHash };
  if (outFile === undefined) return { ...what, ...sent, answer: text };
  await writeNew(outFile, `${JSON.stringify({ ...what, ...text }, null, 2)}\n`);
  return { ...what, ...sent, ...sizeOf(answer), transactionHash, file: outFile };
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    throw new ConfigError("invalid", `${path} cannot be written: ${(cause as Error).message}`, cause);
  }
}

/** Sends the ask, unless the item waits for its answer already. */
async function send(
  operator: Operator,
  { asked, batch }: FoundBatch,
  item: AskItem,
  maxPrice: string | undefined,
): Promise<Report> {
  const { l1, submitter, progress } = operator;
  if (await wasAsked(l1, { header: batch.header, item, fromBlock: batch.l1Block })) return { asked: "before" };
  if ((await finalFrom(l1, asked, false)) === undefined)
    throw new ConfigError("invalid", `batch ${batch.header.index} is final: nothing of it can be asked for any more`);
  const price = await askPrice(l1, (await askQueue(l1, batch.batchHash)).count);
  const most = maxPrice === undefined ? price : parseAmount(maxPrice);
  if (most < price)
    throw new ConfigError("not-enough", `the ask costs ${formatAmount(price)} MT now: raise --max-price`);
  await allowSpending(operator, { spender: "disclosures", units: most });
  progress(`asking for ${formatAmount(price)} MT`);
  const { transactionHash } = await submitter.submit(askFor(l1.addresses, asked, item, most));
  return { asked: transactionHash, priceMT: formatAmount(price) };
}

/**
 * Drops the batch that has a block, where something of it was asked for and not shown in time: its poster is fined, the chain goes on
 * after the batch before. Whoever asked gets the price back, and a share of the fine.
 * @throws ConfigError where nothing is asked for, or not for long enough; L1Error
 */
export async function expireOnL1(operator: Operator, label: string, block: bigint): Promise<Report> {
  const { l1, submitter, progress } = operator;
  const chainId = await requireDac(operator, label);
  const { asked, batch, previous } = await batchOf(operator, chainId, block);
  const { batchHash, header } = batch;
  const { next, count, servedAt } = await askQueue(l1, batchHash);
  if (next === count)
    throw new ConfigError("invalid", `nothing that was asked for of batch ${header.index} waits for an answer`);
  const until = servedAt + (await revealDelay(l1));
  if ((await l1Now(l1)).timestamp < until)
    throw new ConfigError("not-yet", `batch ${header.index} may be dropped from ${until} on, if nobody answers: wait`);
  await requireEther(operator);
  progress("dropping the batch");
  const call = expireAsk(l1.addresses, { ...asked, previous: previous?.header });
  const { transactionHash } = await submitter.submit(call);
  const dropped = { label, batch: Number(header.index), batchHash, poster: header.poster, transactionHash };
  return { ...dropped, lastBlock: Number(header.firstBlock - 1n), ...(await payBackOnL1(operator, label)) };
}

/** Gets the operator's prices back of asks on batches of a DAC that fell, MAX_PAID_BACK at the most. Throws ConfigError, L1Error. */
export async function payBackOnL1(operator: Operator, label: string): Promise<Report> {
  const { l1, account, submitter, deployedAtBlock: fromBlock } = operator;
  const chainId = await requireDac(operator, label);
  let paidBack = 0n;
  let asks = 0;
  for (const { batchHash, number } of await openAsksOf(l1, { chainId, asker: account, fromBlock })) {
    if (asks === MAX_PAID_BACK) break;
    const header = await postedHeader(l1, { chainId, batchHash, fromBlock });
    if (!(await hasFallen(l1, header))) continue;
    await submitter.submit(payBackAsk(l1.addresses, header, number));
    paidBack += await askPrice(l1, number);
    asks += 1;
  }
  return { asksPaidBack: asks, paidBackMT: formatAmount(paidBack) };
}
