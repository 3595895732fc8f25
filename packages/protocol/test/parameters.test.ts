import { LIMITS, type Parameters, PROFILES } from "@mvm/protocol";
import { describe, expect, it } from "vitest";

const profiles = Object.entries(PROFILES) as [string, Parameters][];

describe.each(profiles)("profile %s", (_name, profile) => {
  it("every parameter has a positive value, integers all", () => {
    for (const [key, value] of Object.entries(profile)) {
      expect(value > 0, key).toBe(true);
      if (typeof value === "number") expect(Number.isSafeInteger(value), key).toBe(true);
    }
  });

  it("a stake outlives the claims against it", () => {
    expect(profile.unbondingSeconds).toBeGreaterThanOrEqual(profile.maxWindowSeconds);
  });

  // the fastest L1 is devnet's, a block a second; mainnet's has twelve
  const l1BlockMs = profile === PROFILES.devnet ? 1_000 : 12_000;

  it("who posts at every interval is not silent for so long that its slot may be claimed", () => {
    expect(profile.rankDelayBlocks * l1BlockMs).toBeGreaterThanOrEqual(profile.batchIntervalMs);
    expect(3 * profile.rankDelayBlocks).toBeLessThanOrEqual(profile.epochBlocks);
  });

  it("a slot outlasts several batches at the L1 block time", () => {
    expect(profile.epochBlocks * l1BlockMs).toBeGreaterThanOrEqual(3 * profile.batchIntervalMs);
  });

  it("the whole grace to post fits the time in which claims are possible", () => {
    expect(profile.postGraceBlocks).toBeGreaterThanOrEqual(1);
    expect(profile.maxWindowSeconds).toBeGreaterThan(profile.postGraceBlocks);
  });

  it("nobody turns a chain to exit while what is asked for may still be shown, and the chain rebuilt", () => {
    expect(profile.exitAfterSeconds).toBeGreaterThan(profile.openAfterSeconds + profile.revealDelaySeconds);
  });

  it("a poster that was asleep is fined less than it has to stake; who asked in vain gets more than it paid", () => {
    expect(profile.withholdingPenaltyWei).toBeLessThan(profile.minSequencerStakeWei);
    const share = (profile.withholdingPenaltyWei * BigInt(profile.proverShare)) / 10_000n;
    expect(share).toBeGreaterThan(profile.askPriceWei);
  });

  it("a window outlasts the time to answer", () => {
    expect(profile.maxWindowSeconds).toBeGreaterThan(profile.revealDelaySeconds + profile.proofTimeSeconds);
  });

  it("blocks come more often than batches, answers before a job is given up", () => {
    expect(profile.tickSeconds * 1_000).toBeLessThanOrEqual(profile.batchIntervalMs);
    expect(profile.readTimeoutMs).toBeLessThanOrEqual(profile.jobTimeoutMs);
  });

  it("keystores are sealed by a scrypt that there is, and that may be opened again", () => {
    expect(Math.log2(profile.keystoreScryptN) % 1).toBe(0);
    expect(profile.keystoreScryptN).toBeLessThanOrEqual(LIMITS.keystoreScryptN);
  });

  it("a sequencer stakes most: it answers for a chain, the others for a piece of work", () => {
    expect(profile.minSequencerStakeWei).toBeGreaterThan(profile.minStorageStakeWei);
    expect(profile.minStorageStakeWei).toBeGreaterThan(profile.minProviderStakeWei);
  });
});

describe("profiles", () => {
  it("have the same parameters and the same version", () => {
    expect(Object.keys(PROFILES.mainnet).sort()).toEqual(Object.keys(PROFILES.devnet).sort());
    expect(PROFILES.mainnet.version).toBe(PROFILES.devnet.version);
  });

  it("differ where design page 00 says so", () => {
    expect([PROFILES.devnet.epochBlocks, PROFILES.devnet.maxWindowSeconds]).toEqual([8, 120]);
    expect([PROFILES.mainnet.epochBlocks, PROFILES.mainnet.maxWindowSeconds]).toEqual([32, 7 * 24 * 3600]);
    // light: no more than what other programs call so; and the standard
    expect(PROFILES.devnet.keystoreScryptN).toBeLessThanOrEqual(4_096);
    expect(PROFILES.mainnet.keystoreScryptN).toBe(262_144);
  });
});

describe("limits", () => {
  it("every limit is a positive integer", () => {
    for (const [key, value] of Object.entries(LIMITS)) {
      expect(value > 0, key).toBe(true);
      if (typeof value === "number") expect(Number.isSafeInteger(value), key).toBe(true);
    }
  });

  it("those that Ethereum sets have its values (EIP-7825, 170, 3860)", () => {
    expect(LIMITS.transactionGas).toBe(16_777_216n);
    expect(LIMITS.codeBytes).toBe(24_576);
    expect(LIMITS.initcodeBytes).toBe(2 * LIMITS.codeBytes);
  });

  it("those that design pages 10, 20 and 30 set have their values", () => {
    expect(LIMITS.transactionBytes).toBe(56 * 1024);
    expect(LIMITS.blockTransactions).toBe(2_048);
    expect(LIMITS.batchBlocks).toBe(2_048);
    expect(LIMITS.batchBytes).toBe(96 * 1024);
    expect(LIMITS.seats).toBe(2);
  });

  it("any one transaction fits a block and a pool", () => {
    expect(LIMITS.transactionGas).toBeLessThanOrEqual(LIMITS.blockGas);
    expect(LIMITS.transactionBytes).toBeLessThanOrEqual(LIMITS.blockTransactionBytes);
    expect(LIMITS.blockQueueItems).toBeLessThan(LIMITS.blockTransactions);
    expect(LIMITS.initcodeBytes).toBeLessThan(LIMITS.transactionBytes);
    expect(LIMITS.poolPerSender).toBeLessThanOrEqual(LIMITS.poolTotal);
    expect(LIMITS.poolBytes).toBeGreaterThanOrEqual(LIMITS.poolPerSender * LIMITS.transactionBytes);
  });

  it("a block's outcomes fit the wire for a transaction at the gas cap: 8 gas a byte of log is the cheapest", () => {
    expect(Number(LIMITS.transactionGas) / 8 + LIMITS.blockTransactionBytes).toBeLessThan(LIMITS.blockBytes);
    expect(LIMITS.blockBytes).toBeLessThan(LIMITS.messageBytes);
  });

  it("a job may ask for every value that a block can read: no read costs less than 2,000 gas", () => {
    expect(BigInt(LIMITS.jobReadKeys) * 2_000n).toBeGreaterThanOrEqual(LIMITS.blockGas);
    expect(LIMITS.readKeys).toBeLessThanOrEqual(LIMITS.jobReadKeys);
  });
});
