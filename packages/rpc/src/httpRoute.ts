/** Which DAC a request is for: by path `/dac/<label>`, else by host `<label>.<domain>` (design page 70). */

export type Route =
  | { readonly kind: "health" }
  | { readonly kind: "dac"; readonly label: string }
  | { readonly kind: "unknown" };

/** A label of DNS: at most 63 letters, digits and inner hyphens. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DAC_PATH = /^\/dac\/([^/]+)\/?$/;
const UNKNOWN: Route = { kind: "unknown" };

function ofLabel(label: string): Route {
  return LABEL.test(label) ? { kind: "dac", label } : UNKNOWN;
}

function labelOfHost(host: string, domain: string): string | null {
  const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : null;
}

/**
 * Route of a request.
 * @param target the request's target as sent, with or without a query
 * @param host the Host header, empty where there is none
 * @param domain lower-case, such as "localhost"
 */
export function routeOf(target: string, host: string, domain: string): Route {
  const path = target.split("?", 1)[0]!;
  if (path === "/health") return { kind: "health" };
  const named = DAC_PATH.exec(path);
  if (named !== null) return ofLabel(named[1]!.toLowerCase());
  if (path !== "/" && path !== "") return UNKNOWN;
  const label = labelOfHost(host, domain);
  return label === null ? UNKNOWN : ofLabel(label);
}
