import { defineConfig } from 'tsdown';

/** A program and no library: nobody imports it, so it has one format and no declarations. */
export default defineConfig({
  entry: ['src/bin.ts'],
  format: 'esm',
  dts: false,
  sourcemap: true,
  target: 'node20',
  platform: 'node',
  fixedExtension: false,
  failOnWarn: true,
  logLevel: 'warn',
});
