import { buildPackages } from './packages.js';

/** Vitest calls this once, so that no test builds what another one is reading. */
export default async function setup(): Promise<void> {
  await buildPackages(
    'next',
    'otel',
    'example-document-indexing',
    'example-express',
    'example-nestjs',
    'example-document-rag-nestjs',
    'example-document-rag-nextjs',
  );
}
