import { describe } from 'vitest';
import { databases } from '../support/databases.js';
import { answersConformance } from './conformance/answers.js';
import { durabilityConformance } from './conformance/durability.js';
import { hostileConformance } from './conformance/hostile.js';
import { keysConformance } from './conformance/keys.js';
import { frameworks } from './frameworks.js';
import { nestFrameworks } from './nest-framework.js';

describe.each([...frameworks, ...nestFrameworks])('the conformance list on $name', (framework) => {
  describe.each(databases)('and $name', ({ open }) => {
    keysConformance({ framework, open });
    answersConformance({ framework, open });
    durabilityConformance({ framework, open });
    hostileConformance({ framework, open });
  });
});
