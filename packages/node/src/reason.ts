/** Causes that are told. */
const MAX_CAUSES = 4;

/** What went wrong and why, in words, for logs and for events that carry a reason. */
export function reasonOf(error: unknown): string {
  const words: string[] = [];
  for (let each = error, told = 0; each !== undefined && told < MAX_CAUSES; told++) {
    const message = each instanceof Error ? each.message : String(each);
    if (!words.some((known) => known.includes(message))) words.push(message);
    each = each instanceof Error ? each.cause : undefined;
  }
  return words.join(": ");
}
