import type { ModuleMetadata, Provider } from '@nestjs/common';
import type { Carrier } from '@perdure/core';
import { CLS_ID, type ClsPlugin, ClsServiceManager } from 'nestjs-cls';
import { PerdureRunner } from '../module/perdure-runner.js';

export interface ClsPluginPerdureOptions {
  /** What runs take along, by the keys that `ClsService` knows it by; plain data without secrets, as it is stored. */
  readonly keys: readonly string[];
  /** Where the engine's module is not global: the module that exports it. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
}

/**
 * Lets `ClsService` have its id and these keys in workflows and in their steps too, also where another process goes on.
 *
 * @example
 * ClsModule.forRoot({ middleware: { mount: true }, plugins: [new ClsPluginPerdure({ keys: ['tenant', 'user'] })] })
 */
export class ClsPluginPerdure implements ClsPlugin {
  readonly name = 'cls-plugin-perdure';
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly providers: Provider[];

  constructor({ keys, imports = [] }: ClsPluginPerdureOptions) {
    this.imports = imports;
    // Made with the other providers, which is before the engine is launched.
    const useFactory = (runner: PerdureRunner): void => runner.carry(clsCarrier(keys));
    this.providers = [{ provide: Symbol('perdure cls carrier'), useFactory, inject: [PerdureRunner] }];
  }
}

interface ClsValues {
  readonly id: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

function clsCarrier(keys: readonly string[]): Carrier<ClsValues> {
  const cls = ClsServiceManager.getClsService();
  return {
    name: 'perdure.cls',
    capture() {
      if (!cls.isActive()) return undefined;
      const present = keys.filter((key) => cls.get<unknown>(key) !== undefined);
      return { id: cls.getId(), values: Object.fromEntries(present.map((key) => [key, cls.get<unknown>(key)])) };
    },
    // A store of its own, the same in the first process as in any other.
    run: ({ id, values }, fn) =>
      cls.runWith({ [CLS_ID]: id }, () => {
        for (const [key, value] of Object.entries(values)) cls.set(key, value);
        return fn();
      }),
  };
}
