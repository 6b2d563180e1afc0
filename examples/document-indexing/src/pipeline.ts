import { step, workflow } from '@perdure/core';
import type { Ledger } from './ledger.js';
import type { Passages } from './passages.js';

export interface PipelineOptions {
  /** Where the documents are served. */
  readonly server: string;
  readonly passages: Passages;
  readonly ledger: Ledger;
  readonly onIndexed: () => void;
}

/** The pipeline: two workflows made of three steps. What Perdure adds to ordinary code is `workflow` and `step`. */
export function pipeline({ server, passages, ledger, onIndexed }: PipelineOptions) {
  const listDocuments = step('list documents', () => ledger.note(() => get<string[]>(`${server}/documents`)));

  const fetchDocument = step(
    'fetch document',
    (path: string) => ledger.note(() => get<string>(`${server}/document?path=${encodeURIComponent(path)}`)),
    { retries: 3, timeout: '30s' },
  );

  const storePassages = step('store passages', (path: string, texts: string[]) =>
    ledger.note(async () => {
      await passages.replace(path, texts);
      onIndexed();
      return texts.length;
    }),
  );

  const indexDocument = workflow('index document', async (path: string) => {
    const text = await fetchDocument(path);
    return await storePassages(path, split(text));
  });

  const indexLibrary = workflow('index library', async () => {
    const paths = await listDocuments();
    const queue = paths.values();
    let stored = 0;
    const worker = async () => {
      for (const path of queue) stored += await indexDocument(path);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    return { documents: paths.length, passages: stored };
  });

  return { indexDocument, indexLibrary };
}

const passageChars = 800;

/** Splits a text into passages of whole paragraphs, as far as they fit. */
function split(text: string): string[] {
  const texts: string[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    const last = texts.length - 1;
    const joined = `${texts[last] ?? ''}\n\n${paragraph}`.trim();
    if (last >= 0 && joined.length <= passageChars) texts[last] = joined;
    else if (paragraph.trim() !== '') texts.push(paragraph.trim());
  }
  return texts.flatMap((passage) => passage.match(/[^]{1,4000}/g) ?? []);
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}
