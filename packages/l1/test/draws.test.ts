import {
  balanceOf,
  chainIdOfLabel,
  depositMt,
  type L1Call,
  type L1Event,
  requestExit,
  requestUnstake,
  sequencerOf,
  stake,
  stakeOf,
  withdrawUnstaked,
} from "@mvm/l1";
import {
  type Address,
  type ChainId,
  drawBlockOf,
  drawSequencers,
  epochOf,
  epochRandomness,
  type Hash,
  MAX_RANKS,
  PROFILES,
  SNAPSHOT_DISTANCE,
  StakeHistory,
  slotSeed,
  stakeGridOf,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginSlot,
  createDacNamed,
  EPOCH_BLOCKS,
  everythingTold,
  fund,
  MT,
  refusalOf,
  registerFor,
  STAKE_WEI,
  startNetwork,
  type TestNetwork,
} from "./network.ts";

const CHAINS = ["one", "two"];
const DELEGATOR = 8;
let network: TestNetwork;
let chains: readonly ChainId[];

beforeAll(async () => {
  network = await startNetwork();
  for (const label of CHAINS) await createDacNamed(network, label);
  chains = await Promise.all(CHAINS.map(async (label) => (await chainIdOfLabel(network.reader, label))!));
  for (const account of network.accounts.slice(1, 5)) {
    await registerFor(network, account, "sequencer");
    await fund(network, account, "bondManager", 10_000n * MT);
  }
  await fund(network, network.accounts[DELEGATOR]!, "bondManager", 100_000n * MT);
  await fund(network, network.accounts[7]!, "bridge", 10_000n * MT);
});
afterAll(() => network.stop());

const send = (call: L1Call, from: number): Promise<unknown> => network.accounts[from]!.submit(call);
const addressOf = (account: number): Address => network.accounts[account]!.address;

/** What a node that hears L1's events makes of them. */
class Mirror {
  readonly stakes = new StakeHistory();
  readonly randomness = new Map<bigint, Hash>();
  readonly accounts = new Map<number, Address>();
  readonly thresholds: { readonly chainId: ChainId; readonly epoch: bigint; readonly thresholdMT: number }[] = [];

  take(event: L1Event): void {
    if (event.type === "block") {
      const epoch = epochOf(event.number, EPOCH_BLOCKS) + 1n;
      if (drawBlockOf(epoch, EPOCH_BLOCKS) === event.number)
        this.randomness.set(epoch, epochRandomness(epoch, event.prevRandao));
    } else if (event.type === "registered") this.accounts.set(Number(event.index), event.operator);
    else if (event.type === "stake-changed") {
      const { l1Block, index, grid } = event;
      expect(grid).toBe(stakeGridOf(event.stakeWei));
      this.stakes.apply({ epoch: epochOf(l1Block, EPOCH_BLOCKS), index: Number(index), grid });
    } else if (event.type === "threshold-changed") {
      const { chainId, l1Block, thresholdMT } = event;
      this.thresholds.push({ chainId, epoch: epochOf(l1Block, EPOCH_BLOCKS), thresholdMT });
    }
  }

  ranks(chainId: ChainId, slot: bigint): readonly Address[] {
    const snapshot = slot - SNAPSHOT_DISTANCE;
    const threshold = this.thresholds.findLast((one) => one.chainId === chainId && one.epoch <= snapshot);
    const draw = {
      tree: this.stakes.snapshot(snapshot),
      seed: slotSeed(this.randomness.get(slot)!, chainId, slot),
      thresholdWei: BigInt(threshold?.thresholdMT ?? 0) * MT,
    };
    const drawn = drawSequencers(draw, MAX_RANKS).map((index) => this.accounts.get(index)!);
    return Array.from({ length: MAX_RANKS }, (_, rank) => drawn[rank] ?? ZERO_ADDRESS);
  }
}

/** Changes of stakes and thresholds, each of which is followed by a slot. */
const CHANGES: readonly (readonly [string, () => readonly [L1Call, number][]])[] = [
  ["nothing", () => []],
  [
    "a sequencer's own stake",
    () => [[stake(network.addresses, { sequencer: addressOf(1), amountWei: 5_000n * MT }), 1]],
  ],
  [
    "a delegation, and a deposit that raises a threshold",
    () => [
      [stake(network.addresses, { sequencer: addressOf(2), amountWei: 20_000n * MT }), DELEGATOR],
      [depositMt(network.addresses, { chainId: chains[0]!, to: addressOf(7), amountWei: 1_500n * MT }), 7],
    ],
  ],
  ["a part of a delegation on its way out", () => [unstake(2, DELEGATOR, 15_000n * MT)]],
  ["a sequencer with less than the least stake", () => [unstake(3, 3, 1n)]],
  ["another raised threshold", () => [deposit(0, 4_000n), deposit(1, 800n)]],
  ["a sequencer that leaves", () => [[requestExit(network.addresses, "sequencer"), 1]]],
  ["stake again", () => [[stake(network.addresses, { sequencer: addressOf(3), amountWei: 9_000n * MT }), 3]]],
  ["nothing more", () => []],
  ["nothing at all", () => []],
];

const unstake = (sequencer: number, holder: number, shares: bigint): [L1Call, number] => [
  requestUnstake(network.addresses, { sequencer: addressOf(sequencer), shares }),
  holder,
];
const deposit = (chain: number, amountMT: bigint): [L1Call, number] => [
  depositMt(network.addresses, { chainId: chains[chain]!, to: addressOf(7), amountWei: amountMT * MT }),
  7,
];

describe("the sequencers of slots", () => {
  it("are those whom L1's events give, for every rank, while stakes and thresholds change", async () => {
    const leaders = new Set<Address>();
    const counts = new Set<number>();
    for (const [, change] of CHANGES) {
      for (const [call, from] of change()) await send(call, from);
      const slot = await beginSlot(network);
      const told = await everythingTold(network);
      expect(told.ofType("error")).toEqual([]);
      const mirror = new Mirror();
      for (const event of told.events) mirror.take(event);
      for (const chainId of chains) {
        const turns = Array.from({ length: MAX_RANKS }, (_, rank) => ({ chainId, slot, rank }));
        const onL1 = await Promise.all(turns.map((turn) => sequencerOf(network.reader, turn)));
        expect(onL1).toEqual(mirror.ranks(chainId, slot));
        leaders.add(onL1[0]!);
        counts.add(onL1.filter((account) => account !== ZERO_ADDRESS).length);
      }
    }
    expect(leaders.size).toBeGreaterThan(1);
    expect(counts.size).toBeGreaterThan(1);
  });

  it("get what they unstaked after the unbonding delay, and no earlier", async () => {
    const { reader, addresses, anvil } = network;
    const [sequencer, holder] = [addressOf(4), addressOf(DELEGATOR)];
    await send(stake(addresses, { sequencer, amountWei: STAKE_WEI }), DELEGATOR);
    expect(await stakeOf(reader, { sequencer, holder })).toEqual({ shares: STAKE_WEI, amountWei: STAKE_WEI });
    await send(requestUnstake(addresses, { sequencer, shares: STAKE_WEI }), DELEGATOR);
    const withdraw = withdrawUnstaked(addresses, { sequencer, id: 0n });
    expect(await refusalOf(send(withdraw, DELEGATOR))).toBe("StillUnbonding");
    await anvil.provider.send("evm_increaseTime", [PROFILES.devnet.unbondingSeconds]);
    await anvil.mine(1);
    expect(await refusalOf(send(withdraw, 7))).toBe("UnknownRequest");
    const before = await balanceOf(reader, holder);
    await send(withdraw, DELEGATOR);
    expect(await balanceOf(reader, holder)).toBe(before + STAKE_WEI);
    expect(await refusalOf(send(withdraw, DELEGATOR))).toBe("UnknownRequest");
  });
});
