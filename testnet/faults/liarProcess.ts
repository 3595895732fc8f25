/** A sequencer's process that lies: `mvm start` but for what it tells others. Arguments: --data DIR --lies LABEL=LIE,... --outsider KEY. */
import { parseArgs } from "node:util";
import { readPasswordFile, runNode } from "@mvm/node";
import { Liar } from "./liar.ts";
import { LIES } from "./lies.ts";

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { data: text, lies: text, outsider: text } });
const lies = new Map(
  (values.lies ?? "").split(",").map((entry) => {
    const [label, name] = entry.split("=");
    const lie = LIES.find((known) => known.name === name);
    if (label === undefined || lie === undefined) throw new Error(`no lie: ${entry}`);
    return [label, lie] as const;
  }),
);
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
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
    portsOver: (ports, node) => {
      const means = { outsiderKey: values.outsider ?? "" };
      return new Liar({ ports, ...node, lies, means, onLie: (lie) => print({ event: "lied", ...lie }) }).ports;
    },
  });
} finally {
  process.stdin.destroy();
}
