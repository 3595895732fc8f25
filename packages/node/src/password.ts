/** The password of an operator's keystores: one form for all of them, and where it comes from. */
import { createReadStream } from "node:fs";
import { ConfigError } from "./config.ts";

/** Normalised, not empty. Made by toPassword. */
export type Password = string & { readonly __brand: "Password" };

/** Gives the password; `isNew` where it is to seal keys from now on, and a slip of the finger would lose them. Rejects with ConfigError. */
export type PasswordSource = (isNew: boolean) => Promise<Password>;

/** Bytes of the longest password file. */
const MAX_FILE_BYTES = 4_096;

/** C0 and C1 control characters, and delete. */
const isControl = (character: string): boolean => {
  const code = character.codePointAt(0)!;
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
};

/**
 * A password as EIP-2335 normalises it: NFKD, without control characters. All keystores get this form, whatever their own standard does,
 * so that one password opens all of them however it was typed. Throws ConfigError no-password where nothing is left.
 */
export function toPassword(text: string): Password {
  const normalised = Array.from(text.normalize("NFKD"))
    .filter((character) => !isControl(character))
    .join("");
  if (normalised === "")
    throw new ConfigError("no-password", "the password is empty: choose one, for the keys are sealed by it");
  return normalised as Password;
}

async function startOf(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/**
 * The password in a file: UTF-8, one line, whose end does not count.
 * @throws ConfigError missing, unreadable, no-password
 */
export async function readPasswordFile(path: string): Promise<Password> {
  const bytes = await startOf(path).catch((cause: Error) => {
    throw new ConfigError("missing", `the password file ${path} cannot be read: ${cause.message}`, cause);
  });
  if (bytes.length > MAX_FILE_BYTES)
    throw new ConfigError("unreadable", `${path} holds no password: it is longer than ${MAX_FILE_BYTES} bytes`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} holds no password: it is not UTF-8`, cause);
  }
  const line = text.replace(/\r?\n$/, "");
  if (line.includes("\n")) throw new ConfigError("unreadable", `${path} holds no password: it has more than one line`);
  if (line === "") throw new ConfigError("no-password", `the password file ${path} is empty: write a password into it`);
  return toPassword(line);
}
