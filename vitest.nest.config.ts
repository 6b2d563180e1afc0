import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

const { resolve, test } = base as { readonly resolve: object; readonly test: { readonly expect: object } };
const majors = fileURLToPath(new URL('./integration-tests/nest/majors', import.meta.url));

/**
 * The tests of `@perdure/nestjs` on the other major versions of Nest: `npm run test:nest`. Each is installed in a folder of
 * its own, as versions of Nest cannot be mixed.
 */
export default defineConfig({
  test: {
    projects: ['10', '12'].map((major) =>
      mergeConfig(
        { resolve },
        {
          resolve: {
            alias: [
              {
                find: /^(@nestjs\/.+|rxjs|reflect-metadata)$/,
                replacement: `${majors}/${major}/node_modules/$1`,
              },
            ],
          },
          test: {
            name: `nest ${major}`,
            expect: test.expect,
            include: ['integration-tests/nest/*.test.ts', 'integration-tests/http/conformance.test.ts'],
            // These bring the version of Nest that the repository has.
            exclude: ['integration-tests/nest/{cls,graphql}.test.ts'],
            testNamePattern: /^(?!the conformance list on (?!'?Nest))/,
            globalSetup: ['integration-tests/support/postgres-server.ts', 'integration-tests/support/pglite-data.ts'],
            testTimeout: 30_000,
            hookTimeout: 60_000,
          },
        },
      ),
    ),
  },
});
