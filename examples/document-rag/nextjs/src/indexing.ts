import { setEvent, step, workflow } from '@perdure/core';
import { type Document, readDocument, storeDocument, unreadDocument } from '@perdure/example-document-rag-shared';
import pLimit from 'p-limit';

/** How many documents of a request are read at once. */
const concurrency = 8;

/** Reads a document, and stores its passages; returns how many it has. */
async function indexDocument(run: string, url: string): Promise<number> {
  const index = (prepare: () => Document | Promise<Document>) =>
    step.transaction('index', (tx, it) => storeDocument(tx, run, it), { prepare, retries: 5 });
  return await index(() => readDocument(url)).catch((error: unknown) => index(() => unreadDocument(url, error)));
}

/** What the page shows while it is indexed. */
export interface Indexed {
  readonly documents: number;
  readonly passages: number;
  readonly latest: string;
}

/** Reads and stores all documents of a request; returns how many passages they have. */
export const indexDocuments = workflow(
  'index documents',
  async (run: string, urls: string[]): Promise<number> => {
    const limit = pLimit(concurrency);
    let [documents, passages] = [0, 0];
    const index = async (url: string): Promise<void> => {
      const count = await indexDocument(run, url);
      passages += count;
      documents += 1;
      await setEvent('progress', { documents, passages, latest: url } satisfies Indexed);
    };
    await Promise.all(urls.map((url) => limit(index, url)));
    return passages;
  },
  // What a bundler makes of this source may differ from build to build: in a bundle, versions are given by hand.
  { version: '1' },
);
