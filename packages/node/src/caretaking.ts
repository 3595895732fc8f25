/** A sequencer's care for deposits that are held on L1, for its own locks and for the draws: the machine, and what it asks L1 for. */
import { Caretaker, type CaretakerEffect, type CaretakerEvent, type L1View, type NoteEffect } from "@mvm/roles";
import { MachineDriver } from "./machineDriver.ts";
import type { Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Caretaking {
  readonly #ports: Ports;
  readonly #driver: MachineDriver<CaretakerEvent, CaretakerEffect>;

  constructor({ ports, view, desk }: { ports: Ports; view: L1View; desk: RequestDesk }) {
    this.#ports = ports;
    this.#driver = new MachineDriver<CaretakerEvent, CaretakerEffect>({
      machine: new Caretaker({ view, operator: ports.identity.operator }),
      ports,
      desk,
      perform: (effect) => void this.#perform(effect),
    });
  }

  l1Changed(): void {
    this.#driver.dispatch({ kind: "l1Changed" });
  }

  bondsChanged(): void {
    this.#driver.dispatch({ kind: "bondsChanged" });
  }

  stop(): void {
    this.#driver.stop();
  }

  #perform(effect: Exclude<CaretakerEffect, NoteEffect>): Promise<void> {
    const { poster } = this.#ports;
    switch (effect.kind) {
      case "releaseHeld": {
        const { chainId, id } = effect;
        const failed = { level: "debug", code: "deposit-not-released", data: { chainId, id } } as const;
        const ended = (reason: string | null) => ({ kind: "releaseEnded", chainId, id, reason }) as const;
        return this.#attempt(poster.releaseHeld({ chainId, id }), failed, ended);
      }
      case "releaseLocks": {
        const failed = { level: "warn", code: "locks-not-released", data: {} } as const;
        const ended = (reason: string | null) => ({ kind: "locksReleased", reason }) as const;
        return this.#attempt(poster.releaseLocks(effect.chainIds), failed, ended);
      }
      case "eject": {
        const { sequencer } = effect;
        const failed = { level: "warn", code: "not-ejected", data: { sequencer } } as const;
        const ended = (reason: string | null) => ({ kind: "ejectEnded", sequencer, reason }) as const;
        return this.#attempt(poster.eject(sequencer), failed, ended);
      }
    }
  }

  /** Waits for L1's answer to a call, says why where it did not take it, and tells the machine. */
  async #attempt(
    call: Promise<void>,
    { level, code, data }: { level: "debug" | "warn"; code: string; data: Readonly<Record<string, unknown>> },
    ended: (reason: string | null) => CaretakerEvent,
  ): Promise<void> {
    let reason: string | null = null;
    try {
      await call;
    } catch (error) {
      reason = reasonOf(error);
      this.#ports.log(level, code, { ...data, reason });
    }
    this.#driver.dispatch(ended(reason));
  }
}
