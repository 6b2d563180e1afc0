import { defineConfig, type UserConfig } from 'tsdown';

const alike = {
  sourcemap: true,
  target: 'node20',
  platform: 'node',
  // "type": "module" makes .js an ES module and .cjs CommonJS, as the exports maps say.
  fixedExtension: false,
  // A warning is a mistake in the package (an undeclared dependency bundled in, say).
  failOnWarn: true,
  logLevel: 'warn',
} satisfies UserConfig;

/** How a published program is built: nobody imports it, so it has one format and no declarations. */
export function program(entry: string): UserConfig {
  return defineConfig({ ...alike, entry: [entry], format: 'esm', dts: false });
}

/** How every published library is built: ES modules beside CommonJS, each with its own declarations. */
export function library({
  entry,
  onlyEsModules = [],
}: {
  entry: string[];
  /** Dependencies without a CommonJS form. They go into the CommonJS build, as Jest cannot `require` them. */
  onlyEsModules?: string[];
}): UserConfig {
  return defineConfig({
    ...alike,
    entry,
    format: {
      esm: {},
      cjs: { deps: { alwaysBundle: (id) => onlyEsModules.includes(id), skipNodeModulesBundle: false } },
    },
    dts: { sourcemap: false },
  });
}
