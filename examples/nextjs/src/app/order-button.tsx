'use client';

import { useRun } from '@perdure/next/react';
import { useState } from 'react';
import type { Order } from '../checkout';
import { placeOrder } from './actions';

type Receipt = Readonly<Record<'reservation' | 'payment' | 'shipment', string>>;

export function OrderButton(order: Order) {
  const [key] = useState(() => crypto.randomUUID());
  const [workflowId, setWorkflowId] = useState<string | null>(null);
  const { status, result, error } = useRun<Receipt>(workflowId);

  return (
    <section>
      <button onClick={async () => setWorkflowId((await placeOrder(order, key)).workflowId)}>
        Order a {order.sku}
      </button>
      {status !== null && <p id="status">{status}</p>}
      {error !== undefined && <p id="error">{error.message}</p>}
      {result !== undefined && (
        <ul id="result">
          {Object.values(result).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
