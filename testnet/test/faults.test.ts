/** Nodes that are killed in the midst of their work: the DAC goes on, and nothing that was acknowledged is lost. */
import { dacRecord } from "@mvm/l1";
import { LIMITS, storageHosts } from "@mvm/protocol";
import { type JsonRpcProvider, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acknowledge as acknowledgeOn, leaderOf, recordedSlot, untilIncluded } from "../src/flows/actions.ts";
import { rebuild } from "../src/rebuildProcess.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet, type TestnetNode } from "../src/testnet.ts";
import { until } from "../src/until.ts";

const SIZE = { sequencers: 2, providers: 4, storage: 4, dacs: 1 };
const START_MS = 400_000;
/** Slots of a dead sequencer may follow each other. */
const GOES_ON_MS = 120_000;

let run: RunDirectory;
let testnet: Testnet;
let provider: JsonRpcProvider;
let nonce = 0;

beforeAll(async () => {
  run = await createRunDirectory();
  testnet = await Testnet.start(run, SIZE, () => undefined);
  provider = testnet.providerOf(testnet.dacs[0]!);
}, START_MS);

afterAll(async () => {
  provider?.destroy();
  await testnet?.stop();
  await run?.remove();
}, START_MS);

const nodesOf = (role: string): readonly TestnetNode[] => testnet.nodes.filter((node) => node.role === role);

/** Sends transfers; each is acknowledged when this resolves. Gives their hashes. */
const acknowledge = (count: number): Promise<readonly string[]> =>
  acknowledgeOn(
    testnet,
    testnet.dacs[0]!,
    provider,
    Array.from({ length: count }, () => nonce++),
  );

/** Waits until every transaction has a receipt of success. */
const expectReceipts = (hashes: readonly string[]): Promise<void> => untilIncluded(provider, hashes, GOES_ON_MS);

describe("kill -9", () => {
  it(
    "of a provider in a job: the DAC goes on, and the provider works again from its disk",
    async () => {
      const [victim] = nodesOf("provider");
      const before = await acknowledge(20);
      await victim!.process.kill();
      await expectReceipts([...before, ...(await acknowledge(20))]);
      await testnet.restart(victim!);
      await expectReceipts(await acknowledge(5));
    },
    3 * GOES_ON_MS,
  );

  it(
    "of the sequencer in its slot: another goes on from what was signed",
    async () => {
      const hashes = [...(await acknowledge(20))];
      const elected = await leaderOf(testnet, testnet.dacs[0]!, await recordedSlot(testnet));
      const victim = nodesOf("sequencer").find((node) => node.operator === elected)!;
      await victim.process.kill();
      hashes.push(...(await acknowledge(20)));
      await expectReceipts(hashes);
      await testnet.restart(victim);
      await expectReceipts(await acknowledge(5));
    },
    3 * GOES_ON_MS,
  );

  it(
    "of a storage host while it writes: it catches up, and serves what the others no longer can",
    async () => {
      const { chainId } = testnet.dacs[0]!;
      const { genesisHash } = await dacRecord(testnet.l1Reader, chainId);
      const drawn = storageHosts(genesisHash, nodesOf("storage"), LIMITS.storageReplicas);
      const [victim, ...others] = drawn;
      const before = await acknowledge(20);
      await victim!.process.kill();
      await expectReceipts([...before, ...(await acknowledge(20))]);
      await testnet.restart(victim!);
      await expectReceipts(await acknowledge(5));
      await Promise.all(others.map((host) => host.process.kill()));
      const fresh = Wallet.createRandom().address;
      await until(
        "the restarted host to serve the head's state",
        GOES_ON_MS,
        async () => (await provider.getBalance(fresh)) === 0n,
      );
      await Promise.all(others.map((host) => testnet.restart(host)));
      await expectReceipts(await acknowledge(5));
    },
    4 * GOES_ON_MS,
  );

  it(
    "of the gateway right after it acknowledged: nothing acknowledged is lost",
    async () => {
      const [gateway] = nodesOf("gateway");
      const hashes = await acknowledge(20);
      await gateway!.process.kill();
      await testnet.restart(gateway!);
      provider.destroy();
      provider = testnet.providerOf({
        ...testnet.dacs[0]!,
        url: `${testnet.gatewayUrl}/dac/${testnet.dacs[0]!.label}`,
      });
      await expectReceipts(hashes);
    },
    3 * GOES_ON_MS,
  );

  it(
    "after all of that, L1 alone still gives the same state",
    async () => {
      const head = await provider.getBlockNumber();
      await until(
        "everything on L1",
        GOES_ON_MS,
        async () =>
          Number(((await provider.send("eth_getBlockByNumber", ["safe", false])) as { number: string }).number) >= head,
      );
      const rebuilt = await rebuild(testnet, testnet.dacs[0]!.label);
      const block = (await provider.send("eth_getBlockByNumber", [`0x${rebuilt.blocks.toString(16)}`, false])) as {
        stateRoot: string;
      };
      expect(rebuilt.stateRoot).toBe(block.stateRoot);
      expect(rebuilt.blocks).toBeGreaterThanOrEqual(head);
    },
    3 * GOES_ON_MS,
  );
});
