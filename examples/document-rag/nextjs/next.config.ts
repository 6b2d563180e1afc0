import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const config: NextConfig = {
  // Next takes a folder named index for the root.
  rewrites: async () => ({
    beforeFiles: [{ source: '/index', destination: '/documents' }],
    afterFiles: [],
    fallback: [],
  }),
  // In this repository the packages are beside the example; your application does not need it.
  turbopack: { root: fileURLToPath(new URL('../../..', import.meta.url)) },
};

export default config;
