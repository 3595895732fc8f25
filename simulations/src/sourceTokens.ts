/** Tokens of TypeScript source, as far as the checks of its imports and names need them: comments are gone. */

export type Token = {
  readonly kind: "name" | "text" | "sign";
  /** the name, the text without its quotes, or one character */
  readonly value: string;
  readonly line: number;
};

type Rule = { readonly kind: Token["kind"] | "skip"; readonly pattern: RegExp };

const SKIPPED: Rule = { kind: "skip", pattern: /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y };
const NAME: Rule = { kind: "name", pattern: /#?[\p{L}$_][\p{L}\p{N}$_]*/uy };
const NUMBER: Rule = { kind: "sign", pattern: /\d[\d\w.]*/y };
const QUOTED: Rule = { kind: "text", pattern: /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'/y };
const REGULAR: Rule = { kind: "skip", pattern: /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y };

const RULES: readonly Rule[] = [SKIPPED, NAME, NUMBER, QUOTED];
const BEFORE_REGULAR = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "void",
  "yield",
  "await",
  "throw",
  "new",
  "else",
]);

/** A slash after a value divides; anywhere else it begins a regular expression. */
function maybeRegular(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "name") return BEFORE_REGULAR.has(previous.value);
  return previous.kind === "sign" && !/^[)\]}\d]/.test(previous.value);
}

/** End of the template's piece of text that begins at `from`: its backquote, or the "${" of a value within. */
function endOfTemplatePiece(source: string, from: number): number {
  let at = from;
  while (at < source.length && source[at] !== "`" && !source.startsWith("${", at)) at += source[at] === "\\" ? 2 : 1;
  return at;
}

/** Cuts source into tokens; the pieces of text of a template literal are text tokens. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  /** for each template that is open: how many braces its value has open */
  const templates: number[] = [];
  let at = 0;
  let line = 1;
  const take = (kind: Rule["kind"], end: number, value: string): void => {
    if (kind !== "skip") tokens.push({ kind, value, line });
    line += source.slice(at, end).split("\n").length - 1;
    at = end;
  };
  const takePiece = (): void => {
    const end = endOfTemplatePiece(source, at + 1);
    const isLast = source[end] !== "$";
    take("text", isLast ? end + 1 : end + 2, source.slice(at + 1, end));
    if (isLast) return;
    templates.push(0);
    tokens.push({ kind: "sign", value: "$", line });
  };
  while (at < source.length) {
    const rules = maybeRegular(tokens.at(-1)) ? [...RULES, REGULAR] : RULES;
    const rule = rules.find(({ pattern }) => {
      pattern.lastIndex = at;
      return pattern.test(source);
    });
    const character = source[at]!;
    const open = templates.at(-1);
    if (rule !== undefined) {
      const end = rule.pattern.lastIndex;
      const taken = source.slice(at, end);
      take(rule.kind, end, rule.kind === "text" ? taken.slice(1, -1) : taken);
    } else if (character === "`") takePiece();
    else if (character === "}" && open === 0) {
      templates.pop();
      takePiece();
    } else {
      if (open !== undefined && character === "{") templates[templates.length - 1] = open + 1;
      if (open !== undefined && character === "}") templates[templates.length - 1] = open - 1;
      take("sign", at + 1, character);
    }
  }
  return tokens;
}

/** What a source file imports or re-exports, types too; null for a specifier that is computed. */
export type Import = { readonly specifier: string | null; readonly line: number };

/** Index of the text after the next `from` of a declaration that begins at `start`, or -1 where there is none. */
function fromText(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let i = start; i < tokens.length; i++) {
    const { kind, value } = tokens[i]!;
    if (kind === "sign" && value === "{") depth++;
    if (kind === "sign" && value === "}") depth--;
    if (kind === "sign" && (value === ";" || value === "=")) return -1;
    if (depth === 0 && kind === "name" && value === "from" && tokens[i + 1]?.kind === "text") return i + 1;
  }
  return -1;
}

const isSign = (token: Token | undefined, value: string): boolean => token?.kind === "sign" && token.value === value;
const isName = (token: Token | undefined, value: string): boolean => token?.kind === "name" && token.value === value;

/** Position of the text that an import or export at `i` names, null for a computed one, -1 where nothing is imported. */
function specifierAt(tokens: readonly Token[], i: number): number | null {
  const token = tokens[i]!;
  if (token.kind !== "name" || isSign(tokens[i - 1], ".")) return -1;
  const next = tokens[i + 1];
  if (token.value === "import" || token.value === "require") {
    if (isSign(next, "(")) return tokens[i + 2]?.kind === "text" && !isSign(tokens[i + 3], "$") ? i + 2 : null;
    if (token.value === "require" || isSign(next, ".") || isSign(next, ":")) return -1;
    return next?.kind === "text" ? i + 1 : fromText(tokens, i + 1);
  }
  if (token.value !== "export") return -1;
  const after = isName(next, "type") ? tokens[i + 2] : next;
  if (isSign(after, "*")) return fromText(tokens, i + 1);
  if (!isSign(after, "{")) return -1;
  const close = tokens.findIndex((candidate, at) => at > i && isSign(candidate, "}"));
  return isName(tokens[close + 1], "from") ? close + 2 : -1;
}

/** Every import of a source: declarations, re-exports, `import()` of values and types, `require()`. */
export function importsOf(tokens: readonly Token[]): readonly Import[] {
  const imports: Import[] = [];
  tokens.forEach(({ line }, i) => {
    const at = specifierAt(tokens, i);
    if (at === null) imports.push({ specifier: null, line });
    else if (at >= 0) imports.push({ specifier: tokens[at]!.value, line });
  });
  return imports;
}
