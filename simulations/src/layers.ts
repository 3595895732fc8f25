/**
 * Who may import what (design page 00, "Where things live"), and what pure packages may not touch. Functions over the
 * texts of files: a test applies them to the packages, and to planted violations of each kind.
 */
import { builtinModules } from "node:module";
import { importsOf, type Token, tokensOf } from "./sourceTokens.ts";

/** A source file of a package. */
export type SourceFile = {
  /** name of the package's folder: "roles" is @mvm/roles */
  readonly package: string;
  /** path within the package, with slashes: "src/index.ts" */
  readonly path: string;
  readonly text: string;
};

/** What a package.json says of a package. */
export type Manifest = { readonly dependencies: readonly string[] };

export type Violation = {
  readonly kind:
    | "layer"
    | "unknown-package"
    | "undeclared-dependency"
    | "outside-package"
    | "computed-import"
    | "deep-import"
    | "impure-name"
    | "impure-import";
  readonly file: string;
  readonly line: number;
  /** what is imported or named */
  readonly what: string;
};

const ADAPTERS_AND_ROLES = ["confidential", "evm", "l1", "network", "protocol", "roles", "rpc", "state"] as const;

/** Packages that a package may import; what is not listed may not exist. */
export const MAY_IMPORT: { readonly [name: string]: readonly string[] } = {
  protocol: [],
  roles: ["protocol"],
  evm: ["protocol"],
  state: ["protocol"],
  network: ["protocol"],
  l1: ["protocol"],
  confidential: ["protocol", "network", "state"],
  rpc: ["protocol", "evm", "state"],
  node: ADAPTERS_AND_ROLES,
  cli: ["protocol", "node"],
  explorer: ["protocol"],
  "service-sdk": ["protocol"],
};

/** Packages whose behaviour follows from their arguments alone: time, chance and input come in as events. */
export const PURE_PACKAGES: readonly string[] = ["protocol", "roles"];

/** Parts of packages that have a path of their own, because not every process shall load them. */
const OWN_PATHS: ReadonlySet<string> = new Set([
  "@mvm/protocol/blobs",
  "@mvm/protocol/threshold",
  "@mvm/network/peerKey",
  "@mvm/node/operator",
]);

const SCOPE = "@mvm/";
const BUILTINS = new Set(builtinModules);
const IMPURE_NAMES = new Set([
  "Date",
  "Temporal",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "process",
  "fetch",
  "performance",
  "console",
  "eval",
  "global",
  "globalThis",
  "crypto",
]);

const isBuiltin = (specifier: string): boolean => specifier.startsWith("node:") || BUILTINS.has(specifier);

/** Name of the npm package that a specifier is of: its first part, two when it has a scope. */
const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

/** True when a relative specifier leads out of the package's src: to its tests or to another package. */
function leavesSource(path: string, specifier: string): boolean {
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === ".." && parts.pop() === undefined) return true;
    if (part !== ".." && part !== ".") parts.push(part);
  }
  return parts[0] !== "src";
}

/** What is wrong with one import, or null. */
function judgeImport(file: SourceFile, manifest: Manifest, specifier: string): Violation["kind"] | null {
  if (specifier.startsWith(".")) return leavesSource(file.path, specifier) ? "outside-package" : null;
  if (specifier.startsWith("/") || /^(file|data|https?):/.test(specifier)) return "outside-package";
  if (isBuiltin(specifier)) return PURE_PACKAGES.includes(file.package) ? "impure-import" : null;
  const name = packageOf(specifier);
  if (name.startsWith(SCOPE)) {
    if (name !== specifier && !OWN_PATHS.has(specifier)) return "deep-import";
    if (!(MAY_IMPORT[file.package] ?? []).includes(name.slice(SCOPE.length))) return "layer";
  }
  return manifest.dependencies.includes(name) ? null : "undeclared-dependency";
}

/** Imports that the layers do not allow, and dependencies that the package does not declare. */
export function importViolations(file: SourceFile, manifest: Manifest): readonly Violation[] {
  const name = `${file.package}/${file.path}`;
  if (!(file.package in MAY_IMPORT)) return [{ kind: "unknown-package", file: name, line: 1, what: file.package }];
  return importsOf(tokensOf(file.text)).flatMap(({ specifier, line }): Violation[] => {
    if (specifier === null) return [{ kind: "computed-import", file: name, line, what: "import()" }];
    const kind = judgeImport(file, manifest, specifier);
    return kind === null ? [] : [{ kind, file: name, line, what: specifier }];
  });
}

/** True for a name that stands for the global of that name: no property of something, no key, no parameter's label. */
function isGlobalUse(tokens: readonly Token[], at: number): boolean {
  const [previous, next] = [tokens[at - 1], tokens[at + 1]];
  if (previous?.kind === "sign" && previous.value === "." && tokens[at - 2]?.value !== ".") return false;
  const isKey =
    next?.kind === "sign" && next.value === ":" && previous?.kind === "sign" && "{,".includes(previous.value);
  return !isKey;
}

/** Members of globals that are else harmless. */
const IMPURE_MEMBERS: { readonly [global: string]: string } = {
  Math: "random",
  AbortSignal: "timeout",
  Atomics: "wait",
};

/** What of the global at `at` is impure: the forbidden member, or all of it where no single member is named. */
function impureMember(tokens: readonly Token[], at: number): string | null {
  const global = tokens[at]!.value;
  const forbidden = Object.hasOwn(IMPURE_MEMBERS, global) ? IMPURE_MEMBERS[global] : undefined;
  if (forbidden === undefined) return null;
  const after = tokens.slice(at + 1, at + 5).filter(({ value }) => value !== "?" && value !== ".");
  const member = after[0]?.value === "[" ? after[1] : after[0];
  if (member?.value === forbidden) return `${global}.${forbidden}`;
  const takesWhole = global === "Math" && !"?.[".includes(tokens[at + 1]?.value ?? ";");
  return takesWhole ? global : null;
}

/** Uses of time, chance, timers, the process, the network or the console in a file of a pure package. */
export function purityViolations(file: SourceFile): readonly Violation[] {
  if (!PURE_PACKAGES.includes(file.package)) return [];
  const tokens = tokensOf(file.text);
  return tokens.flatMap(({ kind, value, line }, at): Violation[] => {
    if (kind !== "name" || !isGlobalUse(tokens, at)) return [];
    const what = IMPURE_NAMES.has(value) ? value : impureMember(tokens, at);
    return what === null ? [] : [{ kind: "impure-name", file: `${file.package}/${file.path}`, line, what }];
  });
}
