/** Gateways of DACs whose charter has rules and taxes: what the hot account's words say is what clients meet. */
import {
  allowSlotOf,
  CHARTER_SLOTS,
  denySlotOf,
  keccakHash,
  OPCODES,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  toHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { Interface } from "ethers";
import { expect, test } from "vitest";
import { CONTRACTS, INITCODE } from "./contracts.ts";
import { startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { alice, aliceAddress, bob, bobAddress, DEPOSITS, MINTED, sign } from "./story.ts";

const bit = (opcode: number): bigint => 1n << BigInt(opcode);
const { TX, READ } = PSEUDO_OPERATIONS;
const denial = new Interface(["error PermissionDenied(bytes1 opcode, address signer)"]);

/** A gateway on a chain whose hot account has these slots; alice and bob have MINTED each. */
async function gatewayOf(charter: readonly (readonly [bigint, bigint])[]) {
  const chain = new MemoryChain(new Map(charter));
  await chain.append(DEPOSITS, []);
  return { chain, gateway: await startGateway(chain) };
}

test("TX denied to a signer: its transactions and estimates are refused, others' are taken", async () => {
  const { chain, gateway } = await gatewayOf([[denySlotOf(bobAddress), bit(TX)]]);
  const transfer = { type: 2, nonce: 0, to: aliceAddress, gasLimit: 21_000 } as const;
  const refused = await gateway.ask("eth_sendRawTransaction", toHex(await sign(bob, transfer)));
  const message = `permission denied: the DAC's charter does not let ${bobAddress} use TX`;
  expect(refused.error).toMatchObject({ code: -32000, message });
  expect(denial.parseError(refused.error!.data!)!.args.toArray()).toEqual(["0xc0", bob.address]);
  expect(chain.pool.size).toBe(0);
  const estimate = { to: aliceAddress, value: "0x1" };
  expect((await gateway.ask("eth_estimateGas", { ...estimate, from: bobAddress })).error?.message).toBe(message);
  const raw = await sign(alice, transfer);
  expect(await gateway.result("eth_sendRawTransaction", toHex(raw))).toBe(keccakHash(raw));
  await gateway.stop();
});

test("READ for members only: their calls are answered, those of others and of nobody are not", async () => {
  const { gateway } = await gatewayOf([
    [CHARTER_SLOTS.restricted, bit(READ)],
    [allowSlotOf(aliceAddress), bit(READ)],
  ]);
  const call = { to: CONTRACTS.echo.address, data: "0x1234" };
  expect(await gateway.result("eth_call", { ...call, from: aliceAddress }, "latest")).toBe("0x1234");
  const textFor = (signer: string): string => `permission denied: the DAC's charter does not let ${signer} use READ`;
  expect((await gateway.ask("eth_call", { ...call, from: bobAddress }, "latest")).error?.message).toBe(
    textFor(bobAddress),
  );
  const anonymous = [
    await gateway.ask("eth_call", call, "latest"),
    await gateway.ask("eth_getStorageAt", PREDEPLOYS.coinbase, "0x0", "latest"),
    await gateway.ask("eth_getLogs", {}),
  ];
  for (const { error } of anonymous) expect(error?.message).toBe(textFor(ZERO_ADDRESS));
  expect(await gateway.result("eth_getBalance", aliceAddress, "latest")).toBe(`0x${MINTED.toString(16)}`);
  await gateway.stop();
});

test("a denied opcode reverts a call with PermissionDenied that ethers decodes, and says so in words", async () => {
  const create = OPCODES.get("CREATE")!;
  const { gateway } = await gatewayOf([
    [CHARTER_SLOTS.restricted, bit(create)],
    [allowSlotOf(aliceAddress), bit(create)],
  ]);
  const data = toHex(INITCODE);
  const { error } = await gateway.ask("eth_estimateGas", { from: bobAddress, data });
  expect(error).toMatchObject({
    code: 3,
    message: `execution reverted: the charter denies CREATE to ${bobAddress}`,
  });
  expect(denial.parseError(error!.data!)!.args.toArray()).toEqual(["0xf0", bob.address]);
  expect(BigInt((await gateway.result("eth_estimateGas", { from: aliceAddress, data })) as string)).toBeGreaterThan(
    53_000n,
  );
  await gateway.stop();
});

test("a value that cannot be moved with its tax is told as such, by estimate and by submission", async () => {
  const tenth = 1_000n;
  const { gateway } = await gatewayOf([
    [CHARTER_SLOTS.flags, 1n << 8n],
    [CHARTER_SLOTS.brackets, tenth],
  ]);
  const value = (MINTED * 19n) / 20n;
  const tax = value / 10n;
  const { error } = await gateway.ask("eth_estimateGas", {
    from: aliceAddress,
    to: bobAddress,
    value: `0x${value.toString(16)}`,
  });
  expect(error?.message).toBe(
    `insufficient funds for gas * price + value: balance ${MINTED}, tx cost ${value + tax} (tax ${tax})`,
  );
  const raw = await sign(alice, { type: 2, nonce: 0, to: bobAddress, gasLimit: 21_000, value });
  const refused = await gateway.ask("eth_sendRawTransaction", toHex(raw));
  expect(refused.error?.message).toContain(`insufficient funds for gas * price + value: balance ${MINTED}`);
  expect(refused.error?.message).toContain(`(tax ${tax}, L1 data fee 0)`);
  await gateway.stop();
});
