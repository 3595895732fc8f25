/** The data of batches as L1 shows them, and where L1 has dropped a blob, as an archive does. */
import { type BatchAppendedEvent, type FollowErrorEvent, L1Error, type L1Transport, readBlob } from "@mvm/l1";
import { BLOB_DATA_BYTES, blobRange, fromHex, type Hash } from "@mvm/protocol";
import { toBlob } from "@mvm/protocol/blobs";
import { ConfigError } from "./config.ts";
import { kzgOf } from "./kzg.ts";
import { type Batch, RebuildError } from "./rebuild.ts";

/** Milliseconds for an answer of the archive: a gateway asks host after host. */
const ARCHIVE_TIMEOUT_MS = 30_000;
/** Characters of the archive's answer: a blob's data in hexadecimal, and what stands around them. */
const MAX_ANSWER_CHARACTERS = 2 * BLOB_DATA_BYTES + 1_024;

/** Why L1 does not show a batch's data. */
export type BatchDataError = FollowErrorEvent & { readonly code: "batch-data-unavailable" };
/** A batch as L1 told of it. */
export type PostedData = { readonly event: BatchAppendedEvent; readonly fault: BatchDataError | undefined };

/** Whether L1 shows the blob that a batch is in, and an element of it is no 31 bytes of data: the batch is wrong. */
export const isMalformed = ({ fault }: Pick<PostedData, "fault">): boolean => fault?.reason === "malformed-blob";

/** A blob's data from an archive, checked against its hash. Throws RebuildError data-unavailable. */
async function archivedBlob(archiveUrl: string, blobHash: Hash): Promise<Uint8Array> {
  const fail = (why: string, cause?: unknown): RebuildError =>
    new RebuildError("data-unavailable", `${archiveUrl} does not give the blob ${blobHash}: ${why}`, cause);
  let result: unknown;
  try {
    const response = await fetch(archiveUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "mvm_getBlob", params: [blobHash] }),
      signal: AbortSignal.timeout(ARCHIVE_TIMEOUT_MS),
    });
    const text = await response.text();
    if (text.length > MAX_ANSWER_CHARACTERS) throw new RangeError("an answer longer than any blob");
    result = (JSON.parse(text) as { result?: unknown }).result;
  } catch (cause) {
    throw fail("no answer that can be read", cause);
  }
  if (typeof result !== "string" || result.length !== 2 + 2 * BLOB_DATA_BYTES) throw fail("it has none");
  const data = fromHex(result);
  if ((await kzgOf("blob").versionedHash(data)) !== blobHash) throw fail("it shows another one");
  return data;
}

/** The data of batches that L1 does not show, each blob asked for once. */
export class Archive {
  readonly #url: string | undefined;
  #last: { readonly blobHash: Hash; readonly data: Uint8Array } | undefined;

  /**
   * @param url the DAC's URL at a gateway; undefined: there is none
   * @throws ConfigError for what is no HTTP URL
   */
  constructor(url: string | undefined) {
    if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
      throw new ConfigError("invalid", `${url} is no HTTP URL of an archive`);
    this.#url = url;
  }

  /**
   * A batch with its data.
   * @param postedAt when L1 took it, seconds
   * @throws RebuildError data-unavailable, or wrong-batch where its blob holds no data
   */
  async batch(
    { event, fault }: PostedData,
    { label, postedAt }: { readonly label: string; readonly postedAt: bigint },
  ): Promise<Batch> {
    const { header, data } = event;
    if (data !== undefined) return { header, data, postedAt };
    const reason = fault?.reason ?? "unknown";
    if (isMalformed({ fault }))
      throw new RebuildError("wrong-batch", `batch ${header.index} of ${label} is in a blob that is no data`);
    const range = blobRange(header);
    if (this.#url === undefined || range === null || reason !== "blob-unavailable")
      throw new RebuildError(
        "data-unavailable",
        `the data of batch ${header.index} of ${label} cannot be read from L1: ${reason}`,
      );
    const content = await this.#blob(this.#url, header.blobHash);
    return { header, data: content.slice(range.offset, range.offset + range.length), postedAt };
  }

  /**
   * The blob that a batch is in, all 131,072 bytes, from the L1 node where that shows it. An archive has none of which an element is no
   * data.
   * @throws RebuildError data-unavailable; L1Error but blob-unavailable
   */
  async blob({ event }: Pick<PostedData, "event">, transport: L1Transport): Promise<Uint8Array> {
    const { header, transactionHash } = event;
    const { blobHash } = header;
    try {
      return await readBlob({ transport, transactionHash }, blobHash);
    } catch (error) {
      if (!(error instanceof L1Error) || error.code !== "blob-unavailable") throw error;
      if (this.#url === undefined) throw new RebuildError("data-unavailable", error.message, error);
      return toBlob(await this.#blob(this.#url, blobHash));
    }
  }

  async #blob(url: string, blobHash: Hash): Promise<Uint8Array> {
    if (this.#last?.blobHash !== blobHash) this.#last = { blobHash, data: await archivedBlob(url, blobHash) };
    return this.#last.data;
  }
}
