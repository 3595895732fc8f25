/** What the commands of this folder share: names out of a list, `--list`, and exit code 2 with the usage for wrong arguments. */

/** The arguments are wrong: the message says how. */
export class UsageError extends Error {}

type Named = { readonly name: string; readonly summary: string };

/** What the one name among the arguments stands for. Throws UsageError. */
export function chosen<T extends Named>(what: string, all: readonly T[], names: readonly string[]): T {
  const [name, ...rest] = names;
  const known = all.map((each) => each.name).join(", ");
  if (name === undefined || rest.length !== 0) throw new UsageError(`name one ${what} of: ${known}`);
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new UsageError(`no ${what} named "${name}"; there are: ${known}`);
  return found;
}

/** Prints what there is to choose from. */
export function printList(all: readonly Named[], json: boolean): void {
  for (const { name, summary } of all) console.log(json ? JSON.stringify({ name, summary }) : `${name}  ${summary}`);
}

function isUsage(error: unknown): error is Error {
  return error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
}

/** Runs a command; arguments that it cannot take end it with what was wrong and how it is used. */
export async function runCommand(usage: string, command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!isUsage(error)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exitCode = 2;
  }
}
