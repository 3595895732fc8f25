/** What went wrong, in words, for logs and for events that carry a reason. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
