/** eth_getLogs. */
import { type Hash, type Log, ZERO_ADDRESS } from "@mvm/protocol";
import { z } from "zod";
import type { LogFilter } from "./backend.ts";
import { indexedBlock, numberOf, requireBlock, stateOf } from "./blockLookup.ts";
import type { BlockView } from "./blockView.ts";
import { requireReadable } from "./charterChecks.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { logFields } from "./receiptFields.ts";
import { invalidParams, limitExceeded } from "./rpcError.ts";
import { addressParam, blockNumberParam, hashParam, LATEST } from "./schemas.ts";

/** blocks of one range */
export const MAX_LOG_RANGE = 100_000n;
/** logs of one answer, and bytes of their data */
export const MAX_LOGS = 10_000;
const MAX_LOG_DATA_BYTES = 8 * 1024 * 1024;
/** candidate blocks that are taken from the index at a time */
const CANDIDATES = 256;
/** positions of topics, and alternatives at each and of addresses */
const MAX_TOPICS = 4;
const MAX_ALTERNATIVES = 1_000;

const alternatives = <T extends z.ZodType>(one: T) =>
  z
    .union([
      one.transform((value) => [value] as const),
      z.array(one).max(MAX_ALTERNATIVES),
      z.null().transform(() => [] as const),
    ])
    .transform((values): readonly z.output<T>[] => values);

const filterParam = z.object(
  {
    address: alternatives(addressParam).optional(),
    topics: z.array(alternatives(hashParam)).max(MAX_TOPICS).nullish(),
    fromBlock: blockNumberParam.optional(),
    toBlock: blockNumberParam.optional(),
    blockHash: hashParam.optional(),
  },
  { error: "expected a filter object" },
);

type Filter = z.output<typeof filterParam>;

/** Whether a log has the addresses and topics asked for. */
function matches(log: Log, { addresses, topics }: LogFilter): boolean {
  if (addresses.length > 0 && !addresses.includes(log.address)) return false;
  if (topics.length > log.topics.length) return false;
  return topics.every((choices, position) => choices.length === 0 || choices.includes(log.topics[position]!));
}

/** Gathers matching logs within the bounds of one answer. */
class LogCollector {
  readonly found: Json[] = [];
  readonly #filter: LogFilter;
  #dataBytes = 0;

  constructor(filter: LogFilter) {
    this.#filter = filter;
  }

  /** Throws RpcError beyond the bounds. */
  collect(view: BlockView): void {
    view.block.outcomes.forEach(({ logs }, index) => {
      logs.forEach((log, position) => {
        if (!matches(log, this.#filter)) return;
        this.#dataBytes += log.data.length;
        if (this.found.length === MAX_LOGS) throw limitExceeded(`query returned more than ${MAX_LOGS} results`);
        if (this.#dataBytes > MAX_LOG_DATA_BYTES)
          throw limitExceeded(`query returned more than ${MAX_LOG_DATA_BYTES} bytes of data`);
        this.found.push(logFields(view, { index, logIndex: view.logsBefore(index) + position }, log));
      });
    });
  }
}

async function rangeOf(context: MethodContext, filter: Filter): Promise<{ from: bigint; to: bigint }> {
  const from = await numberOf(context, filter.fromBlock ?? LATEST);
  const to = await numberOf(context, filter.toBlock ?? LATEST);
  if (from > to) throw invalidParams("invalid block range params: fromBlock is after toBlock");
  const head = await context.backend.head("latest");
  if (to > head) throw invalidParams(`block range extends beyond current head block ${head}`);
  if (to - from >= MAX_LOG_RANGE) throw limitExceeded(`block range is more than ${MAX_LOG_RANGE} blocks`);
  return { from, to };
}

async function getLogs(context: MethodContext, filter: Filter): Promise<Json> {
  await requireReadable(await stateOf(context, LATEST), ZERO_ADDRESS);
  const topics: readonly (readonly Hash[])[] = filter.topics ?? [];
  const wanted: LogFilter = { addresses: filter.address ?? [], topics };
  const collector = new LogCollector(wanted);
  if (filter.blockHash !== undefined) {
    if (filter.fromBlock !== undefined || filter.toBlock !== undefined)
      throw invalidParams("invalid argument 0 (filter): blockHash excludes fromBlock and toBlock");
    collector.collect(await requireBlock(context, { kind: "hash", hash: filter.blockHash }));
    return collector.found;
  }
  const { from, to } = await rangeOf(context, filter);
  for (let next = from; next <= to; ) {
    context.signal.throwIfAborted();
    const candidates = await context.backend.blocksWithLogs({ ...wanted, from: next, to, limit: CANDIDATES });
    for (const number of candidates) {
      context.signal.throwIfAborted();
      collector.collect(await indexedBlock(context, number));
    }
    if (candidates.length < CANDIDATES) break;
    next = candidates[candidates.length - 1]! + 1n;
  }
  return collector.found;
}

export const ethLogMethods: readonly Method[] = [
  defineMethod("eth_getLogs", { filter: filterParam }, (context, { filter }) => getLogs(context, filter)),
];
