/** The guard of a sequencer's key: tells that the node is there, hears of others that use the key, remembers what was signed. */
import {
  blockDigest,
  blockSigner,
  CodecError,
  decodePresence,
  encodePresence,
  type Presence,
  presenceDigest,
  presenceTopic,
  type SealedBlock,
  type UnsignedBlock,
} from "@mvm/protocol";
import {
  type AnnounceEffect,
  type L1View,
  PresenceRules,
  SigningGuard,
  type SigningGuardEvent,
  type Verdict,
} from "@mvm/roles";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";

/** What a sequencer on one DAC asks before it signs. */
export type SigningRight = {
  readonly maySign: boolean;
  /** Remembers durably that a block is signed; false: another one was signed at its place, or nothing may be signed. */
  claim(block: UnsignedBlock): Promise<boolean>;
};

type Parts = { readonly ports: Ports; readonly settings: NetworkSettings; readonly view: L1View };

/** Passes announcements of sequencers on, as every node does; `onOwn` hears those with the own key. */
export function passPresencesOn({ ports, settings, view }: Parts, onOwn: (presence: Presence) => void): void {
  const rules = new PresenceRules(view, settings.network);
  ports.network.subscribe(presenceTopic(settings.network), (_from, bytes): Verdict => {
    let presence: Presence;
    try {
      presence = decodePresence(bytes);
    } catch (error) {
      if (error instanceof CodecError) return { verdict: "reject", reason: error.message };
      throw error;
    }
    const { verdict, operator } = rules.judge(presence);
    if (operator === ports.identity.operator) onOwn(presence);
    return verdict;
  });
}

export class Guarding implements SigningRight {
  readonly #parts: Parts;
  readonly #machine: SigningGuard;
  /** what is stored, one after the other */
  #storing: Promise<void> = Promise.resolve();

  private constructor(parts: Parts, lastSlot: bigint | null) {
    this.#parts = parts;
    const { ports, settings, view } = parts;
    this.#machine = new SigningGuard({
      view,
      operator: ports.identity.operator,
      epochBlocks: settings.parameters.epochBlocks,
      instance: ports.entropy(),
      lastSlot,
    });
  }

  static async open(parts: Parts): Promise<Guarding> {
    return new Guarding(parts, await parts.ports.marks.lastSlot());
  }

  get maySign(): boolean {
    return this.#machine.maySign;
  }

  live(): void {
    this.#dispatch({ kind: "live" });
  }

  l1Changed(): void {
    this.#dispatch({ kind: "l1Changed" });
  }

  heard(presence: Presence): void {
    this.#dispatch({ kind: "heard", presence });
  }

  /** A block that others show, or that the node made itself. */
  seen(block: SealedBlock): void {
    const { ports, settings, view } = this.#parts;
    const { chainId, context, header } = block;
    // what is older cannot be signed again
    if (context.slot + 1n < view.slot || blockSigner(settings.network, block) !== ports.identity.operator) return;
    const isOurs = ports.marks.has(block, blockDigest(settings.network, block));
    this.#dispatch({ kind: "ownBlock", chainId, slot: context.slot, number: header.number, isOurs });
  }

  async claim(block: UnsignedBlock): Promise<boolean> {
    await this.#storing;
    if (!this.maySign) return false;
    return this.#parts.ports.marks.claim(block, blockDigest(this.#parts.settings.network, block));
  }

  #dispatch(event: SigningGuardEvent): void {
    for (const effect of this.#machine.handle(event)) {
      if (effect.kind === "announce") this.#storing = this.#storing.then(() => this.#announce(effect));
      else this.#parts.ports.log(effect.level, effect.code, effect.data);
    }
  }

  async #announce({ kind: _kind, ...unsigned }: AnnounceEffect): Promise<void> {
    const { ports, settings } = this.#parts;
    try {
      if (unsigned.signs) await ports.marks.setLastSlot(unsigned.slot);
      const signature = ports.identity.signDigest(presenceDigest(settings.network, unsigned));
      await ports.network.publish(presenceTopic(settings.network), encodePresence({ ...unsigned, signature }));
    } catch (error) {
      ports.log("warn", "presence-not-told", { reason: reasonOf(error) });
    }
  }

  /** Ends once what is being stored is. */
  stop(): Promise<void> {
    return this.#storing;
  }
}
