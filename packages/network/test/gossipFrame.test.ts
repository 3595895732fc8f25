import { RPC } from "@libp2p/gossipsub/message";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolViolation } from "../src/frames.ts";
import { checkGossipFrame } from "../src/gossipFrame.ts";
import { gossipMessageId } from "../src/gossipMessageId.ts";

const bytes = fc.uint8Array({ maxLength: 200 });
const topic = fc.string({ minLength: 1, maxLength: 30 });
const rpc = fc.record({
  subscriptions: fc.array(fc.record({ subscribe: fc.boolean(), topic }), { maxLength: 4 }),
  messages: fc.array(fc.record({ data: bytes, topic }), { maxLength: 4 }),
  control: fc.record({
    ihave: fc.array(fc.record({ topicID: topic, messageIDs: fc.array(bytes, { maxLength: 3 }) }), { maxLength: 3 }),
    iwant: fc.array(fc.record({ messageIDs: fc.array(bytes, { maxLength: 3 }) }), { maxLength: 3 }),
    graft: fc.array(fc.record({ topicID: topic }), { maxLength: 3 }),
    prune: fc.array(
      fc.record({ topicID: topic, peers: fc.constant<RPC.PeerInfo[]>([]), backoff: fc.nat({ max: 1000 }) }),
      {
        maxLength: 3,
      },
    ),
    idontwant: fc.array(fc.record({ messageIDs: fc.array(bytes, { maxLength: 3 }) }), { maxLength: 3 }),
  }),
});

describe("checkGossipFrame", () => {
  test("lets through everything that the router encodes without signatures", () => {
    fc.assert(fc.property(rpc, (value) => checkGossipFrame(RPC.encode(value))));
  });

  test("refuses every message with a field of signed ones", () => {
    fc.assert(
      fc.property(fc.constantFrom("from", "seqno", "signature", "key"), bytes, topic, (field, data, name) => {
        const message = { data, topic: name, [field]: Uint8Array.of(1) };
        const encoded = RPC.encode({ subscriptions: [], messages: [message] });
        expect(() => checkGossipFrame(encoded)).toThrow(ProtocolViolation);
      }),
    );
  });

  test("refuses a message without a topic", () => {
    // RPC { message { data: "x" } }
    expect(() => checkGossipFrame(Uint8Array.of(0x12, 3, 0x12, 1, 0x78))).toThrow("without a topic");
  });

  test("answers any bytes with a verdict, never with another error or without end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (anything) => {
        try {
          checkGossipFrame(anything);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses a frame that is cut short anywhere within a message", () => {
    const encoded = RPC.encode({ subscriptions: [], messages: [{ data: new Uint8Array(20), topic: "topic" }] });
    for (let size = 1; size < encoded.length; size++) {
      expect(() => checkGossipFrame(encoded.subarray(0, size))).toThrow(ProtocolViolation);
    }
  });
});

test("a message id tells topic and data apart", () => {
  fc.assert(
    fc.property(topic, bytes, topic, bytes, (leftTopic, left, rightTopic, right) => {
      const equal = Buffer.compare(gossipMessageId(leftTopic, left), gossipMessageId(rightTopic, right)) === 0;
      expect(equal).toBe(leftTopic === rightTopic && Buffer.compare(left, right) === 0);
    }),
  );
  expect(gossipMessageId("ab", Uint8Array.of(99))).not.toEqual(gossipMessageId("cd", Uint8Array.of(99)));
  expect(gossipMessageId("ab", Uint8Array.of(99))).not.toEqual(gossipMessageId("a", Uint8Array.of(98, 99)));
});
