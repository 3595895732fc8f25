/** Causes that are told. */
const MAX_CAUSES = 4;
/** Characters of a cause that are told: some libraries put whole transactions into their messages. */
const MAX_CAUSE_LENGTH = 512;

/** A cause in words; by ethers without the values that it appends, and whatever an L1 node says without control characters. */
function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { message, shortMessage } = cause as Error & { readonly shortMessage?: unknown };
  return typeof shortMessage === "string" ? shortMessage : message;
}

/** What went wrong and why, in words, for logs and for events that carry a reason. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  for (let each = error, told = 0; each !== undefined && told < MAX_CAUSES; told++) {
    const message = messageOf(each)
      .replaceAll(/\p{Cc}+/gu, " ")
      .slice(0, MAX_CAUSE_LENGTH);
    if (!words.some((known) => known.includes(message))) words.push(message);
    each = each instanceof Error ? each.cause : undefined;
  }
  return words.join(": ");
}
