import {
  addressOf,
  bytesToBigInt,
  concatBytes,
  fromHex,
  keccakHash,
  signDigest,
  toHex,
  toWord,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createEngine, type Engine } from "../src/index.ts";
import {
  addressOfNumber,
  assemble,
  BLOCK_NUMBER,
  ENVIRONMENT,
  hashAt,
  messageOf,
  readerOf,
  slotOf,
  worldOf,
} from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const CONTRACT = addressOfNumber(0xc0de);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const rich = (extra: Parameters<typeof worldOf>[0] = {}) => worldOf({ [ALICE]: { balance: 10n ** 18n }, ...extra });

describe("opcodes at their bounds", () => {
  it("SSTORE needs more than 2,300 gas, so that a stipend cannot pay for it (EIP-2200)", async () => {
    // The slot is warm and keeps its value: 100 gas would do.
    const world = rich({ [CONTRACT]: { code: assemble(0x5f, 0x5f, 0x55) } });
    const accessList = [{ address: CONTRACT, slots: [slotOf(0)] }];
    const before = 21_000n + 4_300n + 4n;
    const status = async (gas: bigint) =>
      (
        await engine.execute(
          ENVIRONMENT,
          [messageOf({ from: ALICE, to: CONTRACT, gasLimit: before + gas, accessList })],
          readerOf(world),
        )
      )[0];
    expect(await status(2_300n)).toMatchObject({ status: 0 });
    expect(await status(2_301n)).toMatchObject({ status: 1 });
  });

  it("BLOCKHASH sees 256 blocks back and not the present one", async () => {
    const hashOf = async (number: bigint) => {
      const code = assemble(0x61, number.toString(16).padStart(4, "0"), 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3);
      const message = messageOf({ from: ALICE, to: CONTRACT });
      return toHex((await engine.call(ENVIRONMENT, message, readerOf(rich({ [CONTRACT]: { code } })))).returnData);
    };
    expect(await hashOf(BLOCK_NUMBER - 256n)).toBe(hashAt(BLOCK_NUMBER - 256n));
    expect(await hashOf(BLOCK_NUMBER - 1n)).toBe(hashAt(BLOCK_NUMBER - 1n));
    expect(await hashOf(BLOCK_NUMBER - 257n)).toBe(ZERO_HASH);
    expect(await hashOf(BLOCK_NUMBER)).toBe(ZERO_HASH);
  });

  it("the ecrecover precompile takes high s values", async () => {
    const key = new Uint8Array(32).fill(7);
    const digest = keccakHash(Uint8Array.of(1));
    const signature = fromHex(signDigest(key, digest));
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = toWord(order - bytesToBigInt(signature.subarray(32, 64)));
    const recover = async (s: Uint8Array, parity: number) => {
      const data = concatBytes(fromHex(digest), toWord(27n + BigInt(parity)), signature.subarray(0, 32), s);
      const message = messageOf({ from: ALICE, to: addressOfNumber(1), data });
      return toHex((await engine.call(ENVIRONMENT, message, readerOf(rich()))).returnData.subarray(12));
    };
    expect(await recover(signature.subarray(32, 64), signature[64]!)).toBe(addressOf(key));
    expect(await recover(high, 1 - signature[64]!)).toBe(addressOf(key));
    expect(await recover(high, 2)).toBe("0x");
  });
});
