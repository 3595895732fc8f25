/** `npm run testnet`: a network on this machine until Ctrl-C, or for as long as a smoke run or a flow takes. */
import { parseArgs } from "node:util";
import { type FaultReport, LIED_NETWORK, runFaults } from "../faults/fault.ts";
import { LIES, type Lie } from "../faults/lies.ts";
import { runWrongResult, WRONG_RESULT, WRONG_RESULT_NETWORK } from "../faults/wrongResult.ts";
import { CHARTER_KINDS } from "./charters.ts";
import { type Flow, type FlowReport, runFlow } from "./flows/flow.ts";
import { FLOWS } from "./flows/table.ts";
import { type GrowthReport, grow } from "./growth.ts";
import { createRunDirectory, removeDeadRuns } from "./runDirectory.ts";
import { type SmokeReport, smoke } from "./smoke.ts";
import { showStatus } from "./statusLine.ts";
import { DEFAULT_SIZE, Testnet, type TestnetSize } from "./testnet.ts";

const USAGE = `usage: npm run testnet -- [--sequencers n] [--providers n] [--storage n] [--dacs n] [--json]
       npm run testnet -- --smoke [--blocks n] [--sequencers n] [--providers n] [--storage n] [--dacs n] [--json]
       npm run testnet -- --flow NAME [--json]
       npm run testnet -- --fault NAME[,NAME...] [--json]
       npm run testnet -- --grow-dacs n [--sequencers n] [--providers n] [--storage n] [--json]
       npm run testnet -- --list [--json]`;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** nodes of one kind: what two cores and their memory carry */
const MAX_NODES = 16;
/** blocks of all DACs in a smoke run: as many as tell whether the draws of seats go by stake */
const SMOKE_BLOCKS = 300;
const MAX_BLOCKS = 100_000;
/** DACs that a network is grown by */
const MAX_GROWTH = 1_000;

class UsageError extends Error {}

function count(name: string, text: string | undefined, fallback: number, most = MAX_NODES): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new UsageError(`--${name} takes a whole number of 1 to ${most}, not ${text}`);
  return value;
}

type Options = {
  readonly size: TestnetSize;
  readonly json: boolean;
  readonly smoke: boolean;
  readonly blocks: number;
  /** DACs that the network is grown by; 0: it is not */
  readonly growth: number;
  readonly list: boolean;
  readonly flow: Flow | null;
  readonly faults: readonly Lie[];
  /** whether it is a provider that lies */
  readonly isWrongResult: boolean;
};

function flowOf(name: string | undefined): Flow | null {
  if (name === undefined) return null;
  const flow = FLOWS.find((known) => known.name === name);
  if (flow === undefined) throw new UsageError(`there is no flow "${name}": see --list`);
  return flow;
}

/** Several faults share a network, with a DAC for each. */
function faultsOf(names: string | undefined): readonly Lie[] {
  return [...new Set(names?.split(",") ?? [])].map((name) => {
    const lie = LIES.find((known) => known.name === name);
    if (lie === undefined) throw new UsageError(`there is no fault "${name}": see --list`);
    return lie;
  });
}

function readArguments(): Options {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const sizes = { sequencers: text, providers: text, storage: text, dacs: text };
  const options = {
    ...sizes,
    "grow-dacs": text,
    flow: text,
    fault: text,
    blocks: text,
    json: flag,
    smoke: flag,
    list: flag,
    help: flag,
  };
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) throw new UsageError("");
  const flow = flowOf(values.flow);
  const isSized = Object.keys(sizes).some((name) => values[name as keyof typeof sizes] !== undefined);
  const isWrongResult = values.fault === WRONG_RESULT.name;
  const faults = faultsOf(isWrongResult ? undefined : values.fault);
  const growth = values["grow-dacs"] === undefined ? 0 : count("grow-dacs", values["grow-dacs"], 0, MAX_GROWTH);
  const stories = [flow !== null, values.fault !== undefined, values.smoke, growth > 0].filter(Boolean).length;
  if (stories > 1 || (isSized && (flow !== null || values.fault !== undefined)))
    throw new UsageError("one story at a time; a flow and a fault bring their own network");
  if (values.blocks !== undefined && values.smoke !== true) throw new UsageError("--blocks goes with --smoke");
  const blocks = count("blocks", values.blocks, SMOKE_BLOCKS, MAX_BLOCKS);
  const size = {
    sequencers: count("sequencers", values.sequencers, DEFAULT_SIZE.sequencers),
    providers: count("providers", values.providers, DEFAULT_SIZE.providers),
    storage: count("storage", values.storage, DEFAULT_SIZE.storage),
    dacs: count("dacs", values.dacs, values.smoke ? CHARTER_KINDS.length : DEFAULT_SIZE.dacs),
  };
  const [json, smoke, list] = [values.json === true, values.smoke === true, values.list === true];
  const liedTo = isWrongResult ? WRONG_RESULT_NETWORK : LIED_NETWORK;
  const own = values.fault === undefined ? flow?.size : liedTo;
  return { size: own ?? size, json, smoke, blocks, growth, list, flow, faults, isWrongResult };
}

/** What a user needs to go on: URLs, a funded key, the next command. */
function describe(testnet: Testnet, readyMs: number): Readonly<Record<string, unknown>> {
  return {
    ready: true,
    readyMs,
    l1: testnet.anvil.url,
    gateway: testnet.gatewayUrl,
    dacs: testnet.dacs.map(({ label, chainId, url }) => ({ label, chainId: Number(chainId), url })),
    fundedKey: testnet.user.privateKey,
    fundedAddress: testnet.user.address,
    networkFile: testnet.networkFile,
    directory: testnet.run.path,
  };
}

function welcome(testnet: Testnet, readyMs: number): string {
  const first = testnet.dacs[0]!;
  return [
    `\nThe network is ready after ${(readyMs / 1000).toFixed(1)} s.`,
    `  L1        ${testnet.anvil.url}`,
    ...testnet.dacs.map(
      ({ label, chainId, url }) =>
        `  ${label.padEnd(9)} ${url}   chain ${chainId}   (also http://${label}.localhost:${new URL(url).port})`,
    ),
    `  funded    ${testnet.user.address}`,
    `  its key   ${testnet.user.privateKey}`,
    `  network   ${testnet.networkFile}`,
    `\nTry, in another terminal of this directory:\n`,
    `  npx cast send --rpc-url ${first.url} --private-key ${testnet.user.privateKey} --value 1ether 0x000000000000000000000000000000000000dEaD\n`,
    `Ctrl-C stops everything.\n`,
  ].join("\n");
}

/** Resolves at the first SIGINT or SIGTERM. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function listStories(json: boolean): void {
  const faults = [...LIES, WRONG_RESULT];
  const width = Math.max(...[...FLOWS, ...faults].map(({ name }) => name.length));
  for (const [kind, stories] of [["flow", FLOWS] as const, ["fault", faults] as const])
    for (const { name, text } of stories)
      process.stdout.write(
        json ? `${JSON.stringify({ [kind]: name, text })}\n` : `${kind.padEnd(5)}  ${name.padEnd(width)}  ${text}\n`,
      );
}

/** Plays what was asked for, which ends by itself; a report each. */
async function play(
  testnet: Testnet,
  { flow, faults, isWrongResult, blocks, growth }: Options,
  readyMs: number,
): Promise<readonly (FlowReport | FaultReport | SmokeReport | GrowthReport)[]> {
  if (growth > 0) return [await grow(testnet, growth)];
  if (isWrongResult) return [await runWrongResult(testnet)];
  if (faults.length > 0) return runFaults(testnet, faults);
  return [flow === null ? await smoke(testnet, { readyMs, blocks }) : await runFlow(testnet, flow)];
}

/** Shows a run's report; undefined where it was broken off. */
function conclude(report: { readonly ok: boolean } | null, json: boolean): void {
  process.stdout.write(`${json ? JSON.stringify(report) : JSON.stringify(report, null, 2)}\n`);
  if (report?.ok !== true) process.exitCode = EXIT_FAILURE;
}

/** Whether the network is there for something that ends by itself. */
const isStory = ({ flow, faults, isWrongResult, smoke, growth }: Options): boolean =>
  flow !== null || faults.length > 0 || isWrongResult || smoke || growth > 0;

async function main(): Promise<void> {
  const options = readArguments();
  if (options.list) return listStories(options.json);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const startedMs = Date.now();
  const removed = await removeDeadRuns();
  if (removed > 0) say(`removed what ${removed} crashed run(s) left`);
  const run = await createRunDirectory();
  const stopWanted = interrupted();
  let testnet: Testnet | null = null;
  try {
    const starting = Testnet.start(run, options.size, say, options.smoke ? CHARTER_KINDS : ["free"]);
    testnet = await Promise.race([starting, stopWanted.then(() => null)]);
    if (testnet === null) {
      await starting.then((late) => late.stop());
      return;
    }
    const readyMs = Date.now() - startedMs;
    if (isStory(options)) {
      const reports = await Promise.race([play(testnet, options, readyMs), stopWanted.then(() => [null])]);
      for (const report of reports) conclude(report, options.json);
      return;
    }
    process.stdout.write(options.json ? `${JSON.stringify(describe(testnet, readyMs))}\n` : welcome(testnet, readyMs));
    const stopStatus = options.json ? null : showStatus(testnet);
    await stopWanted;
    stopStatus?.();
  } finally {
    await testnet?.stop();
    await run.remove();
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message === "" ? "" : `${error.message}\n`}${USAGE}\n`);
    process.exitCode = EXIT_USAGE;
  } else {
    process.stderr.write(`testnet: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (error instanceof Error && error.cause !== undefined) process.stderr.write(`because: ${String(error.cause)}\n`);
    process.exitCode = EXIT_FAILURE;
  }
}
process.exit();
