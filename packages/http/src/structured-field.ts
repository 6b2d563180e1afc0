/**
 * Reads a Structured Field Item of type String (RFC 9651): `"text"`, with `\"` and `\\` inside, parameters after it
 * ignored. Null for anything else.
 */
export function parseStringItem(field: string): string | null {
  const item = /^ *"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"([^]*)$/.exec(field);
  if (item === null) return null;
  const [, escaped = '', rest = ''] = item;
  return areParameters(rest) ? escaped.replaceAll(/\\(["\\])/g, '$1') : null;
}

const bareItem = String.raw`(?:\?[01]|@-?\d{1,15}|-?\d{1,15}(?:\.\d{1,3})?|"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|:[A-Za-z0-9+/=]*:|[A-Za-z*][!#$%&'*+.^_\x60|~0-9A-Za-z:/-]*)`;
const parameters = new RegExp(String.raw`^(?:; *[a-z*][a-z0-9_.*-]*(?:=${bareItem})?)* *$`);

function areParameters(text: string): boolean {
  return parameters.test(text);
}
