import { step, workflow } from '@perdure/core';
import { split } from './split.js';

/** What the pipeline does to the world. A crash may make it happen again, so all of it may happen again. */
export interface Actions {
  readonly listDocuments: () => Promise<string[]>;
  readonly fetchDocument: (path: string) => Promise<string>;
  readonly storePassages: (path: string, passages: string[]) => Promise<number>;
}

/** The pipeline: two workflows made of three steps. What Perdure adds to ordinary code is `step` and `workflow`. */
export function pipeline(actions: Actions) {
  const listDocuments = step('list documents', actions.listDocuments);
  const fetchDocument = step('fetch document', actions.fetchDocument, { retries: 3, timeout: '30s' });
  const storePassages = step('store passages', actions.storePassages);

  const indexDocument = workflow('index document', async (path: string) => {
    const text = await fetchDocument(path);
    return await storePassages(path, split(text));
  });

  const indexLibrary = workflow('index library', async () => {
    const paths = await listDocuments();
    const queue = paths.values();
    let stored = 0;
    const worker = async () => {
      for (const path of queue) {
        const passages = await indexDocument(path);
        stored += passages;
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return { documents: paths.length, passages: stored };
  });

  return { indexDocument, indexLibrary };
}
