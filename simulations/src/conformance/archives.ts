/** The public conformance data that lie beside the repository: JSON files, loose or in archives. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Where the data are looked for; design page 90 keeps them out of the repository. */
const CONFORMANCE_FOLDER = new URL("../../../../shared/conformance/", import.meta.url).pathname;

const TAR_BLOCK = 512;
const TAR_DIRECTORY = "5";

/** Files of a tar archive: name and contents. */
function* filesOf(tar: Uint8Array): Generator<readonly [string, Uint8Array]> {
  const text = new TextDecoder();
  const field = (at: number, size: number): string => text.decode(tar.subarray(at, at + size)).replace(/\0.*$/s, "");
  for (let at = 0; at + TAR_BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, 12), 8);
    const name = field(at + 345, 155) + field(at, 100);
    const start = at + TAR_BLOCK;
    if (field(at + 156, 1) !== TAR_DIRECTORY) yield [name, tar.subarray(start, start + size)];
    at = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

/** Whether the folder is there and why not. */
export function whyAbsent(folder = CONFORMANCE_FOLDER): string | null {
  if (!existsSync(folder)) return "the folder ../shared/conformance is not there";
  const isThere = readdirSync(folder, { recursive: true }).some((name) => /\.(json|tar\.gz)$/.test(String(name)));
  return isThere ? null : "the folder ../shared/conformance has no .json and no .tar.gz file";
}

/** Every JSON file of the folder and of its archives, by name, in the order of the names; parsed as they are asked for. */
export function* jsonFiles(folder = CONFORMANCE_FOLDER): Generator<readonly [string, () => unknown]> {
  const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  for (const entry of readdirSync(folder, { recursive: true }).map(String).sort()) {
    if (entry.endsWith(".json")) yield [entry, () => parse(readFileSync(folder + entry))];
    if (!entry.endsWith(".tar.gz")) continue;
    for (const [file, bytes] of filesOf(gunzipSync(readFileSync(folder + entry))))
      if (file.endsWith(".json")) yield [file, () => parse(bytes)];
  }
}
