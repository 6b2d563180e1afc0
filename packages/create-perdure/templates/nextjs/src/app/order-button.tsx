'use client';

import { useRun } from '@perdure/next/react';
import { useState } from 'react';
import type { Order } from '../checkout';
import { placeOrder } from './actions';

type Receipt = Record<'reservation' | 'payment' | 'shipment', string>;

export function OrderButton(order: Order) {
  const [key] = useState(() => crypto.randomUUID());
  const [workflowId, setWorkflowId] = useState<string | null>(null);
  const { status, result, error } = useRun<Receipt>(workflowId);

  return (
    <section>
      <button onClick={async () => setWorkflowId((await placeOrder(order, key)).workflowId)}>
        Order a {order.sku}
      </button>
      {status !== null && <p>{status}</p>}
      {error !== undefined && <p>{error.message}</p>}
      {result !== undefined && (
        <ul>
          {Object.values(result).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
