/**
 * What a DAC costs a host's disk, and what its flat view saves. A database in a directory of its own (LevelDB), filled as a host fills it: block by block,
 * with a body, a receipt and an index entry for each transaction, final blocks followed by pruning.
 *   databaseToLiveState: bytes of the directory after `blocks` blocks of 20 transfers among so many accounts, by the bytes of one that has been
 *     given the last state alone, as its first. `unprunedToLiveState`: the same without pruning. Both as LevelDB leaves them, without asking it to compact.
 *   flatToTrie: median processor time of reading an account and a slot from the flat view, by that of walking the trie to them, over drawn keys of a database that was opened
 *     anew for each.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Account, type AccountWrite, type Address, EMPTY_CODE_HASH, type Hash, toWordHex } from "@mvm/protocol";
import { type ChainValues, DacDatabase, type KeptStates } from "@mvm/state";
import { SeededRandom } from "../seededRandom.ts";
import { inDirectory, KEPT, type MadeBlock, madeBlock } from "./benchDatabase.ts";
import { type Benchmark, median, processorSeconds, type ResultLine, rounded } from "./benchmark.ts";
import { comingLine } from "./comingState.ts";
import { confidentialLines } from "./confidential.ts";
import { logsLine } from "./logs.ts";

const ACCOUNTS = 100_000;
const SLOTS_OF_TOKEN = 100_000;
const BLOCKS = 1_000;
const TRANSFERS = 20;
const READS = 2_000;
const LOG_BLOCKS = 100_000;
const ROUNDS = 5;
const CONFIDENTIAL_MIB = 1_024;
const CONFIDENTIAL_ROUNDS = 3;

const NO_CHAIN: ChainValues = { number: () => 0n, chainId: () => 1n, blockHash: () => toWordHex(0n) };

type Size = { readonly accounts: number; readonly slots: number; readonly blocks: number };

/** Accounts, and one contract with a slot for each of its holders; transfers change two accounts and two slots. */
class Ledger {
  readonly token: Address;
  readonly #accounts: Address[] = [];
  readonly #states = new Map<Address, Account>();
  readonly #slots = new Map<Hash, bigint>();
  readonly #slotNames: Hash[] = [];
  readonly #random: SeededRandom;

  constructor(random: SeededRandom, { accounts, slots }: Size) {
    this.#random = random;
    this.token = random.hash().slice(0, 42) as Address;
    for (let i = 0; i < accounts; i++) {
      const address = random.hash().slice(0, 42) as Address;
      this.#accounts.push(address);
      this.#states.set(address, { nonce: 0n, balance: BigInt(1_000_000 + i), codeHash: EMPTY_CODE_HASH });
    }
    for (let i = 0; i < slots; i++) {
      const slot = random.hash();
      this.#slotNames.push(slot);
      this.#slots.set(slot, BigInt(1_000_000 + i));
    }
  }

  #tokenWrite(slots: Iterable<readonly [Hash, bigint]>): AccountWrite {
    const account = { nonce: 1n, balance: 0n, codeHash: EMPTY_CODE_HASH };
    const sorted = [...slots].sort(([left], [right]) => (left < right ? -1 : 1));
    return { address: this.token, account, code: null, slots: sorted.map(([slot, value]) => ({ slot, value })) };
  }

  /** The whole state, as a first one. */
  alloc(): AccountWrite[] {
    const accounts = Array.from(this.#states, ([address, account]) => ({ address, account, code: null, slots: [] }));
    return [...accounts, this.#tokenWrite(this.#slots)];
  }

  key(): { readonly address: Address; readonly slot: Hash } {
    return { address: this.#drawn(this.#accounts), slot: this.#drawn(this.#slotNames) };
  }

  #drawn<T>(all: readonly T[]): T {
    return all[this.#random.below(all.length)]!;
  }

  transfer(): AccountWrite[] {
    const from = this.#drawn(this.#accounts);
    const account = this.#states.get(from)!;
    const paid = { ...account, nonce: account.nonce + 1n, balance: account.balance - 1n };
    this.#states.set(from, paid);
    const slots = new Map([this.#drawn(this.#slotNames), this.#drawn(this.#slotNames)].map((slot) => [slot, 0n]));
    for (const slot of slots.keys()) {
      slots.set(slot, this.#slots.get(slot)! + 1n);
      this.#slots.set(slot, slots.get(slot)!);
    }
    return [{ address: from, account: paid, code: null, slots: [] }, this.#tokenWrite(slots)];
  }

  block(number: number): MadeBlock {
    const writes = Array.from({ length: TRANSFERS }, () => this.transfer());
    return madeBlock(number, writes, this.#random);
  }
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const genesis = (ledger: Ledger) => ({ hash: toWordHex(1n), encodedBlock: Uint8Array.of(1), alloc: ledger.alloc() });

/** A database after its blocks, and what its state alone takes. */
async function disk(size: Size, keeps: KeptStates): Promise<{ readonly bytes: number; readonly liveBytes: number }> {
  const ledger = new Ledger(new SeededRandom("bench storage"), size);
  const bytes = await inDirectory(async (directory) => {
    const database = await DacDatabase.open(directory, { mode: "state", keeps });
    await database.initialise(genesis(ledger));
    for (let number = 1; number <= size.blocks; number++) {
      await database.appendBlock(ledger.block(number));
      if (number <= KEPT) continue;
      await database.finalise(BigInt(number - KEPT));
      await database.prune(BigInt(number - KEPT));
    }
    await database.close();
    return bytesIn(directory);
  });
  const liveBytes = await inDirectory(async (directory) => {
    const database = await DacDatabase.open(directory, { mode: "state" });
    await database.initialise(genesis(ledger));
    await database.close();
    return bytesIn(directory);
  });
  return { bytes, liveBytes };
}

export async function diskLine(size: Size): Promise<ResultLine> {
  const pruned = await disk(size, "recent");
  const whole = await disk(size, "all");
  return {
    bench: "storage",
    ...size,
    databaseToLiveState: rounded(pruned.bytes / pruned.liveBytes),
    unprunedToLiveState: rounded(whole.bytes / whole.liveBytes),
    databaseMiB: rounded(pruned.bytes / 2 ** 20),
  };
}

export async function readsLine(size: Size, reads: number): Promise<ResultLine> {
  const ledger = new Ledger(new SeededRandom("bench storage reads"), size);
  return inDirectory(async (directory) => {
    const made = await DacDatabase.open(directory, { mode: "state" });
    await made.initialise(genesis(ledger));
    await made.close();
    const seconds = { flat: [] as number[], trie: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      const keys = Array.from({ length: reads }, () => ledger.key());
      for (const way of ["flat", "trie"] as const) {
        const database = await DacDatabase.open(directory, { mode: "state" });
        const root = database.head!.stateRoot!;
        const startedAt = processorSeconds();
        for (const { address, slot } of keys) {
          // a view of its own for each: nothing that another read has met is at hand
          const state = way === "flat" ? database : database.stateAt(root, NO_CHAIN);
          const [account, value] = [state.account(address), state.slot(ledger.token, slot)];
          if (account === null || value === 0n) throw new Error("a value of the ledger is not there");
        }
        seconds[way].push(processorSeconds() - startedAt);
        await database.close();
      }
    }
    return { bench: "storage", ...size, reads, flatToTrie: rounded(median(seconds.flat) / median(seconds.trie)) };
  });
}

export const storage: Benchmark = {
  name: "storage",
  summary:
    "a host's disk beside the live state, reads of the flat view beside walks of the trie, logs by index beside walks of receipts, a state that comes beside one that is made, a confidential file beside plain Helia",
  run: async (report, note) => {
    const size = { accounts: ACCOUNTS, slots: SLOTS_OF_TOKEN };
    note(`${BLOCKS} blocks on ${ACCOUNTS} accounts, pruned and not`);
    report(await diskLine({ ...size, blocks: BLOCKS }));
    note(`${READS} reads`);
    report(await readsLine({ ...size, blocks: 0 }, READS));
    note(`logs of ${LOG_BLOCKS} blocks`);
    report(await logsLine(LOG_BLOCKS));
    note(`a state of ${ACCOUNTS} accounts, made and come from another host`);
    report(await comingLine({ blocks: BLOCKS, accountsPerBlock: ACCOUNTS / BLOCKS }));
    note(
      `a confidential file of ${CONFIDENTIAL_MIB} MiB, and the same in plain Helia, ${CONFIDENTIAL_ROUNDS} times each`,
    );
    for (const line of await confidentialLines({ sizeMiB: CONFIDENTIAL_MIB, rounds: CONFIDENTIAL_ROUNDS }))
      report(line);
  },
};
