'use client';

import { useRun } from '@perdure/next/react';
import { useEffect, useState } from 'react';
import type { Indexed } from '../indexing';
import { type Progress, progressOf } from './service';

/** How far a run is: as it says itself while it goes on, and as the tables say when it has ended. */
export function RunProgress({ run }: { readonly run: string }) {
  const { isFinished, error, events } = useRun<number>(run, { path: '/live', events: ['progress'] });
  const [counted, setCounted] = useState<Progress | null>(null);

  useEffect(() => {
    progressOf(run).then(setCounted, () => {});
  }, [run, isFinished]);

  if (error !== undefined) return <p className="error">{error.message}</p>;
  const told = events['progress'] as Indexed | undefined;
  const total = counted?.documents ?? 0;
  const done = Math.max(told?.documents ?? 0, counted === null ? 0 : counted.indexed + counted.failed);
  return (
    <div className="run">
      <p>
        <strong id="status" role="status">
          {isFinished ? 'Indexed' : 'Indexing…'}
        </strong>
        <span id="count">
          {done} of {total} documents
        </span>
      </p>
      <progress value={done} max={Math.max(total, 1)} aria-label="Documents indexed" />
      {!isFinished && told !== undefined && <p className="latest">{told.latest}</p>}
      {isFinished && counted !== null && counted.failed > 0 && (
        <p className="error">{counted.failed} could not be read.</p>
      )}
    </div>
  );
}
