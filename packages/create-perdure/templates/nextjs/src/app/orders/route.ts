import { checkout, parseOrder } from '../../checkout';
import { withDurable } from '../../perdure';

export const POST = withDurable(checkout, async (request) => parseOrder(await request.json()), { mode: 'auto' });
