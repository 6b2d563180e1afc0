import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts'],
  target: 'node20',
  platform: 'node',
  fixedExtension: false,
  dts: false,
  failOnWarn: true,
  logLevel: 'warn',
});
