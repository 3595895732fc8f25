/**
 * Confidential data beside plain Helia: a file from disk, sealed and put into one node of a private swarm (when that resolves it is synced), replicated to a second one over
 * loopback, read there and opened. Beside it Helia as it comes adds the same file to blocks on disk, and gives it out again. Each node is a process of its own, new
 * for each round; rounds of one and of the other take turns.
 *   ratioToHelia: median speed by the median speed of the plain one. replicate has no ratio: the plain one has no second node.
 *   peakMemoryMiB: the largest resident memory, in any round, of the process that did it: of get the one that had fetched before.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { inDirectory } from "./benchDatabase.ts";
import { median, type ResultLine, rounded } from "./benchmark.ts";
import type { Done, Order } from "./workingNode.ts";

const WRITE_BYTES = 2 ** 20;
const MEBIBYTE = 2 ** 20;

/** A node in its own process. */
class NodeProcess {
  readonly #child: ChildProcess;
  readonly started: Promise<Done>;

  constructor(program: "confidentialNode.ts" | "heliaNode.ts", directory: string) {
    this.#child = fork(join(import.meta.dirname, program), [directory]);
    this.started = this.#answer();
  }

  async #answer(): Promise<Done> {
    const left = new AbortController();
    try {
      const ended = once(this.#child, "exit", { signal: left.signal }).then(() => {
        throw new Error("a node of the benchmark has ended");
      });
      const answered = once(this.#child, "message", { signal: left.signal }).then(([done]) => done as Done);
      return await Promise.race([answered, ended]);
    } finally {
      left.abort();
    }
  }

  do(order: Order): Promise<Done> {
    const answer = this.#answer();
    this.#child.send(order);
    return answer;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

type Round = { readonly [part in "put" | "replicate" | "get"]?: Done };

async function withNodes<T>(nodes: readonly NodeProcess[], work: () => Promise<T>): Promise<T> {
  try {
    await Promise.all(nodes.map(({ started }) => started));
    return await work();
  } finally {
    await Promise.all(nodes.map((node) => node.end()));
  }
}

async function swarmRound(directory: string, file: string): Promise<Round> {
  const [first, second] = ["first", "second"].map(
    (name) => new NodeProcess("confidentialNode.ts", join(directory, name)),
  );
  return withNodes([first!, second!], async () => {
    const [one, other] = [await first!.started, await second!.started];
    await Promise.all([
      first!.do({ do: "meet", peer: other.peer!, addresses: [] }),
      second!.do({ do: "meet", peer: one.peer!, addresses: [] }),
    ]);
    await second!.do({ do: "meet", peer: one.peer!, addresses: one.addresses });
    const put = await first!.do({ do: "put", file });
    const replicate = await second!.do({ do: "fetch", cid: put.cid });
    const get = await second!.do({ do: "get", cid: put.cid });
    return { put, replicate, get };
  });
}

async function heliaRound(directory: string, file: string): Promise<Round> {
  const node = new NodeProcess("heliaNode.ts", directory);
  return withNodes([node], async () => {
    const put = await node.do({ do: "put", file });
    return { put, get: await node.do({ do: "get", cid: put.cid }) };
  });
}

async function writeRandom(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, "w");
  try {
    for (let left = sizeBytes; left > 0; left -= WRITE_BYTES)
      await handle.write(randomBytes(Math.min(left, WRITE_BYTES)));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const secondsOf = (rounds: readonly Round[], part: keyof Round): number =>
  median(rounds.map((round) => round[part]!.seconds));
const memoryOf = (rounds: readonly Round[], part: keyof Round): number =>
  rounded(Math.max(...rounds.map((round) => round[part]!.peakMemoryMiB)));

export async function confidentialLines(size: {
  readonly sizeMiB: number;
  readonly rounds: number;
}): Promise<readonly ResultLine[]> {
  const sizeBytes = size.sizeMiB * MEBIBYTE;
  const [ours, plain]: [Round[], Round[]] = [[], []];
  await inDirectory(async (directory) => {
    const file = join(directory, "file");
    await writeRandom(file, sizeBytes);
    for (let round = 0; round < size.rounds; round++) {
      for (const [rounds, run] of [
        [ours, swarmRound],
        [plain, heliaRound],
      ] as const) {
        const nodes = join(directory, "nodes");
        await mkdir(nodes);
        const done = await run(nodes, file);
        if (done.get!.sizeBytes !== sizeBytes) throw new Error("what was read is not as long as what was put");
        rounds.push(done);
        await rm(nodes, { recursive: true });
      }
    }
  });
  const speed = (part: keyof Round): number => rounded(sizeBytes / 1e6 / secondsOf(ours, part));
  const line = (operation: keyof Round): ResultLine => ({
    bench: "storage",
    operation,
    ...size,
    megabytesPerSecond: speed(operation),
    peakMemoryMiB: memoryOf(ours, operation),
  });
  const compared = (operation: "put" | "get"): ResultLine => ({
    ...line(operation),
    ratioToHelia: rounded(secondsOf(plain, operation) / secondsOf(ours, operation)),
    heliaPeakMemoryMiB: memoryOf(plain, operation),
  });
  return [compared("put"), line("replicate"), compared("get")];
}
