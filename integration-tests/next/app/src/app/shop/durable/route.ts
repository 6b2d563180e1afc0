import { order, withDurable } from '../../../shop';

export const POST = withDurable(order);
