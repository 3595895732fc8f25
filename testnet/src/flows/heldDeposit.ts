/** A deposit larger than the stakes cover is held, given back on demand, and released by the sequencers' own care. */
import {
  approve,
  balanceOf,
  depositMt,
  heldDeposit,
  lockedMt,
  queueLength,
  refundHeld,
  stake,
  transferMt,
} from "@mvm/l1";
import { toAddress } from "@mvm/protocol";
import { Wallet } from "ethers";
import { until } from "../until.ts";
import { l1Block, MT, nodesOf, sendAs, withProvider } from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { STAKED_NETWORK, STAKES } from "./networks.ts";

const FIRST_WEI = 10n * MT;
const HELD_WEI = BigInt(STAKES.beyond) * MT;
/** Covers what is held beside what the sequencer has locked for other DACs. */
const TOP_UP_WEI = 80_000n * MT;
const RELEASED_MS = 120_000;
const ARRIVED_MS = 120_000;

export const heldDepositFlow: Flow = {
  name: "held-deposit",
  text: "a deposit beyond all stakes is held, one is refunded, another goes through once a sequencer has more stake",
  size: STAKED_NETWORK,
  async run(testnet) {
    const { contracts, l1Reader: reader } = testnet;
    const dac = await testnet.createDac({ label: "held", kind: "free", depositWei: FIRST_WEI });
    const { chainId } = dac;
    const depositor = testnet.senders[1]!;
    const from = toAddress(depositor.address);
    const as = (call: { to: ReturnType<typeof toAddress>; data: `0x${string}` }) =>
      sendAs(testnet, depositor.privateKey, call);
    await testnet.onL1(transferMt(contracts, from, 2n * HELD_WEI));
    await as(approve(contracts, "bridge", 2n * HELD_WEI));
    const to = toAddress(Wallet.createRandom().address);
    const queued = await queueLength(reader, chainId);
    for (const _ of ["refunded", "released"]) await as(depositMt(contracts, { chainId, to, amountWei: HELD_WEI }));
    mustEqual(await balanceOf(reader, from), 0n, "what the depositor has left");
    must((await heldDeposit(reader, chainId, 0n)) !== undefined, "the first deposit is held");
    must((await heldDeposit(reader, chainId, 1n)) !== undefined, "the second deposit is held");
    mustEqual(await queueLength(reader, chainId), queued, "the length of the queue");
    mustEqual(await lockedMt(reader, chainId), FIRST_WEI, "what is locked");

    await as(refundHeld(contracts, { chainId, id: 0n }));
    mustEqual(await balanceOf(reader, from), HELD_WEI, "what the depositor got back");

    const sequencer = nodesOf(testnet, "sequencer")[1]!.operator;
    await testnet.onL1(approve(contracts, "bondManager", TOP_UP_WEI));
    await testnet.onL1(stake(contracts, { sequencer, amountWei: TOP_UP_WEI }));
    const toppedUp = await l1Block(testnet);
    await until("the sequencers to release the deposit", RELEASED_MS, async () => {
      return (await heldDeposit(reader, chainId, 1n)) === undefined;
    });
    const released = await l1Block(testnet);
    mustEqual(await queueLength(reader, chainId), queued + 1n, "the length of the queue after the release");
    mustEqual(await lockedMt(reader, chainId), FIRST_WEI + HELD_WEI, "what is locked after the release");
    await withProvider(testnet, dac, (provider) =>
      until("the deposit on the DAC", ARRIVED_MS, async () => (await provider.getBalance(to)) === HELD_WEI),
    );
    return {
      heldMT: STAKES.beyond,
      refundedMT: STAKES.beyond,
      l1BlocksUntilReleased: Number(released - toppedUp),
      l1BlocksUntilOnDac: Number((await l1Block(testnet)) - toppedUp),
    };
  },
};
