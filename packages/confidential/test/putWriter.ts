/** The program that the crash test kills: puts sealed objects without end, saying the CID of each once it is put. `node putWriter.ts DIRECTORY FIRST` */
import { generateKeyPair, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { ConfidentialSwarm } from "../src/index.ts";
import { sealedObject } from "./sealedObjects.ts";

const [directory, first] = process.argv.slice(2);
const privateKey = privateKeyToProtobuf(await generateKeyPair("Ed25519"));
const swarm = await ConfidentialSwarm.start({
  directory: directory!,
  listen: [],
  psk: new Uint8Array(32),
  privateKey,
  allowed: [],
});
process.stdout.write("started\n");
for (let number = Number(first); ; number++) {
  const { cid } = await swarm.put(sealedObject(number));
  process.stdout.write(`${number} ${cid}\n`);
}
