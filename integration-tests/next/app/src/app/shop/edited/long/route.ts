import { long } from '../../../../edited';
import { withDurable } from '../../../../shop';

export const POST = withDurable(long, () => undefined, { mode: 'auto' });
