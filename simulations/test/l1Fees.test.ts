import { type Address, fromHex, type Hex, l1FeeOf } from "@mvm/protocol";
import { Transaction as EthersTransaction, hexlify, type TransactionLike } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DacLab, DONE, LAB, MT, User } from "./dacLab.ts";

const alice = new User("alice");
const CHAIN_ID = 1_088n;
/** L1 gas of one byte that is not zero, with the floor's factor */
const BYTE_GAS = 40n;
/** Bytes by which the estimate may be above: of the 68 that it takes for a signature, those that are missing or zero. */
const SLACK_BYTES = 14n;

const address = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => hexlify(bytes.fill(0xaa, 0, 1)) as Address);
const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => hexlify(bytes));
const data = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.nat(900), fc.uint8Array({ maxLength: 60 }))
    .map(([zeros, rest]) => Uint8Array.of(...new Uint8Array(zeros), ...rest)),
);

const fields = fc
  .record({
    type: fc.constantFrom(0, 1, 2),
    to: address,
    data,
    value: fc.oneof(fc.constant(0n), fc.bigInt(0n, MT)),
    access: fc.array(fc.record({ address, storageKeys: fc.array(word, { maxLength: 2 }) }), { maxLength: 2 }),
  })
  .map(({ type, access, data: bytes, ...rest }): TransactionLike => {
    const price = 10n ** 11n;
    const fees = type === 2 ? { maxFeePerGas: price, maxPriorityFeePerGas: 1n } : { gasPrice: price };
    return {
      ...rest,
      type,
      ...fees,
      data: hexlify(bytes),
      gasLimit: 200_000n,
      ...(type === 0 ? {} : { accessList: access }),
    };
  });

describe("GasPriceOracle.getL1Fee", () => {
  it("of an unsigned transaction is what the signed one is charged, or a little more", async () => {
    await fc.assert(
      fc.asyncProperty(fields, fc.bigInt(0n, 10n ** 12n), async (like, l1BaseFee) => {
        const lab = await DacLab.founded([alice], { l1BaseFee });
        const transaction = EthersTransaction.from({ ...like, chainId: CHAIN_ID, nonce: 0 });
        const [estimate] = (await lab.read(LAB.oracle, "getL1Fee", [transaction.unsignedSerialized])) as unknown as [
          bigint,
        ];
        transaction.signature = alice.wallet.signingKey.sign(transaction.unsignedHash);
        const raw = fromHex(transaction.serialized as Hex);
        const before = lab.balanceOf(alice.address);
        const { users, environment } = await lab.block({ transactions: [raw] });
        const [outcome] = users;
        expect(outcome).toMatchObject(DONE);
        const gasUsed = outcome!.kind === "included" ? outcome!.gasUsed : 0n;
        const tip = transaction.type === 2 ? 1n : transaction.gasPrice! - environment.baseFeePerGas;
        const spent = before - lab.balanceOf(alice.address);
        const charged = spent - transaction.value - gasUsed * (environment.baseFeePerGas + tip);
        expect(charged).toBe(l1FeeOf(raw, l1BaseFee));
        expect(estimate).toBeGreaterThanOrEqual(charged);
        expect(estimate - charged).toBeLessThanOrEqual(SLACK_BYTES * BYTE_GAS * l1BaseFee);
      }),
      { numRuns: 60 },
    );
  });
});
