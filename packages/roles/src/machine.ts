/**
 * What every state machine of this package has in common: events and moments come in, effects go out. A machine does no
 * I/O, keeps no clock and draws no randomness; a driver (the node, or the simulator) carries its effects out.
 */
import type { Hash, JobId, NamedAnswer, NamedRequest, PeerId } from "@mvm/protocol";

/** The instant at which an event is handled, and 32 fresh random bytes for it. */
export type Moment = { readonly nowMs: number; readonly entropy: Hash };

/** A request to another node; its end comes back as an Answered or RequestFailed event with the same ticket. */
export type RequestEffect = {
  readonly kind: "request";
  readonly ticket: string;
  readonly to: PeerId;
  readonly request: NamedRequest;
  readonly timeoutMs: number;
  /** goes sealed through these, never to `to` itself */
  readonly via?: Couriers;
};

/** Who carries what a job's sequencer and the holder of one of its seats say to each other. */
export type Couriers = {
  readonly jobId: JobId;
  /** registry number of the seat's holder */
  readonly provider: number;
  /** at least one; the first ones first */
  readonly peers: readonly PeerId[];
};

/** The answer to a request that came in with this ticket. */
export type AnswerEffect = { readonly kind: "answer"; readonly ticket: string; readonly answer: NamedAnswer };

/** Wake the machine up; a timer of the same name is replaced. */
export type TimerEffect = { readonly kind: "timer"; readonly name: string; readonly atMs: number };

/** Something an operator should read; `level` as a logger has it. */
export type NoteEffect = {
  readonly kind: "note";
  readonly level: "info" | "warn" | "error";
  readonly code: string;
  readonly data: Readonly<Record<string, string | number | bigint>>;
};

/** A peer broke the protocol: the network scores it down. */
export type ReportEffect = { readonly kind: "report"; readonly peer: PeerId; readonly reason: string };

export type AnsweredEvent = { readonly kind: "answered"; readonly ticket: string; readonly answer: NamedAnswer };
export type RequestFailedEvent = { readonly kind: "requestFailed"; readonly ticket: string; readonly reason: string };
export type TimerEvent = { readonly kind: "timer"; readonly name: string };
export type RequestedEvent = {
  readonly kind: "requested";
  readonly ticket: string;
  /** a courier, where the job came through one */
  readonly from: PeerId;
  readonly request: NamedRequest;
  /** whether it came sealed */
  readonly isSealed?: boolean;
  /** id of the talk that it came in, where `from` is the first of two couriers and this node is the second */
  readonly hop?: JobId;
};
