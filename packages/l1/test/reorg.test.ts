import {
  chainIdOfLabel,
  depositMt,
  type L1Event,
  MAX_REMEMBERED_BLOCKS,
  register,
  STAKE_HOLDER_OF_ROLE,
  type StakedRole,
} from "@mvm/l1";
import type { ChainId } from "@mvm/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  beginNextDraw,
  blockHash,
  createDacNamed,
  fund,
  headNumber,
  MT,
  postNext,
  Recorder,
  registerFor,
  STAKE_WEI,
  signUpOf,
  startNetwork,
  type TestNetwork,
  tampered,
} from "./network.ts";

const DEPOSITOR = 4;
/** Accounts that register and are rolled back; those before it are the sequencers. */
const FIRST_NEWCOMER = 5;
const DEEPEST = 8;

let network: TestNetwork;
let chainId: ChainId;

beforeAll(async () => {
  network = await startNetwork();
  await createDacNamed(network, "reorganised");
  chainId = (await chainIdOfLabel(network.reader, "reorganised"))!;
  for (const n of [1, 2]) await registerFor(network, network.accounts[n]!, "sequencer");
  await fund(network, network.accounts[DEPOSITOR]!, "bridge", 1_000_000n * MT);
  for (const account of network.accounts.slice(FIRST_NEWCOMER, FIRST_NEWCOMER + 3)) {
    for (const role of ["provider", "storage"] as const)
      await fund(network, account, STAKE_HOLDER_OF_ROLE[role], STAKE_WEI);
  }
  await beginNextDraw(network);
});
afterAll(() => network.stop());

let snapshot: unknown;
beforeEach(async () => {
  if (snapshot !== undefined) expect(await network.anvil.provider.send("evm_revert", [snapshot])).toBe(true);
  snapshot = await network.anvil.provider.send("evm_snapshot", []);
});

const follow = (from = network.firstBlock): Recorder =>
  new Recorder({ transport: network.anvil.provider, addresses: network.addresses, fromBlock: from });

const deposit = (amount: number): Promise<unknown> => {
  const user = network.accounts[DEPOSITOR]!;
  return user.submit(depositMt(network.addresses, { chainId, to: user.address, amountWei: BigInt(amount) * MT }));
};
const signUp = (n: number, role: StakedRole): Promise<unknown> => {
  const account = network.accounts[FIRST_NEWCOMER + n]!;
  const call = { signUp: signUpOf(network, role, account.address), stakeWei: STAKE_WEI };
  return account.submit(register(network.addresses, role, call));
};
const post = (content: number): Promise<unknown> => postNext(network, chainId, new Uint8Array(64).fill(content));
/** Makes the last blocks not to have been, and as many empty ones in their place. */
const takeBack = (depth: number): Promise<unknown> => network.anvil.provider.send("anvil_reorg", [depth, []]);

/** What a listener holds for true after all these events: those of blocks that were taken back are gone. */
function standing(events: readonly L1Event[]): readonly L1Event[] {
  let kept: L1Event[] = [];
  for (const event of events) {
    const { type } = event;
    if (type === "reorg") {
      kept = kept.filter(
        (one) => ("number" in one ? one.number : "l1Block" in one ? one.l1Block : 0n) <= event.toBlock,
      );
    } else if (type !== "l1-reachable" && type !== "l1-unreachable") kept.push(event);
  }
  return kept;
}

/** The recorder's head is L1's, and what it holds is what one who comes now is told. */
async function expectInStep(recorder: Recorder): Promise<void> {
  const head = await headNumber(network.anvil);
  const hash = await blockHash(network.anvil, head);
  await recorder.until(() => recorder.follower.remembered.at(-1)?.hash === hash);
  const newcomer = follow();
  await newcomer.untilBlock(head);
  await newcomer.stop();
  expect(standing(recorder.events)).toEqual(newcomer.events);
}

const typesSince = (recorder: Recorder, start: number): readonly string[] =>
  recorder.events.slice(start).flatMap(({ type }) => (type === "block" || type === "block-end" ? [] : [type]));

describe("a reorganisation of a real L1", () => {
  it("rolls back a registration, a deposit and a batch, and replays them in another order", async () => {
    const recorder = follow();
    const common = await headNumber(network.anvil);
    await signUp(0, "provider");
    await deposit(3);
    await post(1);
    await recorder.untilBlock(common + 3n);
    const start = recorder.events.length;
    await takeBack(3);
    await recorder.until(() => recorder.ofType("reorg").length > 0);
    await post(2);
    await deposit(5);
    await signUp(0, "storage");
    await expectInStep(recorder);
    await recorder.stop();
    expect(recorder.ofType("reorg")).toEqual([{ type: "reorg", toBlock: common }]);
    const told = ["reorg", "batch-appended", "queue-item-added", "threshold-changed", "registered"];
    expect(typesSince(recorder, start)).toEqual(told);
    const items = standing(recorder.events).filter(({ type }) => type === "queue-item-added");
    expect(items).toMatchObject([{ index: 0n, item: { mint: 5n * MT } }]);
    const [batch] = standing(recorder.events).filter(({ type }) => type === "batch-appended");
    expect(batch).toMatchObject({ index: 0n, data: new Uint8Array(64).fill(2) });
  });

  it.each(Array.from({ length: DEEPEST }, (_, i) => i + 1))(
    "of depth %i takes back that many blocks",
    async (depth) => {
      const recorder = follow();
      for (let i = 1; i <= DEEPEST; i++) await deposit(i);
      const head = await headNumber(network.anvil);
      await recorder.untilBlock(head);
      await takeBack(depth);
      await expectInStep(recorder);
      await recorder.stop();
      expect(recorder.ofType("reorg")).toEqual([{ type: "reorg", toBlock: head - BigInt(depth) }]);
      const items = standing(recorder.events).filter(({ type }) => type === "queue-item-added");
      expect(items).toHaveLength(DEEPEST - depth);
    },
  );

  it("is followed while another one comes", async () => {
    // more is taken back than deposits were made: without these blocks, the one of the snapshot as well, which ends it
    await network.anvil.mine(4);
    const recorder = follow();
    const deepest = 4;
    // the block of the snapshot must stay: anvil goes back to no block that it took back
    await network.anvil.mine(deepest);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: deepest })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (rounds) => {
          for (const [deposits, depth] of rounds) {
            for (let i = 1; i <= deposits; i++) await deposit(i);
            await takeBack(depth);
          }
          await deposit(9);
          await expectInStep(recorder);
        },
      ),
      { numRuns: 8, examples: [[[[1, 4]]]] },
    );
    await recorder.stop();
  });

  it("between a block's logs and its batch's data tells no error of a batch that never was", async () => {
    await network.anvil.mine(2);
    await post(1);
    await deposit(1);
    let changed = false;
    const transport = tampered(network.anvil.provider, async (method, _params, honest) => {
      if (method === "eth_getTransactionByHash" && !changed) {
        changed = true;
        await takeBack(2);
        await post(2);
      }
      return honest();
    });
    const recorder = new Recorder({ transport, addresses: network.addresses, fromBlock: network.firstBlock });
    await recorder.until(() => changed && recorder.ofType("batch-appended").length > 0);
    await expectInStep(recorder);
    await recorder.stop();
    expect(recorder.ofType("error")).toEqual([]);
    expect(recorder.ofType("batch-appended")).toMatchObject([{ data: new Uint8Array(64).fill(2) }]);
  });

  it("within a range that is being fetched mixes nothing", async () => {
    for (let i = 1; i <= 4; i++) await deposit(i);
    const head = await headNumber(network.anvil);
    const asked = `0x${(head - 1n).toString(16)}`;
    let changing = false;
    let changed = false;
    const transport = tampered(network.anvil.provider, async (method, params, honest) => {
      const answer = await honest();
      if (method !== "eth_getBlockByNumber" || params[0] !== asked || changing) return answer;
      changing = true;
      await takeBack(3);
      await deposit(7);
      changed = true;
      return answer;
    });
    const recorder = new Recorder({ transport, addresses: network.addresses, fromBlock: network.firstBlock });
    await recorder.until(() => changed);
    await expectInStep(recorder);
    await recorder.stop();
    const items = recorder.ofType("queue-item-added");
    expect(items.map(({ item }) => item.mint / MT)).toEqual([1n, 7n]);
  });

  it("of everything that was followed is replayed from the first block, remembered blocks or none given", async () => {
    for (const remembered of [undefined, []]) {
      const from = (await headNumber(network.anvil)) + 1n;
      const recorder = new Recorder({
        transport: network.anvil.provider,
        addresses: network.addresses,
        fromBlock: from,
        ...(remembered === undefined ? {} : { remembered }),
      });
      await deposit(1);
      const head = await headNumber(network.anvil);
      await recorder.untilBlock(head);
      await takeBack(Number(head - from) + 1);
      await recorder.until(() => recorder.ofType("reorg").length > 0);
      const hash = await blockHash(network.anvil, head);
      await recorder.until(() => recorder.follower.remembered.at(-1)?.hash === hash);
      await recorder.stop();
      expect(recorder.ofType("reorg")).toEqual([{ type: "reorg", toBlock: from - 1n }]);
    }
  });

  it("deeper than what is remembered is a typed error; one block less is followed", async () => {
    // Blocks whose replacements are not the same again stand where the reorganisations begin.
    for (const amount of [1, 2]) await deposit(amount);
    await network.anvil.mine(MAX_REMEMBERED_BLOCKS - 2);
    const [bold, brave] = [follow(), follow()];
    const head = await headNumber(network.anvil);
    for (const recorder of [bold, brave]) await recorder.untilBlock(head);
    await brave.stop();
    await takeBack(MAX_REMEMBERED_BLOCKS - 1);
    const hash = await blockHash(network.anvil, head);
    await bold.until(() => bold.follower.remembered.at(-1)?.hash === hash);
    expect(bold.ofType("reorg")).toEqual([{ type: "reorg", toBlock: head - BigInt(MAX_REMEMBERED_BLOCKS) + 1n }]);
    await takeBack(MAX_REMEMBERED_BLOCKS);
    await expect(bold.ended).rejects.toMatchObject({ code: "reorg-too-deep" });
    const { nextBlock, remembered } = brave.follower;
    const { transport, addresses } = network.reader;
    const resumed = new Recorder({ transport, addresses, fromBlock: nextBlock, remembered });
    await expect(resumed.ended).rejects.toMatchObject({ code: "reorg-too-deep" });
  });
});
