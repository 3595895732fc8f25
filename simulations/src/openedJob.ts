/** What a node's computations show of the jobs that were sealed for it. */
import { decodeRequest, type Job, SIZE_CLASSES, unpadded } from "@mvm/protocol";

/** The job that a computation has opened; null where it did something else. */
export function openedJob(made: unknown): Job | null {
  const { content } = made as { readonly content?: unknown };
  if (!(content instanceof Uint8Array) || !SIZE_CLASSES.includes(content.length)) return null;
  return decodeRequest("job", unpadded(content)).body;
}
