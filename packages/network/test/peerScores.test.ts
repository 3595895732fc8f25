import type { PeerId } from "@mvm/protocol";
import { describe, expect, test } from "vitest";
import { DEFAULT_SCORE_PARAMETERS, PeerScores } from "../src/peerScores.ts";

const peer = (name: string): PeerId => name as PeerId;
const { banMs, halfLifeMs, maxScoredPeers, maxBans } = DEFAULT_SCORE_PARAMETERS;

describe("PeerScores", () => {
  test("two violations within a minute ban, two with a half-life between them do not", () => {
    const scores = new PeerScores(DEFAULT_SCORE_PARAMETERS);
    expect(scores.blame(peer("a"), "protocol-violation", 0)).toBe("counted");
    expect(scores.blame(peer("a"), "protocol-violation", 60_000 / 2)).toBe("banned");
    expect(scores.blame(peer("b"), "protocol-violation", 0)).toBe("counted");
    expect(scores.blame(peer("b"), "protocol-violation", halfLifeMs)).toBe("counted");
  });

  test("a penalty halves in its half-life", () => {
    const scores = new PeerScores(DEFAULT_SCORE_PARAMETERS);
    scores.blame(peer("a"), "invalid-message", 1000);
    expect(scores.penalty(peer("a"), 1000)).toBe(20);
    expect(scores.penalty(peer("a"), 1000 + halfLifeMs)).toBe(10);
  });

  test("a ban lasts its time to the millisecond, and the peer starts anew after it", () => {
    const scores = new PeerScores(DEFAULT_SCORE_PARAMETERS);
    for (let i = 0; i < 2; i++) scores.blame(peer("a"), "protocol-violation", 5);
    expect(scores.isBanned(peer("a"), 5 + banMs - 1)).toBe(true);
    expect(scores.isBanned(peer("a"), 5 + banMs)).toBe(false);
    expect(scores.blame(peer("a"), "protocol-violation", 5 + banMs)).toBe("counted");
  });

  test("memory is bounded: the smallest penalty and the oldest ban make room", () => {
    const scores = new PeerScores({ ...DEFAULT_SCORE_PARAMETERS, maxScoredPeers: 3, maxBans: 2 });
    scores.blame(peer("small"), "unresponsive", 0);
    scores.blame(peer("large"), "protocol-violation", 0);
    scores.blame(peer("middle"), "invalid-message", 0);
    scores.blame(peer("new"), "invalid-message", 0);
    expect(["small", "large", "middle", "new"].map((name) => scores.penalty(peer(name), 0))).toEqual([0, 50, 20, 20]);
    for (const [i, name] of ["first", "second", "third"].entries()) scores.ban(peer(name), i);
    expect(["first", "second", "third"].map((name) => scores.isBanned(peer(name), 10))).toEqual([false, true, true]);
    expect([maxScoredPeers, maxBans]).toEqual([4096, 4096]);
  });
});
