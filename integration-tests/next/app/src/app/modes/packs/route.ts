import { pack, withDurable } from '../../../modes';

export const POST = withDurable(pack, () => undefined, { mode: 'async' });
