import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  type Message,
  StrictNoSign,
  type TopicValidatorFn,
  TopicValidatorResult,
} from "@libp2p/gossipsub";
import type { PeerId as Libp2pPeerId } from "@libp2p/interface";
import type { PeerId } from "@mvm/protocol";
import { ProtocolViolation } from "./frames.ts";
import { checkGossipFrame } from "./gossipFrame.ts";
import { gossipMessageId } from "./gossipMessageId.ts";
import { MAX_GOSSIP_FRAME_BYTES, MAX_GOSSIP_QUEUED_BYTES } from "./limits.ts";
import type { Verdict } from "./network.ts";

/**
 * Gossipsub, set up for this network: no signatures of its own (the application's messages carry theirs), message
 * ids from topic and content, and the application's score as gossipsub's score, so that there is one account of a peer.
 */

/** What gossip asks of and tells its owner. */
export type GossipCallbacks = {
  /** says what to do with a message of a topic that we are subscribed to; must not throw */
  readonly judge: (topic: string, from: PeerId, bytes: Uint8Array) => Promise<Verdict>;
  /** the peer broke gossipsub's wire format */
  readonly violation: (peer: PeerId, why: string) => void;
  /** the peer's present penalty in points (0 is best) */
  readonly penalty: (peer: PeerId) => number;
};

/** Peers below this score are not listened to any more; they are disconnected at the next heartbeat. */
const GRAYLIST_SCORE = -80;
/**
 * Faults of behaviour (grafting too early, promising messages and not sending them) that a peer may have on its account
 * before they cost score: a loaded machine commits a few honestly. The account shrinks by a tenth every second, so that
 * the look at each heartbeat does not miss it.
 */
const TOLERATED_BEHAVIOUR_FAULTS = 6;
const BEHAVIOUR_DECAY_PER_SECOND = 0.9;
/** How long the router remembers the account of a peer that is gone, so that coming back does not clear it. */
const SCORE_RETENTION_MS = 600_000;
/** Loopback hosts a whole test network: many peers on one address are no sign of one hand there. */
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * The parts of the router that its published interface leaves out and that we cannot do without; looked for when a
 * router is made, so that a release without them fails at once.
 */
type RouterInternals = {
  getScore(peer: string): number;
  peers: Map<string, Libp2pPeerId>;
  pipePeerReadStream(peer: Libp2pPeerId, frames: AsyncIterable<{ subarray(): Uint8Array }>): Promise<void>;
};

function internalsOf(router: GossipSub): RouterInternals {
  const internals = router as unknown as Partial<RouterInternals>;
  const { getScore, peers, pipePeerReadStream } = internals;
  if (typeof getScore !== "function" || typeof pipePeerReadStream !== "function" || !(peers instanceof Map)) {
    throw new Error("this release of @libp2p/gossipsub is not the one that this package was written for");
  }
  return internals as RouterInternals;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Every topic has a validator: those that nobody subscribed to here get one that ignores, so that a peer cannot have
 * us keep and pass on what we did not ask for. (The router's allowedTopics would also forget which peers are subscribed
 * to a topic that we publish to, or come to subscribe to, later.)
 */
class TopicValidators extends Map<string, TopicValidatorFn> {
  override get(topic: string): TopicValidatorFn {
    return super.get(topic) ?? (() => TopicValidatorResult.Ignore);
  }
}

/** Blames a peer for frames that break the wire format; the router would only drop them. */
async function* watchFrames(
  peer: PeerId,
  frames: AsyncIterable<{ subarray(): Uint8Array }>,
  violation: GossipCallbacks["violation"],
): AsyncGenerator<{ subarray(): Uint8Array }> {
  try {
    for await (const frame of frames) {
      const bytes = frame.subarray();
      checkGossipFrame(bytes);
      yield { subarray: () => bytes };
    }
  } catch (cause) {
    if (isViolation(cause)) violation(peer, cause.message);
    throw cause;
  }
}

const LENGTH_ERRORS: readonly string[] = [
  "InvalidMessageLengthError",
  "InvalidDataLengthError",
  "InvalidDataLengthLengthError",
];

function isViolation(cause: unknown): cause is Error {
  return cause instanceof ProtocolViolation || (cause instanceof Error && LENGTH_ERRORS.includes(cause.name));
}

/** The libp2p service; `graylisted` names the peers that the router has stopped listening to. */
export type GossipService = GossipSub & { graylisted(): Libp2pPeerId[] };

/** Makes the service for libp2p's `services`. */
export function gossipService(callbacks: GossipCallbacks): (components: GossipSubComponents) => GossipService {
  const create = gossipsub({
    globalSignaturePolicy: StrictNoSign,
    fallbackToFloodsub: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    emitSelf: false,
    msgIdFn: (message) => gossipMessageId(message.topic, message.data),
    fastMsgIdFn: (message) => Buffer.from(gossipMessageId(message.topic, message.data ?? NO_BYTES)).toString("latin1"),
    msgIdToStrFn: (id) => Buffer.from(id).toString("latin1"),
    maxInboundDataLength: MAX_GOSSIP_FRAME_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_QUEUED_BYTES,
    scoreThresholds: { graylistThreshold: GRAYLIST_SCORE },
    scoreParams: {
      appSpecificScore: (peer) => -callbacks.penalty(peer as PeerId),
      appSpecificWeight: 1,
      IPColocationFactorWhitelist: new Set(LOOPBACK),
      behaviourPenaltyThreshold: TOLERATED_BEHAVIOUR_FAULTS,
      behaviourPenaltyDecay: BEHAVIOUR_DECAY_PER_SECOND,
      retainScore: SCORE_RETENTION_MS,
    },
  });
  return (components) => {
    const router = create(components);
    const internals = internalsOf(router);
    const pipeRead = internals.pipePeerReadStream.bind(router);
    internals.pipePeerReadStream = (peer, frames) =>
      pipeRead(peer, watchFrames(peer.toString() as PeerId, frames, callbacks.violation));
    router.topicValidators = new TopicValidators();
    const graylisted = (): Libp2pPeerId[] =>
      [...internals.peers.values()].filter((peer) => internals.getScore(peer.toString()) < GRAYLIST_SCORE);
    return Object.assign(router, { graylisted });
  };
}

/** The router's validator for a topic that we are subscribed to. */
export function topicValidator(topic: string, callbacks: Pick<GossipCallbacks, "judge">): TopicValidatorFn {
  return async (from: Libp2pPeerId, message: Message) => {
    const { verdict } = await callbacks.judge(topic, from.toString() as PeerId, message.data);
    if (verdict === "accept") return TopicValidatorResult.Accept;
    return verdict === "ignore" ? TopicValidatorResult.Ignore : TopicValidatorResult.Reject;
  };
}
