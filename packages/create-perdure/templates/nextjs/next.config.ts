import type { NextConfig } from 'next';

const config: NextConfig = {
  // The embedded Postgres reads files that lie beside it. With a Postgres server of your own you need none of this.
  serverExternalPackages: ['@electric-sql/pglite'],
};

export default config;
