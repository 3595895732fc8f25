import {
  addressOf,
  bigIntToBytes,
  bytesToBigInt,
  concatBytes,
  encodeRlp,
  fromHex,
  keccakHash,
  type Outcome,
  type RecoveredAuthorization,
  signDigest,
  type TransactionMessage,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine, type HardforkName } from "../src/index.ts";
import { CONTRACTS, program } from "./programs.ts";
import { type ReferenceOutcome, rootOf, runReference, type SignedAuthorization } from "./reference.ts";
import {
  addressOfNumber,
  applyToWorld,
  CHAIN_ID,
  cloneWorld,
  ENVIRONMENT,
  messageOf,
  readerOf,
  type World,
  worldOf,
} from "./world.ts";

const KEYS = [1, 2, 3].map((value) => new Uint8Array(32).fill(value));
const SENDERS = KEYS.map(addressOf);
const RICH = 10n ** 18n;

function randomWorld(codes: readonly Uint8Array[]): World {
  const world = worldOf({
    [addressOfNumber(0xdead)]: { balance: 5n },
    [SENDERS[0]!]: { balance: RICH },
    [SENDERS[1]!]: { balance: RICH },
  });
  for (const [index, code] of codes.entries()) {
    const storage = new Map([[`0x${"00".repeat(31)}01` as never, 1n]]);
    world.set(CONTRACTS[index]!, { nonce: 1n, balance: 2n, code, storage });
  }
  return world;
}

async function compare(
  world: World,
  outcomes: readonly Outcome[],
  reference: readonly ReferenceOutcome[],
  hardfork: HardforkName,
): Promise<void> {
  const after = cloneWorld(world);
  for (const [index, expected] of reference.entries()) {
    const outcome = outcomes[index]!;
    expect(outcome.kind, expected.kind === "invalid" ? expected.error : "").toBe(expected.kind);
    if (outcome.kind === "invalid" || expected.kind === "invalid") continue;
    const { status, gasUsed, logs, writes } = outcome;
    applyToWorld(after, writes);
    expect({ status, gasUsed, logs, root: await rootOf(after, hardfork) }).toEqual({
      status: expected.status,
      gasUsed: expected.gasUsed,
      logs: expected.logs,
      root: expected.root,
    });
  }
}

function authorization(
  key: Uint8Array,
  address: SignedAuthorization["address"],
  nonce: bigint,
): { signed: SignedAuthorization; recovered: RecoveredAuthorization } {
  const digest = keccakHash(
    concatBytes(Uint8Array.of(5), encodeRlp([bigIntToBytes(CHAIN_ID), fromHex(address), bigIntToBytes(nonce)])),
  );
  const signature = fromHex(signDigest(key, digest));
  const [r, s] = [bytesToBigInt(signature.subarray(0, 32)), bytesToBigInt(signature.subarray(32, 64))];
  const signed = { chainId: CHAIN_ID, address, nonce, yParity: signature[64]!, r, s };
  return { signed, recovered: { authority: addressOf(key), address, nonce } };
}

const calls = fc.array(
  fc.record({
    sender: fc.integer({ min: 0, max: 1 }),
    target: fc.option(fc.constantFrom(...CONTRACTS), { freq: 6 }),
    gasLimit: fc.oneof(fc.constant(400_000n), fc.bigInt(21_000n, 200_000n)),
    value: fc.constantFrom(0n, 0n, 1n),
    data: fc.oneof(fc.uint8Array({ maxLength: 80 }), program),
    listed: fc.boolean(),
    type: fc.constantFrom(0 as const, 1 as const, 2 as const),
  }),
  { minLength: 1, maxLength: 4 },
);

type Call = typeof calls extends fc.Arbitrary<(infer T)[]> ? T : never;

function messagesOf(list: readonly Call[]): TransactionMessage[] {
  const nonces = [0n, 0n];
  return list.map(({ sender, target, gasLimit, value, data, listed, type }) => {
    const accessList =
      listed && type !== 0 ? [{ address: CONTRACTS[0]!, slots: [`0x${"00".repeat(31)}01` as never] }] : [];
    const fees = type === 2 ? {} : { maxFeePerGas: 12n, maxPriorityFeePerGas: 12n };
    return messageOf({
      from: SENDERS[sender]!,
      type,
      to: target,
      gasLimit,
      value,
      data,
      accessList,
      ...fees,
      nonce: nonces[sender]!++,
    });
  });
}

describe("the engine gives what @ethereumjs/vm gives: status, gas, logs, state root", () => {
  for (const hardfork of ["paris", "shanghai", "cancun", "prague", "osaka"] as const) {
    it(`for random programs and transactions at ${hardfork}`, async () => {
      const engine = await createEngine({ hardfork, chain: "ethereum" });
      await fc.assert(
        fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), calls, async (codes, list) => {
          const world = randomWorld(codes);
          const messages = messagesOf(list);
          const outcomes = await engine.execute(ENVIRONMENT, messages, readerOf(world));
          // A message that was refused leaves its sender's later nonces unusable in both.
          await compare(world, outcomes, await runReference(world, ENVIRONMENT, messages, hardfork), hardfork);
        }),
        { numRuns: Number(process.env["MVM_DIFFERENTIAL_RUNS"] ?? 60) },
      );
    });
  }

  it("for EIP-7702 delegations, set, used, replaced and cleared", async () => {
    const engine = await createEngine({ chain: "ethereum" });
    const delegates = fc.constantFrom(...CONTRACTS, addressOfNumber(0), addressOfNumber(2), SENDERS[1]!);
    const entry = fc.record({
      authority: fc.integer({ min: 0, max: 2 }),
      address: delegates,
      nonce: fc.bigInt(0n, 3n),
    });
    const step = fc.record({
      entries: fc.array(entry, { minLength: 1, maxLength: 3 }),
      to: fc.constantFrom(...SENDERS, ...CONTRACTS),
      value: fc.constantFrom(0n, 3n),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(program, { minLength: 3, maxLength: 3 }),
        fc.array(step, { minLength: 1, maxLength: 3 }),
        async (codes, steps) => {
          const world = randomWorld(codes);
          const signed: SignedAuthorization[][] = [];
          let nonce = 0n;
          const outcomes: Outcome[] = [];
          const messages: TransactionMessage[] = [];
          const current = cloneWorld(world);
          for (const { entries, to, value } of steps) {
            const pairs = entries.map((item) => authorization(KEYS[item.authority]!, item.address, item.nonce));
            nonce = current.get(SENDERS[0]!)?.nonce ?? 0n;
            const message = messageOf({
              from: SENDERS[0]!,
              type: 4,
              to,
              value,
              nonce,
              authorizations: pairs.map(({ recovered }) => recovered),
            });
            signed.push(pairs.map((pair) => pair.signed));
            messages.push(message);
            const [outcome] = await engine.execute(ENVIRONMENT, [message], readerOf(current));
            outcomes.push(outcome!);
            if (outcome!.kind === "included") applyToWorld(current, outcome!.writes);
          }
          await compare(world, outcomes, await runReference(world, ENVIRONMENT, messages, "osaka", signed), "osaka");
        },
      ),
      { numRuns: Number(process.env["MVM_DIFFERENTIAL_RUNS"] ?? 60) },
    );
  });
});
