import type { MessagePort } from 'node:worker_threads';
import type { PGlite, Transaction } from '@electric-sql/pglite';
import type { Answer, Question } from './pglite-messages.js';

/**
 * Serves a PGlite to a worker, as a Postgres server serves a process: when the worker is gone, what it had not committed
 * is rolled back.
 */
export function servePglite(pglite: PGlite, port: MessagePort): void {
  const open = new Map<number, { tx: Transaction; end(verdict: 'commit' | 'rollback'): void }>();
  const ends = new Map<number, Promise<void>>();
  const say = (answer: Answer): void => port.postMessage(answer);
  const unhear = pglite.onNotification((channel, payload) => say({ kind: 'notification', channel, payload }));
  port.on('message', (question: Question) => void answer(question));
  let isGone = false;
  port.on('close', () => {
    isGone = true;
    unhear();
    for (const { end } of open.values()) end('rollback');
  });

  async function answer(question: Question): Promise<void> {
    const { no } = question;
    try {
      say({ kind: 'answer', no, value: await ask(question) });
    } catch (error) {
      // What a class of errors has besides its fields would be lost on the way.
      const { message, ...fields } = error as Error;
      say({ kind: 'error', no, error: { ...plain(fields), message } });
    }
  }

  async function ask(question: Question): Promise<unknown> {
    switch (question.kind) {
      case 'query':
        return { rows: (await on(question.tx).query(question.text, question.values)).rows };
      case 'exec':
        await on(question.tx).exec(question.sql);
        return null;
      case 'begin':
        return await begin(question.no);
      case 'end': {
        const ended = ends.get(question.tx);
        ends.delete(question.tx);
        open.get(question.tx)!.end(question.verdict);
        open.delete(question.tx);
        await ended?.catch((error: unknown) => {
          if (error !== rolledBack) throw error;
        });
        return null;
      }
    }
  }

  const on = (tx: number | null): PGlite | Transaction => (tx === null ? pglite : open.get(tx)!.tx);

  function begin(tx: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const ended = pglite.transaction(async (transaction) => {
        // It had to wait for another one, and nobody is there any more to end it.
        if (isGone) throw rolledBack;
        const verdict = await new Promise<'commit' | 'rollback'>((end) => {
          open.set(tx, { tx: transaction, end });
          resolve(tx);
        });
        if (verdict === 'rollback') throw rolledBack;
      });
      ends.set(tx, ended);
      ended.catch(reject);
    });
  }
}

const rolledBack = new Error('rolled back');

const plain = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string'));
