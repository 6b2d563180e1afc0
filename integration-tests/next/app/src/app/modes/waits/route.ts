import { wait, withDurable } from '../../../modes';

export const POST = withDurable(wait, () => undefined, { mode: 'auto' });
