/** Settings that are right, for tests to damage. */
import { type Address, PROFILES, toAddress } from "@mvm/protocol";
import type { NetworkFile, NodeConfig } from "../src/index.ts";

/** How hard the keystores of tests are to open. */
export const SCRYPT_N = PROFILES.devnet.keystoreScryptN;

const contract = (byte: string): Address => toAddress(`0x${byte.repeat(20)}`);

export const NETWORK_FILE: NetworkFile = {
  version: 11,
  profile: "devnet",
  l1ChainId: "31337",
  deployedAtBlock: 1,
  contracts: {
    token: contract("a0"),
    timelock: contract("a1"),
    metisDao: contract("a2"),
    beacon: contract("a3"),
    parameters: contract("a4"),
    dacRegistry: contract("a5"),
    comco: contract("a6"),
    inbox: contract("a7"),
    bridge: contract("a8"),
    sequencerPool: contract("a9"),
    bondManager: contract("aa"),
    providerRegistry: contract("ab"),
    storageRegistry: contract("ac"),
    rollupChain: contract("ad"),
    blobOpenings: contract("ae"),
    interpreter: contract("af"),
    executionManager: contract("b0"),
    checkpointReplay: contract("b1"),
    sliceInterpreter: contract("c1"),
    sliceTries: contract("c2"),
    sliceReplay: contract("c3"),
    stepInterpreter: contract("c4"),
    stepTries: contract("c5"),
    stepReplay: contract("c6"),
    partVerifier: contract("c7"),
    workVerifier: contract("ca"),
    disputes: contract("b2"),
    disclosures: contract("b3"),
    jobReplay: contract("c8"),
    resultCourt: contract("c9"),
    dataVerifier: contract("b4"),
    blockVerifier: contract("b5"),
    closingVerifier: contract("b6"),
  },
};

export const CONFIG: NodeConfig = {
  version: 1,
  roles: ["gateway"],
  network: NETWORK_FILE,
  l1Url: "http://127.0.0.1:1",
  listen: ["/ip4/127.0.0.1/tcp/0"],
  bootstrap: [],
  register: false,
  gateway: { host: "127.0.0.1", port: 0, domain: "localhost" },
  logLevel: "info",
  archive: false,
  courierHops: 1,
  coverJobs: false,
  batchData: "cheapest",
  blobProofs: "cells",
};
