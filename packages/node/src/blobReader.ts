/** Blobs from L1: from an L1 node, as anvil shows them, or from a node of the beacon chain. */
import { type BlobSource, type L1Transport, readBlob } from "@mvm/l1";
import type { Hash } from "@mvm/protocol";
import { BlobError, blobCommitment, fromBlob, versionedHash } from "@mvm/protocol/blobs";
import type { NodeConfig } from "./config.ts";
import type { Kzg, Ports } from "./ports.ts";

export type BlobReaderOptions = {
  readonly transport: L1Transport;
  readonly kzg: Kzg;
  readonly beacon: NodeConfig["beacon"];
};

/** The hash of a blob: off the event loop, but for bytes that are no data of ours. */
async function hashBy(kzg: Kzg, blob: Uint8Array): Promise<Hash> {
  try {
    return await kzg.versionedHash(fromBlob(blob));
  } catch (error) {
    if (error instanceof BlobError) return versionedHash(await blobCommitment(blob));
    throw error;
  }
}

/** Reads the data of blobs. Rejects as readBlob, and with BlobError oversized-element for a blob that no data are in. */
export function blobReader({ transport, kzg, beacon }: BlobReaderOptions): Ports["blobOnL1"] {
  return async ({ blobHash, transactionHash, timestamp }, signal) => {
    const source: BlobSource =
      beacon === undefined
        ? { transport, transactionHash }
        : {
            beaconUrl: beacon.url,
            blockId: String((timestamp - BigInt(beacon.genesisTime)) / BigInt(beacon.slotSeconds)),
          };
    return fromBlob(await readBlob(source, blobHash, { signal, hashOf: (blob) => hashBy(kzg, blob) }));
  };
}
