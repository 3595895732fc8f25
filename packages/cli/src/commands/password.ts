/** Where the password of the operator's keys comes from: a file, or the terminal. */
import type { Password, PasswordSource } from "@mvm/node/operator";
import { Option } from "commander";
import { askHidden } from "../askHidden.ts";

/** The option of every command that needs keys. */
export const passwordOption = (): Option =>
  new Option("--password-file <file>", "file with the password of the keys").env("MVM_PASSWORD_FILE");

/** The password in a file; without one, what the terminal is asked for, twice where it is new. */
export function passwordSource(passwordFile: string | undefined): PasswordSource {
  return async (isNew) => {
    const node = await import("@mvm/node/operator");
    if (passwordFile !== undefined) return node.readPasswordFile(passwordFile);
    const terminal = { input: process.stdin, output: process.stderr };
    const ask = async (question: string): Promise<Password> => {
      const answer = await askHidden(terminal, question);
      if (answer === null) throw new node.ConfigError("no-password", "no password was given");
      return node.toPassword(answer);
    };
    if (!process.stdin.isTTY)
      throw new node.ConfigError(
        "no-password",
        "the keys need a password, and there is no terminal to ask for it: give --password-file FILE, or set MVM_PASSWORD_FILE",
      );
    if (!isNew) return ask("Password of the keys: ");
    const password = await ask("New password for the keys: ");
    if ((await ask("The same once more: ")) !== password)
      throw new node.ConfigError("no-password", "the two passwords differ: try again");
    return password;
  };
}
