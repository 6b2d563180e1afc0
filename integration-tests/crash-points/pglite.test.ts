import { testDeathsOn } from './deaths.js';

testDeathsOn('pglite');
