/** A provider's process that lies: `mvm start`, but that it signs a balance which does not follow from what it read. Arguments: --data DIR. */
import { parseArgs } from "node:util";
import { type NodeCore, readPasswordFile, runNode } from "@mvm/node";
import type { Outcome } from "@mvm/protocol";

const { values } = parseArgs({ options: { data: { type: "string" } } });
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** A wei more for whoever is written last. */
function lied(outcome: Outcome): Outcome {
  if (outcome.kind === "invalid") return outcome;
  const place = outcome.writes.findLastIndex(({ account }) => account !== null);
  const write = outcome.writes[place];
  if (write === undefined) return outcome;
  const account = { ...write.account!, balance: write.account!.balance + 1n };
  return { ...outcome, writes: outcome.writes.with(place, { ...write, account }) };
}

function corrupt({ engine }: NodeCore): void {
  const execute = engine.execute.bind(engine);
  engine.execute = async (...job) => {
    const outcomes = await execute(...job);
    print({ event: "lied" });
    return outcomes.map((outcome, i) => (i === 0 ? lied(outcome) : outcome));
  };
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
process.stdin.once("end", () => stop.abort()).resume();
let core: (() => NodeCore) | undefined;
try {
  await runNode({
    dataDir: values.data ?? "",
    env: process.env,
    flags: {},
    password: () => readPasswordFile(process.env["MVM_PASSWORD_FILE"] ?? ""),
    signal: stop.signal,
    onReady: (ready) => {
      if (core !== undefined) corrupt(core());
      print(ready);
    },
    portsOver: (ports, node) => {
      core = node.core;
      return ports;
    },
  });
} finally {
  process.stdin.destroy();
}
