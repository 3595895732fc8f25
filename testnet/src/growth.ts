/** What more DACs cost a network that runs: storage, and no process. */
import { readdirSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Testnet } from "./testnet.ts";
import { until } from "./until.ts";

/** Clock ticks of a second in /proc, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;
const BYTES_PER_MIB = 2 ** 20;
/** DACs that are created at once: their transactions fit a few L1 blocks. */
const AT_ONCE = 10;
/** Until the DACs of a round have their first block on L1. */
const FOUNDED_MS = 240_000;

type ProcessUsage = { readonly pid: number; readonly parent: number; readonly cpuMs: number; readonly rssMiB: number };

/** What /proc tells of a process; null where there is none any more. */
function usageOf(pid: number): ProcessUsage | null {
  try {
    // the name, in brackets, may have blanks in it
    const [, rest] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) (?=\S )/);
    const fields = rest!.split(" ");
    const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number) as [number, number, number];
    const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    const cpuMs = ((user + system) * 1_000) / TICKS_PER_SECOND;
    return { pid, parent, cpuMs, rssMiB: Number(rss?.[1] ?? 0) / KIB_PER_MIB };
  } catch {
    return null;
  }
}

/** All processes that this one has begun, and theirs. Needs /proc: throws where there is none. */
function descendants(): readonly ProcessUsage[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => usageOf(Number(name)) ?? []);
  const found: ProcessUsage[] = [];
  const parents = new Set([process.pid]);
  // a process may have a lower number than its parent
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    for (const one of all) {
      if (!parents.has(one.parent) || parents.has(one.pid)) continue;
      parents.add(one.pid);
      found.push(one);
    }
  }
  return found;
}

async function bytesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      // databases let go of files while they are counted
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

type Usage = {
  readonly processes: number;
  readonly rssMiB: number;
  readonly cpuMs: number;
  readonly storageMiB: number;
};

/** Of all nodes and L1. */
async function usage(testnet: Testnet): Promise<Usage> {
  const storageBytes = await bytesIn(testnet.run.path);
  const all = descendants();
  const sum = (of: (one: ProcessUsage) => number): number => all.reduce((total, one) => total + of(one), 0);
  return {
    processes: all.length,
    rssMiB: Math.round(sum(({ rssMiB }) => rssMiB)),
    cpuMs: sum(({ cpuMs }) => cpuMs),
    storageMiB: Math.round((10 * storageBytes) / BYTES_PER_MIB) / 10,
  };
}

export type GrowthReport = {
  readonly ok: boolean;
  /** DACs that were added */
  readonly dacs: number;
  readonly processesBefore: number;
  readonly processesAfter: number;
  /** resident memory of all processes, before and after */
  readonly rssMiB: readonly [number, number];
  /** what is on their disks, L1's included where it keeps any */
  readonly storageMiB: readonly [number, number];
  /** processor time of all processes while the DACs were added */
  readonly cpuMs: number;
  readonly tookMs: number;
};

type Health = { readonly dacs: readonly { readonly label: string; readonly safe: number }[] };

/** Adds DACs, each with its first block on L1: founded, hosted, sequenced. */
export async function grow(testnet: Testnet, dacs: number): Promise<GrowthReport> {
  const startedMs = Date.now();
  const before = await usage(testnet);
  const labels = Array.from({ length: dacs }, (_, i) => `grown-${i + 1}`);
  for (let first = 0; first < dacs; first += AT_ONCE) {
    const round = labels.slice(first, first + AT_ONCE);
    await testnet.createEmptyDacs(round.map((label) => ({ label, kind: "free" })));
    await until(`the first blocks of DACs up to ${round.at(-1)} on L1`, FOUNDED_MS, async () => {
      const health = (await (await fetch(`${testnet.gatewayUrl}/health`)).json()) as Health;
      const founded = new Set(health.dacs.filter(({ safe }) => safe >= 1).map(({ label }) => label));
      return round.every((label) => founded.has(label));
    });
  }
  const after = await usage(testnet);
  return {
    ok: after.processes === before.processes,
    dacs,
    processesBefore: before.processes,
    processesAfter: after.processes,
    rssMiB: [before.rssMiB, after.rssMiB],
    storageMiB: [before.storageMiB, after.storageMiB],
    cpuMs: after.cpuMs - before.cpuMs,
    tookMs: Date.now() - startedMs,
  };
}
