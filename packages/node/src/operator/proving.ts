/** Proving what a sequencer posted wrong: a block or a transaction that somebody names, or all that comes. */
import { answerTo, askReplay, l1Now } from "@mvm/l1";
import { blockCount, environmentOf, type Hash, hashHeader } from "@mvm/protocol";
import type { PostedBatch } from "@mvm/roles";
import { isMalformed } from "../archive.ts";
import { ConfigError } from "../config.ts";
import { accusationOf } from "../proving/accusationOf.ts";
import { Accuser } from "../proving/accuser.ts";
import type { BatchAudit, BatchVerdict } from "../proving/batchAudit.ts";
import { type FoundFault, factsOf } from "../proving/batchFault.ts";
import { BlockReplay, type ReplayStep, wholeEvidence } from "../proving/blockReplay.ts";
import type { ShownBlock } from "../proving/claimedBlock.ts";
import type { Answers } from "../proving/disclosedBlock.ts";
import { type ProverOptions, type ProverSight, runProver, watchL1 } from "../proving/prover.ts";
import { areTransactionsCommitted, SeenBlocks } from "../proving/seenBlocks.ts";
import { shownBlocks } from "../proving/shownBlocks.ts";
import { startAudit } from "../proving/startAudit.ts";
import { TransactionSlices } from "../proving/transactionSlices.ts";
import { normaliseLabel } from "./dacLabel.ts";
import { parseAmount } from "./mtAmount.ts";
import { type Operator, requireDac } from "./operator.ts";
import type { Report } from "./staking.ts";
import { holdsWithin } from "./waiting.ts";

/** What to look at. */
export type ProofRequest = {
  readonly label: string;
  readonly block: bigint;
  /** place of a transaction in the block, from 0; without it, whatever is wrong with the block is proven */
  readonly transaction?: number;
  /** send nothing */
  readonly dryRun: boolean;
  readonly archiveUrl?: string | undefined;
};

/** Milliseconds until L1 is looked at again whether it has a new block or not. */
const BLOCK_WAIT_MS = 60_000;
/** Why a transaction that is too heavy for L1 is not proven wrong by one command. */
const UNSHOWN =
  "one transaction of L1 cannot replay it: its poster has to be asked on L1 for what it claims between the parts, as `mvm prove --watch` does";
/** Why a batch that follows from its data is not called right. */
const UNSHOWN_WORK =
  "it follows from its data, but nobody shows who did its blocks' jobs: that has to be asked for on L1, as `mvm prove --watch` does";
/** Why a dry run about a batch in a blob does not tell whether L1 would agree. */
const UNOPENED =
  "L1 has not been shown what the blob of the batch holds, or all transactions of the block, and judges only then";

/**
 * Looks at DACs until the operator's signal, proves what is wrong, and asks on L1 for what nobody shows of it.
 * @param options.maxPrice most that one ask may cost, decimal MT
 * @throws ConfigError, L1Error
 */
export async function proveAll(
  operator: Operator,
  { maxPrice, ...options }: Omit<ProverOptions, "maxPriceWei"> & { readonly maxPrice?: string | undefined },
): Promise<Report> {
  const maxPriceWei = maxPrice === undefined ? undefined : parseAmount(maxPrice);
  const labels = [...new Set(options.labels.map(normaliseLabel))];
  for (const label of labels) await requireDac(operator, label);
  await runProver(operator, { ...options, labels, maxPriceWei });
  return { event: "stopped" };
}

/**
 * Judges a block on L1, or one of its transactions, and proves it wrong where it is; what is right is never accused.
 * @throws ConfigError not-yet for a block that is not on L1, or whose blocks nobody shows; L1Error
 */
export async function proveBlock(operator: Operator, request: ProofRequest): Promise<Report> {
  const label = normaliseLabel(request.label);
  await requireDac(operator, label);
  const stop = new AbortController();
  const signal = AbortSignal.any([operator.signal, stop.signal]);
  let report: Report | undefined;
  let failure: unknown;
  await watchL1(
    { ...operator, signal },
    {
      labels: [label],
      archiveUrl: request.archiveUrl,
      onCaughtUp: (sight) => {
        judgeAndProve(operator, { ...request, label }, sight)
          .then(
            (made) => {
              report = made;
            },
            (error: unknown) => {
              failure = error;
            },
          )
          .finally(() => stop.abort());
      },
    },
  );
  if (report === undefined) throw failure ?? new ConfigError("not-yet", "stopped before there was a verdict");
  return report;
}

type Found = {
  readonly posted: PostedBatch;
  readonly previous: PostedBatch | undefined;
  readonly verdict: BatchVerdict;
  /** the batch's blocks with the transactions that it commits to; null: nobody shows them */
  readonly blocks: () => Promise<readonly ShownBlock[] | null>;
  readonly audit: BatchAudit;
};

/** Judges the batch that has a block, and all before it. */
async function batchWith(operator: Operator, { label, block }: ProofRequest, sight: ProverSight): Promise<Found> {
  const { view, settings, archive, network } = sight;
  const dac = view.dacs().find((known) => known.label === label)!;
  const batches = view.batches(dac.chainId);
  const index = batches.findIndex(({ header }) => header.firstBlock <= block && block <= header.lastBlock);
  const posted = batches[index];
  if (posted === undefined) throw new ConfigError("not-yet", `block ${block} of ${label} is not on L1`);
  const audit = await startAudit(operator, dac, sight);
  const { readTimeoutMs } = settings.parameters;
  const seen = new SeenBlocks(settings.network);
  const shown = ({ header }: PostedBatch) =>
    shownBlocks({ network, view, seen, readTimeoutMs, signal: operator.signal }, header);
  const judge = async (batch: PostedBatch, answers?: Answers): Promise<BatchVerdict> => {
    const { header, batchHash, timestamp } = batch;
    operator.progress(`executing batch ${header.index}`);
    const found = sight.posted.get(batchHash)!;
    if (isMalformed(found)) return audit.malformed();
    const content = await archive.batch(found, { label, postedAt: timestamp });
    const isFinal = header.lastBlock <= view.finalHead(dac.chainId);
    return audit.judge(content, () => shown(batch), answers, { isFinal });
  };
  for (const earlier of batches.slice(0, index)) {
    const { kind } = await judge(earlier);
    if (kind !== "right")
      throw new ConfigError("not-yet", `batch ${earlier.header.index} of ${label} is wrong: prove that first`);
  }
  // what others asked for is there for all
  const search = { header: posted.header, fromBlock: posted.l1Block };
  const answers: Answers = async (item, known) => (await answerTo(operator.l1, { ...search, ...known, item }))?.answer;
  const verdict = await judge(posted, answers);
  const blocks = async (): Promise<readonly ShownBlock[] | null> => {
    for await (const list of shown(posted)) if (areTransactionsCommitted(posted.header, list)) return list;
    return null;
  };
  return { posted, previous: batches[index - 1], verdict, blocks, audit };
}

async function judgeAndProve(operator: Operator, request: ProofRequest, sight: ProverSight): Promise<Report> {
  const { label, block, transaction } = request;
  const found = await batchWith(operator, request, sight);
  const { header } = found.posted;
  const place = {
    dac: label,
    batch: header.index,
    block,
    ...(transaction !== undefined && { transaction }),
    poster: header.poster,
  };
  const position = Number(block - header.firstBlock);
  const { verdict } = found;
  if (verdict.kind === "unproven") return { ...place, verdict: verdict.why, reason: verdict.reason, sent: false };
  if (verdict.kind === "right" && verdict.unshown !== undefined)
    return { ...place, verdict: "evidence-unknown", reason: UNSHOWN_WORK, sent: false };
  const wrong = verdict.kind === "wrong" ? (verdict.found.position ?? position) : blockCount(header);
  if (verdict.kind === "right" || position < wrong)
    return { ...place, verdict: "right", ...(await rightFigures(operator, request, found)), sent: false };
  if (position > wrong) {
    const reason = `block ${header.firstBlock + BigInt(wrong)} of the same batch is wrong: prove that`;
    return { ...place, verdict: "after-a-wrong-block", reason, sent: false };
  }
  const { fault } = verdict.found;
  if (fault.proof === "execution" && transaction !== undefined) {
    // the first that is wrong is the one that is proven
    const { index } = fault.wrong;
    if (transaction > index)
      return { ...place, verdict: "after-a-wrong-transaction", reason: `transaction ${index} is wrong`, sent: false };
    if (transaction < index)
      return { ...place, verdict: "right", ...(await rightFigures(operator, request, found)), sent: false };
  }
  return { ...place, ...(await proveFault(operator, request, found, { verdict, sight })) };
}

async function proveFault(
  operator: Operator,
  { dryRun }: ProofRequest,
  { posted, previous }: Found,
  {
    verdict,
    sight,
  }: { readonly verdict: Extract<BatchVerdict, { readonly kind: "wrong" }>; readonly sight: ProverSight },
): Promise<Report> {
  const accuser = new Accuser(operator);
  const blob = () => sight.archive.blob(sight.posted.get(posted.batchHash)!, operator.l1.transport);
  const batch = { header: posted.header, previous: previous?.header, blob };
  const ask = () => accusationOf(operator, batch, [verdict.found, ...verdict.others]);
  let accusation = await ask();
  const opened: { openingGas?: bigint } = {};
  while (accusation.kind === "unopened") {
    if (dryRun) return { verdict: "wrong", ...factsOf(accusation.found.fault), reason: UNOPENED, sent: false };
    opened.openingGas = (opened.openingGas ?? 0n) + (await accuser.open(accusation.opening)).gasUsed;
    accusation = await ask();
  }
  if (accusation.kind === "unshown") return { ...(await inParts(accusation.found)), ...opened, sent: false };
  if (accusation.kind !== "ready") {
    return {
      verdict: "wrong",
      ...factsOf(verdict.found.fault),
      ...opened,
      provable: false,
      reason: accusation.reason,
      sent: false,
    };
  }
  const { found, call, gas, part } = accusation;
  const { fault } = found;
  const size =
    fault.proof === "execution"
      ? { replayGas: gas, witnessBytes: witnessBytes(fault.wrong.evidence), steps: fault.wrong.steps }
      : {};
  const proof = {
    verdict: "wrong",
    ...factsOf(fault),
    ...size,
    ...(part && { part }),
    ...opened,
    calldataBytes: (call.data.length - 2) / 2,
  };
  if (dryRun) return { ...proof, provable: true, sent: false };
  for (;;) {
    const { number } = await l1Now(operator.l1);
    const end = await accuser.advance(call);
    if (end !== null) return { ...proof, sent: true, ...end };
    await holdsWithin(BLOCK_WAIT_MS, operator.signal, async () => (await l1Now(operator.l1)).number > number);
    operator.signal.throwIfAborted();
  }
}

/** What is told of a fault that L1 cannot see at once, before its poster has shown what it claims between the parts. */
async function inParts({ fault }: FoundFault): Promise<Report> {
  const wrong = { verdict: "wrong", ...factsOf(fault), provable: false, reason: UNSHOWN };
  if (fault.proof !== "execution") return wrong;
  const { length } = await fault.wrong.parts();
  return { ...wrong, parts: length, steps: fault.wrong.steps };
}

const witnessBytes = ({
  nodes,
  codes,
}: {
  readonly nodes: readonly Uint8Array[];
  readonly codes: readonly { code: Uint8Array }[];
}): number => [...nodes, ...codes.map(({ code }) => code)].reduce((sum, { length }) => sum + length, 0);

/** Replays a transaction of a block that is right, here and, without sending anything, on L1. */
async function rightFigures(
  operator: Operator,
  { block, transaction }: ProofRequest,
  { posted, blocks: shown, audit }: Found,
): Promise<Report> {
  if (transaction === undefined) return {};
  const blocks = await shown();
  if (blocks === null) return { reason: "nobody shows the block, so that its transaction cannot be replayed alone" };
  const { firstBlock } = posted.header;
  const position = Number(block - firstBlock);
  const { chainId, header, transactions } = blocks[position]!;
  const raw = transactions[transaction];
  if (raw === undefined)
    throw new ConfigError("invalid", `block ${block} has the transactions 0 to ${transactions.length - 1}`);
  const { source } = audit.rebuild;
  const hashOf = (number: bigint): Hash => {
    const own = blocks[Number(number - firstBlock)];
    return own === undefined ? source.blockHash(number) : hashHeader(own.header);
  };
  const facts = { chainId, number: header.number, parentHash: header.parentHash, environment: environmentOf(header) };
  const parent = position === 0 ? audit.stateBefore(posted.header) : blocks[position - 1]!.header.stateRoot;
  const earlier: ReplayStep[] = [];
  const upTo = (): BlockReplay => {
    const upon = new BlockReplay(audit.engine, facts, { ...source, blockHash: hashOf }, parent);
    for (const step of earlier) upon.apply(step);
    return upon;
  };
  const replay = upTo();
  for (const own of transactions.slice(0, transaction)) {
    earlier.push(await replay.execute(own));
    replay.apply(earlier.at(-1)!);
  }
  const step = await replay.execute(raw);
  const { before } = replay;
  const evidence = wholeEvidence(replay.witness(step));
  const steps = await replay.steps(raw);
  const claimed = replay.apply(step);
  const answer = await askReplay(operator.l1, { facts, before, raw, index: transaction, claimed, evidence });
  const size = { witnessBytes: witnessBytes(evidence), steps };
  if (answer.kind === "no-verdict") {
    const { length } = new TransactionSlices(await upTo().cut(step), claimed);
    return { ...size, parts: length, onL1: "no-verdict", reason: answer.reason };
  }
  return { ...size, onL1: answer.differs ? "differs" : "right", replayGas: answer.gas };
}
