import { encodeCharter } from "@mvm/l1";
import {
  type Address,
  aliasOf,
  allowSlotOf,
  bracketCountOf,
  bracketSlots,
  bracketsOf,
  CHARTER_SLOTS,
  type Charter,
  charterFault,
  contextTransaction,
  deniedWord,
  denySlotOf,
  foundingTransaction,
  fromHex,
  genesisWrites,
  hasDenials,
  isFree,
  l1FeeOf,
  OPCODES,
  PREDEPLOYS,
  SYSTEM,
  type SystemTransaction,
  settleTransaction,
  taxOf,
  toHex,
} from "@mvm/protocol";
import { Interface, toQuantity } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { numbered, someCharter } from "./someCharter.ts";

const VIEWS = new Interface([
  "function deniedOf(address) view returns (uint256)",
  "function taxOn(uint256) view returns (uint256)",
  "function metisDaoAlias() view returns (address)",
  "function isSealed() view returns (bool)",
  "function getL1Fee(bytes) view returns (uint256)",
  "function slot() view returns (uint64)",
  "function generation() view returns (uint64)",
  "function credit(address) view returns (uint256)",
]);
const METIS_DAO = numbered(0xda0);
const BRIDGE = numbered(0xb1d);
const STRANGER = numbered(0xfffff);
const FUNDS = `0x${(10n ** 24n).toString(16)}`;

let anvil: Anvil;

beforeAll(async () => {
  anvil = await startAnvil();
  for (const { address, code } of genesisWrites()) await anvil.provider.send("anvil_setCode", [address, toHex(code!)]);
  await anvil.provider.send("anvil_setBalance", [SYSTEM, FUNDS]);
  await anvil.provider.send("anvil_impersonateAccount", [SYSTEM]);
});
afterAll(async () => {
  await anvil.stop();
});

/** Sends what the system calls as a transaction of its account; true if it succeeded. */
async function bySystem({ from, to, data, gasLimit }: SystemTransaction): Promise<boolean> {
  const call = { from, to, data: toHex(data), gas: toQuantity(gasLimit) };
  const hash = (await anvil.provider.send("eth_sendTransaction", [call])) as string;
  return (await anvil.receiptOf(hash)).status === 1;
}

async function view(to: Address, method: string, ...values: unknown[]): Promise<unknown> {
  const raw = await anvil.provider.call({ to, data: VIEWS.encodeFunctionData(method, values) });
  return VIEWS.decodeFunctionResult(method, raw)[0];
}

const storageAt = async (slot: bigint): Promise<bigint> =>
  BigInt(await anvil.provider.getStorage(PREDEPLOYS.executionManager, slot));

/** What the rules of a charter deny a signer. */
function deniedBy({ permissions }: Charter, signer: Address): bigint {
  return permissions.reduce((word, { operation, opcode, addresses }) => {
    const applies = addresses.includes(signer) === (operation === "deny");
    return applies ? word | (1n << BigInt(OPCODES.get(opcode)!)) : word;
  }, 0n);
}

async function expectCompiled(charter: Charter): Promise<void> {
  const flags = await storageAt(CHARTER_SLOTS.flags);
  expect(isFree(flags)).toBe(charter.permissions.length === 0 && charter.taxRates.length === 0);
  expect(hasDenials(flags)).toBe(charter.permissions.some(({ operation }) => operation === "deny"));
  const count = bracketCountOf(flags);
  const words = await Promise.all(bracketSlots(count).map(storageAt));
  expect(bracketsOf(words, count)).toEqual(charter.taxRates);
  const restricted = await storageAt(CHARTER_SLOTS.restricted);
  const named = charter.permissions.flatMap(({ addresses }) => addresses).slice(0, 4);
  for (const signer of [...named, STRANGER]) {
    const word = deniedWord(restricted, await storageAt(allowSlotOf(signer)), await storageAt(denySlotOf(signer)));
    expect(word).toBe(deniedBy(charter, signer));
    expect(await view(PREDEPLOYS.executionManager, "deniedOf", signer)).toBe(word);
  }
  for (const value of [0n, 12_345n, 10n ** 20n, (1n << 256n) - 1n])
    expect(await view(PREDEPLOYS.dacMaster, "taxOn", value)).toBe(taxOf(value, charter.taxRates));
}

describe("the predeploys' code and the protocol's reading of it", () => {
  it("agree on what a founding writes, for charters of all kinds", async () => {
    const legal = someCharter.filter((charter) => charterFault(charter) === null);
    const property = fc.asyncProperty(legal, async (charter) => {
      const snapshot = await anvil.provider.send("evm_snapshot", []);
      const encoded = fromHex(encodeCharter(charter));
      expect(await bySystem(foundingTransaction({ charter: encoded, metisDao: METIS_DAO, bridge: BRIDGE }))).toBe(true);
      expect(await view(PREDEPLOYS.dacMaster, "isSealed")).toBe(true);
      await expectCompiled(charter);
      await anvil.provider.send("evm_revert", [snapshot]);
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it("agree on MetisDAO's alias", async () => {
    const snapshot = await anvil.provider.send("evm_snapshot", []);
    const highest = `0x${"ff".repeat(20)}` as Address;
    const plain: Charter = { vision: "", mission: "", permissions: [], taxRates: [], managementContract: METIS_DAO };
    await bySystem(foundingTransaction({ charter: fromHex(encodeCharter(plain)), metisDao: highest, bridge: BRIDGE }));
    const alias = (await view(PREDEPLOYS.dacMaster, "metisDaoAlias")) as string;
    expect(alias.toLowerCase()).toBe(aliasOf(highest));
    await anvil.provider.send("evm_revert", [snapshot]);
  });

  it("agree on a block's context and on what data cost", async () => {
    const values = { slot: 7n, l1Block: 1_000n, l1BaseFee: 9_999_999_999n, generation: 3n };
    expect(await bySystem(contextTransaction(1n, values, 5))).toBe(true);
    const { slot, l1Block, l1BaseFee, generation } = values;
    const packed = slot | (l1Block << 64n) | (l1BaseFee << 128n) | (generation << 192n);
    expect(await storageAt(CHARTER_SLOTS.l1Values)).toBe(packed);
    expect(await view(PREDEPLOYS.executionManager, "slot")).toBe(slot);
    expect(await view(PREDEPLOYS.executionManager, "generation")).toBe(generation);
    const unsigned = Uint8Array.of(0, 1, 2, 0, 3);
    const signed = new Uint8Array([...unsigned, ...new Uint8Array(68).fill(1)]);
    const fee = await view(PREDEPLOYS.gasPriceOracle, "getL1Fee", toHex(unsigned));
    expect(fee).toBe(l1FeeOf(signed, l1BaseFee));
  });

  it("agree on how a settle names its accounts", async () => {
    await anvil.provider.send("anvil_setBalance", [PREDEPLOYS.executionManager, toQuantity(110_000)]);
    const providers = [numbered(2), numbered(3)];
    const settlement = { sequencer: numbered(1), seated: 2, providers, l1Fees: 10_000n, seen: [] };
    const credits = () => Promise.all([1, 2, 3].map((number) => view(PREDEPLOYS.feeVault, "credit", numbered(number))));
    expect(await bySystem(settleTransaction(1n, settlement))).toBe(true);
    expect(await credits()).toEqual([35_000n, 25_000n, 25_000n]);
    expect(await anvil.provider.getBalance(PREDEPLOYS.executionManager)).toBe(0n);
    expect(await anvil.provider.getBalance(PREDEPLOYS.burnVault)).toBe(0n);
    // who stands in has the sequencer's share; the fee of the seat is burnt
    await anvil.provider.send("anvil_setBalance", [PREDEPLOYS.executionManager, toQuantity(110_000)]);
    expect(await bySystem(settleTransaction(2n, { ...settlement, seated: 1 }))).toBe(true);
    expect(await credits()).toEqual([45_000n, 50_000n, 50_000n]);
    expect(await anvil.provider.getBalance(PREDEPLOYS.burnVault)).toBe(25_000n);
    expect(await bySystem(settleTransaction(3n, { ...settlement, seated: 3 }))).toBe(false);
  });
});
