/** Passes bytes through one connection that pnet protects, both ends in this process: `node pnetTraffic.ts grown|asItIs MEBIBYTES`. Prints how many came through. */
import type { MultiaddrConnection } from "@libp2p/interface";
import { preSharedKey } from "@libp2p/pnet";
import { multiaddrConnectionPair } from "@libp2p/utils";
import { growPnetMemory } from "../src/pnetMemory.ts";

const [memory, mebibytes] = process.argv.slice(2);
if (memory === "grown") growPnetMemory();
const key = new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${"7a".repeat(32)}`);
const protector = preSharedKey({ psk: key })();
const pair = multiaddrConnectionPair();
const [sender, receiver] = (await Promise.all(pair.map((end) => protector.protect(end)))) as MultiaddrConnection[];
const piece = new Uint8Array(2 ** 20).fill(1);
let received = 0;
let wake = (): void => {};
receiver!.addEventListener("message", ({ data }) => {
  for (const bytes of data instanceof Uint8Array ? [data] : data) {
    if (bytes.some((byte) => byte !== 1)) throw new Error("other bytes came");
    received += bytes.length;
  }
  wake();
});
const report = (): void => {
  process.stdout.write(`${received / 2 ** 20}\n`);
  process.exit();
};
for (const end of [sender!, receiver!]) end.addEventListener("close", report);
process.on("uncaughtException", report);
for (let sent = 0; sent < Number(mebibytes) * 2 ** 20; ) {
  sender!.send(piece);
  sent += piece.length;
  while (received < sent) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
report();
