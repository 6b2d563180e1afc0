import { describe } from 'vitest';
import { databases } from '../support/databases.js';
import { answersConformance } from './conformance/answers.js';
import { durabilityConformance } from './conformance/durability.js';
import { hostileConformance } from './conformance/hostile.js';
import { keysConformance } from './conformance/keys.js';
import { frameworks } from './frameworks.js';
import { nestFrameworks } from './nest-framework.js';

/** Frameworks know nothing of the database: with PGlite one of them is tried, and all by `npm run conformance`. */
const isLong = process.env['CONFORMANCE'] === 'long';

describe.each([...frameworks, ...nestFrameworks])('the conformance list on $name', (framework) => {
  const tried = databases.filter(({ name }) => isLong || name === 'postgres' || framework.name === 'Express 5');
  describe.each(tried)('and $name', ({ open }) => {
    keysConformance({ framework, open });
    answersConformance({ framework, open });
    durabilityConformance({ framework, open });
    hostileConformance({ framework, open });
  });
});
