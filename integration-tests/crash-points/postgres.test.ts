import { testDeathsOn } from './deaths.js';

testDeathsOn('postgres');
