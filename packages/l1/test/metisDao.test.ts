import {
  castVote,
  chainIdOfLabel,
  delegateVotes,
  executeProposal,
  type L1Call,
  type Proposal,
  parameterOf,
  proposalIdOf,
  proposalState,
  propose,
  queueProposal,
  sendMessage,
  setParameter,
} from "@mvm/l1";
import { keccakHash, PREDEPLOYS, PROFILES, toHex } from "@mvm/protocol";
import { Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createDacNamed,
  EPOCH_BLOCKS,
  everythingTold,
  MT,
  refusalOf,
  startNetwork,
  type TestNetwork,
} from "./network.ts";

const { votingDelaySeconds, votingPeriodSeconds, timelockSeconds, labelFeeWei } = PROFILES.devnet;
let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
  await network.accounts[0]!.submit(delegateVotes(network.addresses, network.accounts[0]!.address));
  // votes count from the second after on
  await later(2);
});
afterAll(() => network.stop());

const later = async (seconds: number): Promise<void> => {
  await network.anvil.provider.send("evm_increaseTime", [seconds]);
  await network.anvil.mine(1);
};
const stateOf = (proposal: Proposal) => proposalState(network.reader, proposalIdOf(proposal));

/** Takes a proposal through the vote and the timelock; gives back the states that it had. */
async function carryOut(proposal: Proposal): Promise<readonly string[]> {
  const [holder] = network.accounts;
  const states: string[] = [];
  const note = async (): Promise<void> => void states.push(await stateOf(proposal));
  const send = (call: L1Call): Promise<unknown> => holder!.submit(call);
  await send(propose(network.addresses, proposal));
  await note();
  await later(votingDelaySeconds + 1);
  await note();
  await send(castVote(network.addresses, { proposalId: proposalIdOf(proposal), vote: "for" }));
  await later(votingPeriodSeconds + 1);
  await note();
  await send(queueProposal(network.addresses, proposal));
  await note();
  expect(await refusalOf(send(executeProposal(network.addresses, proposal)))).toBe("TimelockUnexpectedOperationState");
  await later(timelockSeconds + 1);
  await send(executeProposal(network.addresses, proposal));
  await note();
  return states;
}

const WHOLE = ["pending", "active", "succeeded", "queued", "executed"];

describe("MetisDAO", () => {
  it("changes a value of the network by a vote, through the timelock, from the second epoch after on", async () => {
    const call = setParameter(network.addresses, { name: "labelFee", value: 3n * MT });
    expect(await refusalOf(network.accounts[0]!.submit(call))).toBe("OnlyMetisDao");
    expect(await parameterOf(network.reader, "labelFee")).toBe(labelFeeWei);
    expect(await carryOut({ calls: [call], description: "labels cost 3 MT" })).toEqual(WHOLE);
    await network.anvil.mine(2 * EPOCH_BLOCKS);
    expect(await parameterOf(network.reader, "labelFee")).toBe(3n * MT);
  });

  it("sends a DAC's charter its tax rates, as the timelock, whose alias the charter knows", async () => {
    await createDacNamed(network, "taxed");
    const chainId = (await chainIdOfLabel(network.reader, "taxed"))!;
    const rates = new Interface(["function setTaxRates((uint256 threshold, uint16 rate)[])"]);
    const data = rates.encodeFunctionData("setTaxRates", [[[0n, 100]]]) as `0x${string}`;
    const message = { chainId, to: PREDEPLOYS.dacMaster, mintWei: 0n, valueWei: 0n, gasLimit: 500_000n, data };
    const call = sendMessage(network.addresses, message);
    expect(await carryOut({ calls: [call], description: "tax" })).toEqual(WHOLE);
    const told = await everythingTold(network);
    const [queued] = told.ofType("queue-item-added");
    const { timelock } = network.addresses;
    expect(queued).toMatchObject({
      chainId,
      index: 0n,
      item: { kind: 1, from: timelock, to: PREDEPLOYS.dacMaster, mint: 0n, value: 0n, gasLimit: 500_000n },
    });
    expect(toHex(queued!.data)).toBe(data);
    expect(queued!.item.dataHash).toBe(keccakHash(queued!.data));
    expect(told.ofType("dac-created")[0]!.metisDao).toBe(timelock);
    expect(told.ofType("error")).toEqual([]);
  });

  it("carries out nothing that was defeated, nor anything twice", async () => {
    const proposal = { calls: [setParameter(network.addresses, { name: "labelFee", value: 0n })], description: "free" };
    await network.accounts[0]!.submit(propose(network.addresses, proposal));
    await later(votingDelaySeconds + 1);
    const ballot = { proposalId: proposalIdOf(proposal), vote: "against" } as const;
    await network.accounts[0]!.submit(castVote(network.addresses, ballot));
    await later(votingPeriodSeconds + 1);
    expect(await stateOf(proposal)).toBe("defeated");
    const refused = refusalOf(network.accounts[0]!.submit(queueProposal(network.addresses, proposal)));
    expect(await refused).toBe("GovernorUnexpectedProposalState");
    const done = { calls: [setParameter(network.addresses, { name: "labelFee", value: 3n * MT })] };
    const again = executeProposal(network.addresses, { ...done, description: "labels cost 3 MT" });
    expect(await refusalOf(network.accounts[0]!.submit(again))).toBe("GovernorUnexpectedProposalState");
  });
});
