/** What the fuzzer has found, as fixed cases: engine and anvil agree on them since. */
import { addressOf, fromHex, toAddress } from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ethereumEngine } from "../src/ethereumEngine.ts";
import { AnvilPeer, CHAIN_ID } from "../src/fuzz/anvilPeer.ts";
import { type CaseAccount, type CaseTransaction, type EvmCase, SIGNERS } from "../src/fuzz/evmCase.ts";
import { compareCase, type EngineUnderTest } from "../src/fuzz/evmCompare.ts";

const CONTRACT = toAddress("0x0000000000000000000000000000000000c0de01");
const BASE_FEE = 10n;

const signers: readonly CaseAccount[] = SIGNERS.map((address) => ({
  address,
  nonce: 1n,
  balance: 10n ** 21n,
  code: [],
  slots: [],
}));

const plain: CaseTransaction = {
  type: 2,
  signer: 0,
  to: CONTRACT,
  nonceShift: 0n,
  gasLimit: 1_000_000n,
  maxFeePerGas: BASE_FEE,
  maxPriorityFeePerGas: 0n,
  value: 0n,
  data: [],
  accessList: [],
  authorizations: [],
};

let engine: EngineUnderTest;
let peer: AnvilPeer;
beforeAll(async () => {
  engine = await ethereumEngine("osaka");
  peer = await AnvilPeer.start();
});
afterAll(() => peer.stop());

async function expectAgreement(transactions: readonly CaseTransaction[], code = "0x"): Promise<void> {
  const contract = {
    address: CONTRACT,
    nonce: 1n,
    balance: 0n,
    code: [fromHex(code)],
    slots: [],
  };
  const feeRecipient = addressOf(new Uint8Array(32).fill(9));
  const evmCase: EvmCase = {
    baseFeePerGas: BASE_FEE,
    feeRecipient,
    accounts: [...signers, contract],
    transactions,
  };
  expect(await compareCase(engine, peer, evmCase)).toBeNull();
}

describe("found by the fuzzer and mended", () => {
  it("a call of an account that delegates to itself finds the delegation warm", async () => {
    const delegating = toAddress(SIGNERS[3]!);
    const authorizations = [
      {
        signer: 3,
        chainId: CHAIN_ID,
        address: delegating,
        nonceShift: 0n,
        isForeign: false,
      },
    ];
    const call = `0x5f5f5f5f5f73${delegating.slice(2)}5af100`;
    await expectAgreement([{ ...plain, type: 4, authorizations }, plain], call);
  });

  it("a call with less gas than its calldata's floor (EIP-7623) fails", async () => {
    await expectAgreement([
      {
        ...plain,
        to: null,
        data: [new Uint8Array(49_152)],
        gasLimit: 413_232n,
      },
    ]);
  });

  it("a call with more initcode than a transaction may have (EIP-3860) fails", async () => {
    await expectAgreement([{ ...plain, to: null, data: [new Uint8Array(49_153)] }]);
  });
});
