import { afterAll, beforeAll, describe } from 'vitest';
import { answersConformance } from '../http/conformance/answers.js';
import { durabilityConformance } from '../http/conformance/durability.js';
import { hostileConformance } from '../http/conformance/hostile.js';
import { keysConformance } from '../http/conformance/keys.js';
import type { Framework } from '../http/frameworks.js';
import { databases } from '../support/databases.js';
import { nextFramework, type RunningNext } from './framework.js';

/** The conformance list, on the application as it is built, or as Next compiles it for each route when it is asked for. */
export function nextConformance({
  dev,
  on,
}: {
  readonly dev: boolean;
  readonly on: (typeof databases)[number]['name'][];
}): void {
  let running: RunningNext;
  beforeAll(async () => (running = await nextFramework({ dev })), 60_000);
  afterAll(async () => await running.close());
  const framework: Framework = {
    name: 'Next.js',
    // `next dev` refuses them as others do.
    statusOfMalformedPaths: dev ? 400 : 500,
    hasWebRequests: true,
    dropsEncodings: true,
    start: (...args) => running.start(...args),
  };

  describe.each(databases.filter(({ name }) => on.includes(name)))('on $name', ({ open }) => {
    keysConformance({ framework, open });
    answersConformance({ framework, open });
    durabilityConformance({ framework, open });
    hostileConformance({ framework, open });
  });
}
