/** Runs one state machine: gives it moments, carries out the effects that all machines share, hands the rest on. */
import type {
  AnswerEffect,
  AnsweredEvent,
  Moment,
  NoteEffect,
  ReportEffect,
  RequestEffect,
  RequestFailedEvent,
  TimerEffect,
} from "@mvm/roles";
import type { Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

type SharedEffect = RequestEffect | AnswerEffect | TimerEffect | NoteEffect | ReportEffect;
type AnyEffect = { readonly kind: string };
type Machine<Event, Effect> = { handle(event: Event, moment: Moment): readonly Effect[] };

const SHARED = new Set<string>(["request", "answer", "timer", "note", "report"]);

export class MachineDriver<Event extends { readonly kind: string }, Effect extends AnyEffect> {
  readonly #machine: Machine<Event, Effect>;
  readonly #ports: Ports;
  readonly #desk: RequestDesk;
  readonly #perform: (effect: Exclude<Effect, SharedEffect>) => void;
  readonly #timers = new Map<string, () => void>();
  readonly #abort = new AbortController();

  constructor(options: {
    readonly machine: Machine<Event, Effect>;
    readonly ports: Ports;
    readonly desk: RequestDesk;
    /** carries out the machine's own effects; must not throw */
    readonly perform: (effect: Exclude<Effect, SharedEffect>) => void;
  }) {
    this.#machine = options.machine;
    this.#ports = options.ports;
    this.#desk = options.desk;
    this.#perform = options.perform;
  }

  moment(): Moment {
    return { nowMs: this.#ports.clock.nowMs(), entropy: this.#ports.entropy() };
  }

  dispatch(event: Event): void {
    if (!this.#abort.signal.aborted) this.run(this.#machine.handle(event, this.moment()));
  }

  /** Carries effects out; after the stop, none. */
  run(effects: readonly Effect[]): void {
    if (this.#abort.signal.aborted) return;
    for (const effect of effects) {
      if (SHARED.has(effect.kind)) this.#shared(effect as unknown as SharedEffect);
      else this.#perform(effect as Exclude<Effect, SharedEffect>);
    }
  }

  stop(): void {
    this.#abort.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #shared(effect: SharedEffect): void {
    switch (effect.kind) {
      case "request":
        void this.#request(effect);
        return;
      case "answer":
        this.#desk.answer(effect.ticket, effect.answer);
        return;
      case "timer":
        this.#timer(effect);
        return;
      case "note":
        this.#ports.log(effect.level, effect.code, effect.data);
        return;
      case "report":
        this.#ports.network.report(effect.peer, "invalid-message", effect.reason);
        return;
    }
  }

  #timer({ name, atMs }: TimerEffect): void {
    this.#timers.get(name)?.();
    const cancel = this.#ports.clock.at(atMs, () => {
      this.#timers.delete(name);
      this.dispatch({ kind: "timer", name } as unknown as Event);
    });
    this.#timers.set(name, cancel);
  }

  async #request(effect: RequestEffect): Promise<void> {
    const { ticket, to, request } = effect;
    let event: AnsweredEvent | RequestFailedEvent;
    try {
      event = { kind: "answered", ticket, answer: await this.#desk.send(effect, this.#abort.signal) };
    } catch (error) {
      const reason = reasonOf(error);
      this.#ports.log("debug", "request-failed", { request: request.name, to, reason });
      event = { kind: "requestFailed", ticket, reason };
    }
    this.dispatch(event as unknown as Event);
  }
}
