import type { L1Call } from "@mvm/l1";
import { type Address, type Hex, toAddress } from "@mvm/protocol";
import type { Anvil } from "./anvil.ts";

/**
 * Creation code of a contract that counts calls by their calldata's first word, in the storage slot of that number:
 * 60 0a 80 60 09 5f 39 5f f3 returns the 10 bytes of runtime code.
 */
const CREATION_CODE = "0x600a8060095f395ff35f3580546001019055" as const;

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;

/** A contract on L1 that tells how often each call was made: that transactions happen once is seen there. */
export class Counter {
  readonly #anvil: Anvil;
  readonly address: Address;

  private constructor(anvil: Anvil, address: Address) {
    this.#anvil = anvil;
    this.address = address;
  }

  static async deploy(anvil: Anvil): Promise<Counter> {
    const deployed = await anvil.wallets[9]!.sendTransaction({ data: `${CREATION_CODE}00` });
    const receipt = await anvil.receiptOf(deployed.hash);
    return new Counter(anvil, toAddress(receipt.contractAddress!));
  }

  call(n: number): L1Call {
    return { to: this.address, data: word(n), action: `count ${n}` };
  }

  /** How often the call with a number was made, as the head of L1 has it. */
  async count(n: number): Promise<number> {
    return Number(await this.#anvil.provider.send("eth_getStorageAt", [this.address, word(n), "latest"]));
  }
}
