import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const config: NextConfig = {
  // The embedded Postgres reads files that lie beside it. With a Postgres server of your own you need none of this.
  serverExternalPackages: ['@electric-sql/pglite'],
  // In this repository the packages are beside the example; your application does not need it.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
};

export default config;
