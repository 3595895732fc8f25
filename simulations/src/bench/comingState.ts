/**
 * What a new host saves by having a state come from another one (docs/decisions/063) in place of making it. Two databases in directories of their own (LevelDB), two
 * nodes of libp2p over TCP on loopback in one process.
 *   comingToMaking: seconds from an empty database to the last block, blocks indexed and the state come, by those of applying what each block writes, final blocks
 *     followed by pruning. Either host has to be given the blocks first, which counts in neither; nor does executing them, which who makes them of L1's data has to do.
 */
import { createLibp2pNetwork, generatePeerKey, type Network } from "@mvm/network";
import {
  type AccountWrite,
  type Address,
  decodeAnswer,
  decodeRequest,
  EMPTY_CODE_HASH,
  encodeAnswer,
  encodeRequest,
  fromHex,
  type Hash,
  LIMITS,
  type PeerId,
  REQUESTS,
  toChainId,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { type AdoptedBlock, DacDatabase, type Place } from "@mvm/state";
import { SeededRandom } from "../seededRandom.ts";
import { inDirectory, KEPT, type MadeBlock, madeBlock } from "./benchDatabase.ts";
import { type ResultLine, rounded } from "./benchmark.ts";

const CHAIN = toChainId(7n);
const TIMEOUT_MS = 60_000;
/** Requests that are on their way at once. */
const AT_ONCE = 2;

const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.state;
const LIMITS_OF_STATE = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 4 };

/** Blocks in which each transaction brings a new account, and one more holder of a token. */
function* growing(blocks: number, accountsPerBlock: number): Generator<MadeBlock> {
  const random = new SeededRandom("bench coming state");
  const account = (balance: bigint) => ({ nonce: 0n, balance, codeHash: EMPTY_CODE_HASH });
  const token = random.hash().slice(0, 42) as Address;
  for (let number = 1; number <= blocks; number++) {
    const writesPerTransaction = Array.from({ length: accountsPerBlock }, (_, i): AccountWrite[] => [
      { address: random.hash().slice(0, 42) as Address, account: account(BigInt(i + 1)), code: null, slots: [] },
      { address: token, account: account(1n), code: null, slots: [{ slot: random.hash(), value: BigInt(i + 1) }] },
    ]);
    yield madeBlock(number, writesPerTransaction, random);
  }
}

const GENESIS = { hash: toWordHex(1n), encodedBlock: Uint8Array.of(1) };

async function make(database: DacDatabase, blocks: readonly MadeBlock[]): Promise<void> {
  await database.initialise({ ...GENESIS, alloc: [] });
  for (const block of blocks) {
    await database.appendBlock(block);
    const final = block.number - BigInt(KEPT);
    if (final <= 0n) continue;
    await database.finalise(final);
    await database.prune(final);
  }
}

/** All of a state from a peer that has it. */
async function come(database: DacDatabase, blocks: readonly AdoptedBlock[], network: Network, peer: PeerId) {
  for (const block of blocks) await database.take([block]);
  const sync = await database.syncState();
  const ask = async (places: readonly Place[]): Promise<void> => {
    const body = { chainId: CHAIN, places: places.map(({ kind, hash }) => ({ kind, hash: toHex(hash) as Hash })) };
    const options = { timeoutMs: TIMEOUT_MS, maxResponseBytes: maxAnswerBytes };
    const answer = await network.request(peer, protocol, encodeRequest({ name: "state", body }), options);
    const part = decodeAnswer("state", answer).body;
    if (part.kind !== "part") throw new Error(part.reason);
    await sync.take(places, part.blocks);
  };
  while (!(await sync.isWhole())) {
    const asked = await Promise.all(Array.from({ length: AT_ONCE }, () => sync.next(LIMITS.statePlaces)));
    await Promise.all(asked.filter((places) => places.length > 0).map(ask));
  }
  await database.adopt();
}

async function startNetwork(): Promise<Network> {
  const privateKey = await generatePeerKey();
  const network = await createLibp2pNetwork({ privateKey, listen: ["/ip4/127.0.0.1/tcp/0"], bootstrap: [] });
  await network.start();
  return network;
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

export function comingLine({
  blocks,
  accountsPerBlock,
}: {
  blocks: number;
  accountsPerBlock: number;
}): Promise<ResultLine> {
  const made = [...growing(blocks, accountsPerBlock)];
  return inDirectory(async (from) => {
    const source = await DacDatabase.open(from, { mode: "state", keeps: "recent" });
    const makingSeconds = await secondsOf(() => make(source, made));
    const rootOf = (number: bigint): Hash => source.blockByNumber(number)!.stateRoot!;
    const lists = { transactionHashes: [], receipts: [], logs: [] };
    const first = { ...GENESIS, ...lists, number: 0n, stateRoot: rootOf(0n) };
    const others = made.map((block) => ({ ...block, stateRoot: rootOf(block.number) }));
    const [host, late] = await Promise.all([startNetwork(), startNetwork()]);
    host.handle(protocol, LIMITS_OF_STATE, async (_from, bytes) => {
      const asked = decodeRequest("state", bytes).body.places.map(({ kind, hash }) => ({ kind, hash: fromHex(hash) }));
      const part = source.partOf(asked, LIMITS.statePartBytes);
      return encodeAnswer({ name: "state", body: { kind: "part", blocks: part } });
    });
    await late.dial(host.addresses[0]!);
    const comingSeconds = await inDirectory(async (to) => {
      const database = await DacDatabase.open(to, { mode: "state", keeps: "recent" });
      const seconds = await secondsOf(() => come(database, [first, ...others], late, host.peerId));
      if (database.head!.stateRoot !== source.head!.stateRoot) throw new Error("not the state that was asked for");
      await database.close();
      return seconds;
    });
    await Promise.all([host.stop(), late.stop(), source.close()]);
    const accounts = blocks * accountsPerBlock;
    return { bench: "storage", blocks, accounts, comingToMaking: rounded(comingSeconds / makingSeconds) };
  });
}
