/** A provider's process that lies: `mvm start`, but that it signs a balance which does not follow from what it read. Arguments: --data DIR. */
import { parseArgs } from "node:util";
import { type Ports, readPasswordFile, runNode } from "@mvm/node";
import { type Outcome, resultHash } from "@mvm/protocol";

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

/** The threads of a provider, whose first outcomes are lies. */
const lying = (jobs: Ports["jobs"]): Ports["jobs"] => ({
  capacity: jobs.capacity,
  begin(job, want) {
    const running = jobs.begin(job, want);
    const executed = running.executed.then(({ outcomes: right }) => {
      print({ event: "lied" });
      const outcomes = right.map((outcome, i) => (i === 0 ? lied(outcome) : outcome));
      return { outcomes, result: resultHash(job, outcomes) };
    });
    return { ...running, executed };
  },
});

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
process.stdin.once("end", () => stop.abort()).resume();
try {
  await runNode({
    dataDir: values.data ?? "",
    env: process.env,
    flags: {},
    password: () => readPasswordFile(process.env["MVM_PASSWORD_FILE"] ?? ""),
    signal: stop.signal,
    onReady: print,
    portsOver: (ports) => ({ ...ports, jobs: lying(ports.jobs) }),
  });
} finally {
  process.stdin.destroy();
}
