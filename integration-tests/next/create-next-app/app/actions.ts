'use server';

import { checkout } from '@/lib/checkout';
import { durableAction } from '@/lib/perdure';

export const placeOrder = durableAction(checkout);
