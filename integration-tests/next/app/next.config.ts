import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const config: NextConfig = {
  turbopack: { root },
  outputFileTracingRoot: root,
  // The types are checked with those of the repository.
  typescript: { ignoreBuildErrors: true },
  ...(process.env['NEXT_CACHE_COMPONENTS'] === undefined ? {} : { cacheComponents: true }),
  ...(process.env['NEXT_EXTERNAL'] === undefined ? {} : { serverExternalPackages: ['@perdure/core', '@perdure/next'] }),
};

export default config;
