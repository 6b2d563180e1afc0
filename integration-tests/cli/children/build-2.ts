import { shop } from './shop.js';

export const workflows = shop('2');
