/** Accounts that every DAC's chain has from its genesis on. */
import type { Account, AccountWrite } from "./execution.ts";
import {
  GAS_PRICE_ORACLE_CODE,
  MVM_ADDRESS_TABLE_CODE,
  MVM_COINBASE_CODE,
  MVM_DAC_MASTER_CODE,
  MVM_EXECUTION_MANAGER_CODE,
  MVM_FEE_VAULT_CODE,
  MVM_L2_TO_L1_CODE,
  MVM_TOKEN_BRIDGE_CODE,
  MVM_TREASURY_VAULT_CODE,
} from "./generated/predeployCode.ts";
import { keccakHash } from "./hash.ts";
import { fromHex, toAddress, toHash } from "./hex.ts";
import { preinstallWrites } from "./preinstalls.ts";
import type { Address, Hash, Hex } from "./primitives.ts";

export const PREDEPLOYS = {
  /** MVM_Coinbase: keeps the supply of native MT (slot 0), takes withdrawals */
  coinbase: toAddress("0x4d564d0000000000000000000000000000000001"),
  /** MVM_ExecutionManager: compiled charter, L1 values, gathers base fees and tips; the header's beneficiary */
  executionManager: toAddress("0x4d564d0000000000000000000000000000000002"),
  /** MVM_DACMaster: the charter */
  dacMaster: toAddress("0x4d564d0000000000000000000000000000000003"),
  /** MVM_FeeVault: what settle has split, until it is claimed */
  feeVault: toAddress("0x4d564d0000000000000000000000000000000004"),
  /** MVM_TreasuryVault of the tax */
  taxVault: toAddress("0x4d564d0000000000000000000000000000000005"),
  /** MVM_TreasuryVault of what SELFDESTRUCT would have burnt */
  burnVault: toAddress("0x4d564d0000000000000000000000000000000006"),
  /** MVM_L2ToL1: messages and withdrawals; its storage root is the header's withdrawalsRoot */
  l2ToL1: toAddress("0x4d564d0000000000000000000000000000000007"),
  /** MVM_TokenBridge: mints and burns the twins of L1's tokens */
  tokenBridge: toAddress("0x4d564d0000000000000000000000000000000008"),
  /** MVM_AddressTable: numbers for addresses in posted data */
  addressTable: toAddress("0x4d564d0000000000000000000000000000000009"),
  /** GasPriceOracle, at the address where tools of today's rollups look for it */
  gasPriceOracle: toAddress("0x420000000000000000000000000000000000000f"),
} as const;

/** Who calls in system transactions; nobody has its key (EIP-4788). */
export const SYSTEM: Address = toAddress("0xfffffffffffffffffffffffffffffffffffffffe");

/**
 * State root of every DAC's block 0: that of genesisWrites. It stands here because contracts of L1 are constructed with it and
 * whoever deploys them has no tries; a test holds that it is that.
 */
export const GENESIS_STATE_ROOT: Hash = toHash("0x81d99d4df113e784f561533521f60c207ab532af9c257b804c54df0bf6747d30");

/** Slot of MVM_Coinbase that holds the total supply in wei of MT. */
export const TOTAL_SUPPLY_SLOT = 0n;

const CODES: readonly (readonly [Address, Hex])[] = [
  [PREDEPLOYS.coinbase, MVM_COINBASE_CODE],
  [PREDEPLOYS.executionManager, MVM_EXECUTION_MANAGER_CODE],
  [PREDEPLOYS.dacMaster, MVM_DAC_MASTER_CODE],
  [PREDEPLOYS.feeVault, MVM_FEE_VAULT_CODE],
  [PREDEPLOYS.taxVault, MVM_TREASURY_VAULT_CODE],
  [PREDEPLOYS.burnVault, MVM_TREASURY_VAULT_CODE],
  [PREDEPLOYS.l2ToL1, MVM_L2_TO_L1_CODE],
  [PREDEPLOYS.tokenBridge, MVM_TOKEN_BRIDGE_CODE],
  [PREDEPLOYS.addressTable, MVM_ADDRESS_TABLE_CODE],
  [PREDEPLOYS.gasPriceOracle, GAS_PRICE_ORACLE_CODE],
];

const predeployWrites = CODES.map(([address, text]): AccountWrite => {
  const code = fromHex(text);
  return { address, account: { nonce: 1n, balance: 0n, codeHash: keccakHash(code) }, code, slots: [] };
});

const GENESIS: readonly AccountWrite[] = [...predeployWrites, ...preinstallWrites()].sort((a, b) =>
  a.address < b.address ? -1 : 1,
);

/** State of block 0, the same for every DAC: predeployed contracts and those that tools expect. Sorted by address. */
export const genesisWrites = (): readonly AccountWrite[] => GENESIS;

const ACCOUNTS: ReadonlyMap<Address, Account> = new Map(GENESIS.map(({ address, account }) => [address, account!]));

/** The account of a contract that every DAC has from genesis on, as it was there: its code stays, nonce and balance may not. */
export const genesisAccount = (address: Address): Account | undefined => ACCOUNTS.get(address);

const CODES_BY_HASH: ReadonlyMap<Hash, Uint8Array> = new Map(
  GENESIS.map(({ account, code }) => [account!.codeHash, code!]),
);

/** Code of a hash, where it is part of every DAC's genesis: nobody has to be asked for it. */
export const genesisCode = (hash: Hash): Uint8Array | undefined => CODES_BY_HASH.get(hash);
