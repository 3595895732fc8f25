import type { L1Call } from "@mvm/l1";
import { type Address, type Hash, toAddress } from "@mvm/protocol";
import type { BlobSidecar } from "@mvm/protocol/blobs";
import type { Anvil } from "./anvil.ts";

/**
 * Creation code of a contract that counts calls by the transaction's first blob, in the storage slot of its versioned hash,
 * and reverts where there is none: 60 12 80 60 09 5f 39 5f f3 returns the 18 bytes of runtime code.
 */
const CREATION_CODE = "0x60128060095f395ff35f49806009575f5ffd5b8054600101905500";

/** A contract on L1 that tells how often each blob came: that transactions happen once, with their blobs, is seen there. */
export class BlobCounter {
  readonly #anvil: Anvil;
  readonly address: Address;

  private constructor(anvil: Anvil, address: Address) {
    this.#anvil = anvil;
    this.address = address;
  }

  static async deploy(anvil: Anvil): Promise<BlobCounter> {
    const deployed = await anvil.wallets[9]!.sendTransaction({ data: CREATION_CODE });
    const receipt = await anvil.receiptOf(deployed.hash);
    return new BlobCounter(anvil, toAddress(receipt.contractAddress!));
  }

  call(...sidecars: readonly BlobSidecar[]): L1Call {
    return { to: this.address, data: "0x", action: "count a blob", ...(sidecars.length > 0 && { sidecars }) };
  }

  /** How often a blob came, as the head of L1 has it. */
  async count(blobHash: Hash): Promise<number> {
    return Number(await this.#anvil.provider.send("eth_getStorageAt", [this.address, blobHash, "latest"]));
  }
}
