import { library } from '../../tsdown.base.js';

export default library({ entry: ['src/index.ts'] });
