import { checkout } from '@/lib/checkout';
import { withDurable } from '@/lib/perdure';

export const POST = withDurable(checkout, undefined, { mode: 'auto' });
