'use client';

import { useRun } from '@perdure/next/react';
import { useState } from 'react';
import { placeOrder } from './actions';

export default function Home() {
  const [workflowId, setWorkflowId] = useState<string | null>(null);
  const { status, result } = useRun<{ sku: string; payment: string }>(workflowId);

  return (
    <main>
      <button onClick={async () => setWorkflowId((await placeOrder({ sku: 'lamp' })).workflowId)}>Order</button>
      <p>{result === undefined ? status : result.sku}</p>
    </main>
  );
}
