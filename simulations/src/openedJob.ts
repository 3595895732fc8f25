/** What a node's computations show of what was sealed for it. */
import { decodeRequest, HOP_CLASSES, type Job, SIZE_CLASSES, unpadded } from "@mvm/protocol";

/** The padded content that a computation has opened; null where it sealed, for parcels are longer than any class, or did something else. */
export function openedContent(made: unknown): Uint8Array | null {
  const content = made instanceof Uint8Array ? made : (made as { readonly content?: unknown }).content;
  return content instanceof Uint8Array && [...SIZE_CLASSES, ...HOP_CLASSES].includes(content.length) ? content : null;
}

/** The job that a computation has opened, which comes with the keys of its talk; null where it did something else. */
export function openedJob(made: unknown): Job | null {
  const content = made instanceof Uint8Array ? null : openedContent(made);
  return content && SIZE_CLASSES.includes(content.length) ? decodeRequest("job", unpadded(content)).body : null;
}
