/**
 * Two nodes talk and stop, one of them with a request under way and one with a handler that never ends; a third
 * one stops while it starts. The process
 * must then end by itself: nothing here calls exit.
 */
import { createLibp2pNetwork, generatePeerKey, NetworkError, peerIdOf } from "../src/index.ts";

const LIMITS = { maxRequestBytes: 1000, maxResponseBytes: 1000, maxConcurrentPerPeer: 4 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function node(bootstrap: readonly string[]) {
  const privateKey = await generatePeerKey();
  const network = await createLibp2pNetwork({ privateKey, listen: ["/ip4/127.0.0.1/tcp/0"], bootstrap });
  await network.start();
  return network;
}

const server = await node([]);
// a bootstrap peer that is not there keeps being dialled until the node stops
const absent = `/ip4/127.0.0.1/tcp/9/p2p/${peerIdOf(await generatePeerKey())}`;
const client = await node([...server.addresses, absent]);
const heard = Promise.withResolvers<boolean>();
const reached = Promise.withResolvers<void>();
server.handle("/test/echo/1", LIMITS, async (_from, bytes) => bytes);
server.handle("/test/never/1", LIMITS, () => {
  reached.resolve();
  return new Promise(() => {});
});
server.subscribe("/test/topic", () => {
  heard.resolve(true);
  return { verdict: "accept" };
});
await client.dial(server.addresses[0]!);
const subscribed = Promise.withResolvers<void>();
const watch = setInterval(() => {
  if (client.subscribers("/test/topic").length > 0) subscribed.resolve();
}, 10);
await subscribed.promise;
clearInterval(watch);
await client.publish("/test/topic", text("hello"));
const answer = await client.request(server.peerId, "/test/echo/1", text("hello"), { timeoutMs: 10_000 });
const pending = client.request(server.peerId, "/test/never/1", text("hello"), { timeoutMs: 600_000 }).then(
  () => "answered",
  (error: unknown) => (error instanceof NetworkError ? error.code : "another error"),
);
await reached.promise;
const wasHeard = await heard.promise;
await client.stop();
await server.stop();
const hasty = await createLibp2pNetwork({
  privateKey: await generatePeerKey(),
  listen: ["/ip4/127.0.0.1/tcp/0"],
  bootstrap: server.addresses,
});
const started = hasty.start().then(
  () => "started",
  (error: unknown) => (error instanceof NetworkError ? error.code : "another error"),
);
await hasty.stop();
console.log(
  JSON.stringify({ answered: answer.length === 5, heard: wasHeard, failed: await pending, started: await started }),
);
