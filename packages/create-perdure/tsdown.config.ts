import { program } from '../../tsdown.base.js';

export default program('src/bin.ts');
