import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { root } from './blocks.js';
import { type ExportedName, exportsOf } from './names.js';

/** Where the names come from that a block uses and does not declare. */
export interface ImportSource {
  readonly specifier: string;
  readonly names: readonly ExportedName[];
  /**
   * `reader`: code of the application that the block is about. `package`: only excerpts, which import nothing themselves, have
   * that imported.
   */
  readonly of: 'reader' | 'package';
}

interface PageSources {
  /** Modules in world/: the application that the reader has, as this page sees it, besides world/shop.ts. */
  readonly world?: string;
  /** What the page is about, besides core. */
  readonly packages?: readonly string[];
  /** Files of the reader's that blocks import. They export what the world has. */
  readonly files?: readonly string[];
}

const nest = { world: 'nestjs', packages: ['@perdure/nestjs', '@nestjs/common'] };
const next = { world: 'nextjs', packages: ['@perdure/next', '@perdure/next/react'] };

const sourcesOf: Readonly<Record<string, PageSources>> = {
  'docs/client.md': { files: ['../worker/checkout.ts'] },
  'docs/express.md': { world: 'express', packages: ['@perdure/express', '@perdure/http'] },
  'docs/logging.md': { world: 'nestjs', files: ['app.module.ts'] },
  'docs/nestjs.md': nest,
  'docs/nextjs.md': next,
  'docs/quickstart/nestjs.md': nest,
  'docs/quickstart/nextjs.md': next,
  'docs/testing.md': { packages: ['@perdure/testing', '@perdure/testing/http'], files: ['workflows.ts'] },
  'docs/versions.md': { files: ['workflows.ts'] },
  'packages/testing/README.md': { files: ['workflows.ts'] },
  'packages/nestjs/README.md': nest,
  'packages/next/README.md': next,
};

/** Tells of pages where names come from. Each module is read once. */
export function newSources(): (page: string) => readonly ImportSource[] {
  const known = new Map<string, ImportSource>();
  const source = (specifier: string, of: ImportSource['of']): ImportSource => {
    const names = known.get(specifier) ?? { specifier, of, names: namesIn(specifier) };
    known.set(specifier, names);
    return names;
  };
  return (page) => [
    ...worldOf(page).map((path) => source(path, 'reader')),
    ...[...(sourcesOf[page]?.packages ?? []), '@perdure/core'].map((specifier) => source(specifier, 'package')),
  ];
}

/** Files that blocks of a page import, with what is in them. */
export function filesFor(page: string): readonly { readonly path: string; readonly code: string }[] {
  const [world] = worldOf(page);
  const code = `export * from '${world}';`;
  return (sourcesOf[page]?.files ?? []).map((path) => ({ path, code }));
}

function worldOf(page: string): readonly string[] {
  const { world } = sourcesOf[page] ?? {};
  return [...(world === undefined ? [] : [world]), 'shop'].map((name) =>
    fileURLToPath(new URL(`world/${name}`, import.meta.url)),
  );
}

function namesIn(specifier: string): readonly ExportedName[] {
  if (specifier.startsWith('/')) return exportsOf(`${specifier}.ts`);
  const [, name, entry = 'index'] = /^@perdure\/(\w+)(?:\/(\w+))?$/.exec(specifier) ?? [];
  if (name !== undefined) return exportsOf(`${root}packages/${name}/src/${entry}.ts`);
  const keys = Object.keys(createRequire(import.meta.url)(specifier) as object);
  return keys.map((key) => ({ name: key, isType: false }));
}
