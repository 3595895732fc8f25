/** Sequencers who lie on real networks: whoever looks convicts them, and nobody else loses anything. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIED_NETWORK, runFaults } from "../faults/fault.ts";
import { LIES, type Lie } from "../faults/lies.ts";
import { proveBlock } from "../faults/proveProcess.ts";
import { nodesOf } from "../src/flows/actions.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet } from "../src/testnet.ts";

const START_MS = 400_000;
const FAULT_MS = 600_000;

const lieOf = (name: string): Lie => LIES.find((lie) => lie.name === name)!;

let run: RunDirectory;
let testnet: Testnet;
beforeAll(async () => {
  run = await createRunDirectory();
  testnet = await Testnet.start(run, LIED_NETWORK, () => undefined);
}, START_MS);
afterAll(async () => {
  await testnet?.stop();
  await run?.remove();
}, START_MS);

const caught = (fault: string, figures: object) =>
  expect.objectContaining({ fault, ok: true, falseAccuserSlashed: true, honestSlashed: false, ...figures });

describe("a sequencer who lies", () => {
  const execution = ["wrong-balance", "charter-ignored", "wrong-deposit", "heavy-transaction"];
  const headers = ["forged-withdrawals-root", "header-number", "header-timestamp", "header-gas-used"];
  const work = ["wrong-seat", "bad-result-signature"];
  const names = [...execution, ...headers, ...work, "time-ahead", "forged-deposit"];

  it(
    "about execution, a header, who did a block's job, or what posted data or L1 say is convicted, by hand or by a prover that was killed on the way; users have back what they were acknowledged",
    async () => {
      const looked: Readonly<Record<string, unknown>>[] = [];
      // has MT and ether, and nothing to do with any of it
      const { dataDir } = nodesOf(testnet, "storage")[0]!;
      const anybody = { dataDir, passwordFile: testnet.passwordFile };
      const reports = await runFaults(testnet, names.map(lieOf), {
        killProver: true,
        whileLied: async (blocks, tell) => {
          const dac = "wrong-balance";
          const block = blocks.get(dac)!;
          looked.push(await proveBlock(anybody, { dac, block, transaction: 1 }, true));
          looked.push(await proveBlock(anybody, { dac, block: block - 1, transaction: 0 }, false));
          const tooHeavy = { dac: "heavy-transaction", block: blocks.get("heavy-transaction")!, transaction: 1 };
          looked.push(await proveBlock(anybody, tooHeavy, false));
          const byHand = { dac: "header-timestamp", block: blocks.get("header-timestamp")! };
          const proven = await proveBlock(anybody, byHand, false);
          for (const event of ["wrong", "proven"]) tell({ ...proven, event });
        },
      });
      expect(reports).toEqual(
        names.map(lieOf).map(({ name, proof, rule }) => caught(name, { proof, ...(rule && { rule }) })),
      );
      for (const { fault, returned } of reports) if (!lieOf(fault).isOfDeposit) expect(returned).toBeGreaterThan(0);
      const [wrong, right, heavy] = looked;
      const sized = { steps: expect.any(Number), witnessBytes: expect.any(Number), replayGas: expect.any(Number) };
      expect(wrong).toMatchObject({ verdict: "wrong", proof: "execution", provable: true, sent: false, ...sized });
      expect(right).toMatchObject({ verdict: "right", onL1: "right", sent: false, ...sized });
      const inParts = {
        parts: expect.any(Number),
        steps: expect.any(Number),
        reason: expect.stringMatching(/has to be asked/),
      };
      expect(heavy).toMatchObject({ verdict: "wrong", proof: "execution", provable: false, sent: false, ...inParts });
    },
    FAULT_MS,
  );

  // alone: a blob takes seconds of computing, in which a liar on many DACs loses its slots
  it.each([
    ["data in a blob", "not-in-data-blob", "row"],
    ["a blob that is no data", "malformed-blob", "blob"],
  ])(
    "about %s is convicted as well, by a prover that watches",
    async (_, name, rule) => {
      const [report] = await runFaults(testnet, [lieOf(name)]);
      expect(report).toEqual(caught(name, { proof: "derivation", rule }));
      expect(report!["returned"]).toBeGreaterThan(0);
    },
    FAULT_MS,
  );

  it(
    "and shows its block to nobody but L1, when it is asked for there, is convicted by the hash of a checkpoint; who asks for a right batch pays for the answer",
    async () => {
      const [report] = await runFaults(testnet, [lieOf("late-leaves")]);
      expect(report).toEqual(caught("late-leaves", { proof: "execution" }));
      expect(report!["returned"]).toBeGreaterThan(0);
    },
    FAULT_MS,
  );

  it(
    "by signing two blocks at one place loses its bond, and the chain stays as it is",
    async () => {
      const [report] = await runFaults(testnet, [lieOf("equivocation")]);
      expect(report).toEqual(caught("equivocation", { rolledBackTo: null }));
    },
    FAULT_MS,
  );
});
