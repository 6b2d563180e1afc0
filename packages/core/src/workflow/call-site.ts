/**
 * The first frame of a stack that lies outside this package, as `file:line:column`; null if there is none. The stack
 * must have been captured inside this package.
 */
export function callSiteOf(stack: string | undefined): string | null {
  const frames = (stack ?? '')
    .split('\n')
    .slice(1)
    .map(locationOf)
    .filter((location) => location !== null);
  const [own] = frames;
  if (own === undefined) return null;
  const ownRoot = rootOf(own);
  return frames.find((location) => rootOf(location) !== ownRoot) ?? null;
}

/** A call site without its line: where a hot reload would find the definition again. */
export function fileOf(callSite: string): string {
  return callSite.replace(/(:\d+){1,2}$/, '');
}

/** Whether a definition is in the output of a bundler, as far as its call site tells: in a file that nobody wrote, or in that of this package. */
export function isBundled(callSite: string): boolean {
  return callSite === unknownCallSite || /[\\/]\.next[\\/]|webpack|turbopack/.test(fileOf(callSite));
}

/** Where this package and what calls it are in one file, the stack does not tell where that is. */
export const unknownCallSite = 'unknown';

const locationPattern = /(?:^|\()((?:file:\/\/|\/|[A-Za-z]:\\|webpack|node:|\.)[^()]*:\d+:\d+)\)?$/;

function locationOf(line: string): string | null {
  const location = locationPattern.exec(line.trim().replace(/^at (?:async )?/, ''))?.[1] ?? null;
  return location === null || location.startsWith('node:') ? null : location;
}

/** The package that a file belongs to, as far as its path tells; else the file itself, as in a bundle. */
function rootOf(location: string): string {
  const file = fileOf(location).replace(/^file:\/\//, '');
  const match = /^(.*[\\/](?:packages|@perdure)[\\/]core[\\/](?:src|dist)[\\/])/.exec(file);
  return match?.[1] ?? file;
}
