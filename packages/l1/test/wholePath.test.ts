import {
  activeCount,
  activePage,
  appendBatches,
  balanceOf,
  chainIdOfLabel,
  createDac,
  dacRecord,
  decodeCharter,
  depositMt,
  encodeCharter,
  headOf,
  L1Error,
  lockedMt,
  MAX_TRANSACTION_GAS,
  operatorsPage,
  postCeremonyMessage,
  previewDac,
  queueLength,
  registrationOf as registrationIndexOf,
  requestExit,
  type StakedRole,
  updateAddress,
  withdrawStake,
} from "@mvm/l1";
import {
  type ChainId,
  fromHex,
  hashBatchHeader,
  keccakHash,
  provePeerPossession,
  toChainId,
  toHash,
  toWord,
} from "@mvm/protocol";
import { AbiCoder } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginNextDraw,
  CHARTER,
  createDacNamed,
  dacNamed,
  fund,
  headNumber,
  MT,
  nextHeader,
  peerSecretOf,
  Recorder,
  refusalOf,
  registerFor,
  registrationOf,
  STAKE_WEI,
  signed,
  startNetwork,
  type TestNetwork,
  tampered,
} from "./network.ts";

let network: TestNetwork;
let chainId: ChainId;

beforeAll(async () => {
  network = await startNetwork();
});
afterAll(async () => {
  await network.stop();
});

describe("a network's contracts, from deployment to a batch", () => {
  it("a DAC is created as it was previewed", async () => {
    const dac = dacNamed("alpha");
    const preview = await previewDac(network.reader, dac);
    await network.accounts[0]!.submit(createDac(network.addresses, dac));
    chainId = preview.chainId;
    expect(await chainIdOfLabel(network.reader, "alpha")).toBe(chainId);
    expect(await chainIdOfLabel(network.reader, "beta")).toBeUndefined();
    const record = await dacRecord(network.reader, chainId);
    expect(record).toMatchObject({ label: "alpha", genesisHash: preview.genesisHash });
    expect(record.creator).toBe(network.accounts[0]!.address);
  });

  it("the genesis hash is the documented one", async () => {
    const coder = AbiCoder.defaultAbiCoder();
    const charter = coder.encode(
      ["tuple(string, string, tuple(address[], uint8, bytes1)[], tuple(uint256, uint16)[], address)"],
      [
        [
          CHARTER.vision,
          CHARTER.mission,
          [[CHARTER.permissions[0]!.addresses, 1, "0xff"]],
          [[MT, 250]],
          CHARTER.managementContract,
        ],
      ],
    );
    const bytes = (text: string) => Buffer.from(text.slice(2), "hex");
    const encoded = coder.encode(
      ["uint256", "address", "uint256", "bytes32", "bytes32", "address", "uint32"],
      [
        network.anvil.l1ChainId,
        network.addresses.comco,
        chainId,
        keccakHash(new TextEncoder().encode("alpha")),
        keccakHash(bytes(charter)),
        network.addresses.timelock,
        1,
      ],
    );
    expect((await dacRecord(network.reader, chainId)).genesisHash).toBe(keccakHash(bytes(encoded)));
  });

  it("operators register for all roles and are listed in order", async () => {
    const roles: readonly StakedRole[] = ["sequencer", "provider", "storage"];
    for (const role of roles) {
      for (const account of network.accounts.slice(1, 4)) await registerFor(network, account, role);
      if (role !== "sequencer") expect(await activeCount(network.reader, role)).toBe(3n);
      const operators = await operatorsPage(network.reader, role, 0n);
      expect(operators.map(({ account }) => account)).toEqual(
        network.accounts.slice(1, 4).map(({ address }) => address),
      );
      expect(operators[1]).toMatchObject({ index: 1n, isActive: true });
      expect(operators[1]).toMatchObject(registrationOf(network.accounts[2]!.address));
    }
  });

  it("a deposit is locked for its chain and queued", async () => {
    const user = network.accounts[5]!;
    await fund(network, user, "bridge", 7n * MT);
    await user.submit(depositMt(network.addresses, { chainId, to: user.address, amountWei: 7n * MT }));
    expect(await lockedMt(network.reader, chainId)).toBe(7n * MT);
    expect(await queueLength(network.reader, chainId)).toBe(1n);
    expect(await balanceOf(network.reader, user.address)).toBe(0n);
  });

  it("batches continue the chain, the largest within the gas of one transaction", async () => {
    const slot = await beginNextDraw(network);
    const data = new Uint8Array(96 * 1024).fill(0xff);
    const header = { ...(await nextHeader(network, chainId, data)), queueEnd: 1n };
    expect(header.slot).toBe(slot);
    expect(header.previousBatchHash).toBe((await dacRecord(network.reader, chainId)).genesisHash);
    const batch = signed(network, header, data);
    const receipt = await network.accounts[7]!.submit(appendBatches(network.addresses, [batch]));
    expect(receipt.gasUsed).toBeLessThan(MAX_TRANSACTION_GAS);
    const head = await headOf(network.reader, chainId);
    expect(head).toEqual({
      lastBatchHash: hashBatchHeader(header),
      nextIndex: 1n,
      lastBlock: 5n,
      queueEnd: 1n,
      generation: 0n,
    });
  });

  it("an operator changes its address, leaves, and gets its stake back", async () => {
    const account = network.accounts[3]!;
    const { addresses, reader, anvil } = network;
    const multiaddr = Uint8Array.of(3);
    const claim = { l1ChainId: anvil.l1ChainId, registry: addresses.providerRegistry, operator: account.address };
    const taken = { peer: provePeerPossession(peerSecretOf(network.accounts[1]!.address), claim), multiaddr };
    expect(await refusalOf(account.submit(updateAddress(addresses, "provider", taken)))).toBe("PeerKeyTaken");
    const others = { ...claim, operator: network.accounts[1]!.address };
    const stolen = { peer: provePeerPossession(peerSecretOf(others.operator), others), multiaddr };
    expect(await refusalOf(account.submit(updateAddress(addresses, "provider", stolen)))).toBe("InvalidPeerPossession");
    const next = network.accounts[4]!.address;
    const { peerId } = registrationOf(next);
    const own = { peer: provePeerPossession(peerSecretOf(next), claim), multiaddr };
    await account.submit(updateAddress(addresses, "provider", own));
    expect((await operatorsPage(reader, "provider", 2n))[0]).toMatchObject({ peerId, multiaddr });
    await account.submit(requestExit(addresses, "provider"));
    expect(await activePage(reader, "provider", 0n)).toEqual([0n, 1n]);
    await anvil.provider.send("evm_increaseTime", [240]);
    await account.submit(withdrawStake(addresses, "provider"));
    expect(await balanceOf(reader, account.address)).toBe(1_000n * MT);
    expect(await registrationIndexOf(reader, "provider", account.address)).toBeUndefined();
    expect(await registrationIndexOf(reader, "storage", account.address)).toBe(2n);
  });

  it("a host says something in a key ceremony, and a provider can't", async () => {
    const { addresses } = network;
    const message = { chainId, round: 9n, isComplaint: true, data: Uint8Array.of(4, 5) };
    await network.accounts[3]!.submit(postCeremonyMessage(addresses, message));
    const other = network.accounts[6]!;
    expect(await refusalOf(other.submit(postCeremonyMessage(addresses, message)))).toBe("NotRegistered");
  });

  it("the follower tells all of it in order, with the batch's data", async () => {
    const head = await headNumber(network.anvil);
    const { addresses, firstBlock } = network;
    const recorder = new Recorder({ transport: network.anvil.provider, addresses, fromBlock: firstBlock });
    await recorder.untilBlock(head);
    await recorder.stop();
    const numbers = recorder.ofType("block").map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: Number(head - firstBlock) + 1 }, (_, i) => firstBlock + BigInt(i)));
    const ended = recorder.ofType("block-end").map(({ number }) => number);
    expect(ended).toEqual(numbers);
    const told = recorder.events.map(({ type }) => type).filter((type) => type !== "block" && type !== "block-end");
    const registered = Array.from({ length: 3 }, () => ["registered", "stake-changed"]).flat();
    for (let i = 0; i < 3; i++) registered.push("registered", "seat-taken");
    for (let i = 0; i < 3; i++) registered.push("registered");
    const tail = [
      "queue-item-added",
      "threshold-changed",
      "batch-appended",
      "lock-changed",
      "address-updated",
      "exited",
      "seat-taken",
      "stake-withdrawn",
      "ceremony-message",
    ];
    expect(told).toEqual(["dac-created", ...registered, ...tail]);
    const weightMT = Number(STAKE_WEI / MT);
    expect(recorder.ofType("seat-taken").map(({ index, place, weightMT }) => ({ index, place, weightMT }))).toEqual([
      { index: 0n, place: 0, weightMT },
      { index: 1n, place: 1, weightMT },
      { index: 2n, place: 2, weightMT },
      { index: 2n, place: 2, weightMT: 0 },
    ]);
    const said = { chainId, round: 9n, isComplaint: true, data: Uint8Array.of(4, 5) };
    expect(recorder.ofType("ceremony-message")).toMatchObject([{ ...said, host: network.accounts[3]!.address }]);
    const [dac] = recorder.ofType("dac-created");
    expect(dac).toMatchObject({ chainId, label: "alpha", metisDao: addresses.timelock, storageUnits: 1 });
    expect(dac!.charter).toBe(encodeCharter(CHARTER));
    expect(decodeCharter(fromHex(dac!.charter))).toEqual(CHARTER);
    const moved = registrationOf(network.accounts[4]!.address).peerId;
    expect(recorder.ofType("address-updated")).toMatchObject([{ role: "provider", index: 2n, peerId: moved }]);
    const [item] = recorder.ofType("queue-item-added");
    expect(item).toMatchObject({ chainId, index: 0n, item: { mint: 7n * MT, to: network.accounts[5]!.address } });
    const [lock] = recorder.ofType("lock-changed");
    const [threshold] = recorder.ofType("threshold-changed");
    expect(lock).toMatchObject({ chainId, amountWei: BigInt(threshold!.thresholdMT) * MT });
    expect(lock!.sequencer).toBe(recorder.ofType("batch-appended")[0]!.header.poster);
    const [batch] = recorder.ofType("batch-appended");
    expect(keccakHash(batch!.data!)).toBe(batch!.header.dataHash);
    expect(batch!.batchHash).toBe((await headOf(network.reader, chainId)).lastBatchHash);
    expect(hashBatchHeader(batch!.header)).toBe(batch!.batchHash);
    const first = recorder.ofType("registered")[0]!;
    expect(first).toMatchObject({ role: "sequencer", index: 0n, ...registrationOf(first.operator) });
  });

  it.each([
    ["transaction-unknown", () => null],
    ["wrong-input", (honest: { input: string }) => ({ ...honest, input: `${honest.input.slice(0, -2)}00` })],
    ["wrong-input", (honest: { input: string }) => ({ ...honest, input: "0x1234" })],
    ["not-a-direct-call", (honest: object) => ({ ...honest, to: null })],
  ])("data that an L1 node does not give as it was posted is unavailable: %s", async (reason, replace) => {
    const { addresses, firstBlock, anvil } = network;
    const transport = tampered(anvil.provider, async (method, _params, honest) => {
      const answer = await honest();
      return method === "eth_getTransactionByHash" ? replace(answer as { input: string }) : answer;
    });
    const recorder = new Recorder({ transport, addresses, fromBlock: firstBlock });
    await recorder.untilBlock(await headNumber(anvil));
    await recorder.stop();
    expect(recorder.ofType("error")).toMatchObject([{ code: "batch-data-unavailable", reason, chainId, index: 0n }]);
    expect(recorder.ofType("batch-appended")[0]!.data).toBeUndefined();
  });

  it("reads of what is not there are typed reverts", async () => {
    const unknown = toChainId(1n);
    const failure = await dacRecord(network.reader, unknown).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(L1Error);
    expect(failure).toMatchObject({
      code: "reverted",
      data: { revert: { name: "UnknownChain", args: { chainId: 1n } } },
    });
  });

  it("a second DAC's chainID is the next one", async () => {
    await createDacNamed(network, "beta");
    expect(await chainIdOfLabel(network.reader, "beta")).toBe(toChainId(chainId + 1n));
    const record = await dacRecord(network.reader, toChainId(chainId + 1n));
    expect(record.genesisHash).not.toBe(toHash(`0x${Buffer.from(toWord(0n)).toString("hex")}`));
  });
});
