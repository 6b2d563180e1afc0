import { Injectable } from '@nestjs/common';
import { step } from '@perdure/core';
import { type Document, readDocument, storeDocument, unreadDocument } from '@perdure/example-document-rag-shared';
import { Workflow } from '@perdure/nestjs';
import pLimit from 'p-limit';

/** How many documents of a request are read at once. */
const concurrency = 8;

/** Reads a document, and stores its passages; returns how many it has. */
async function indexDocument(run: string, url: string): Promise<number> {
  const index = (prepare: () => Document | Promise<Document>) =>
    step.transaction('index', (tx, it) => storeDocument(tx, run, it), { prepare, retries: 5 });
  return await index(() => readDocument(url)).catch((error: unknown) => index(() => unreadDocument(url, error)));
}

/** Reads and stores all documents of a request; returns how many passages they have. */
@Workflow('index documents')
@Injectable()
export class IndexingWorkflow {
  async run(run: string, urls: string[]): Promise<number> {
    const limit = pLimit(concurrency);
    const passages = await Promise.all(urls.map((url) => limit(indexDocument, run, url)));
    return passages.reduce((sum, count) => sum + count, 0);
  }
}
