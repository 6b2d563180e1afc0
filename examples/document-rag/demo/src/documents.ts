import { marked } from 'marked';
import PdfKit from 'pdfkit';
import type { Text } from './library.js';

/** A file as a web server has it. */
export interface Document {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** Makes every third text a PDF, and every third one an HTML page. */
export async function makeDocuments(texts: readonly Text[]): Promise<Document[]> {
  const documents: Document[] = [];
  for (const [index, { path, markdown }] of texts.entries()) {
    const name = path.replace(/\.\w+$/, '');
    if (index % 3 === 0) documents.push({ path: `${name}.pdf`, type: 'application/pdf', body: await pdfOf(markdown) });
    else if (index % 3 === 1) documents.push({ path: `${name}.html`, type: 'text/html', body: await htmlOf(markdown) });
    else documents.push({ path: `${name}.md`, type: 'text/markdown', body: markdown });
  }
  return documents;
}

async function htmlOf(markdown: string): Promise<string> {
  return `<!doctype html><title>A document</title><nav>Home</nav>${await marked.parse(markdown)}`;
}

async function pdfOf(markdown: string): Promise<Uint8Array> {
  const pdf = new PdfKit({ size: 'A4' });
  const chunks: Buffer[] = [];
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The built-in fonts have the letters of Western Europe.
  pdf.fontSize(9).text(markdown.replaceAll(/[^\n -~¡-ÿ]/g, ' '));
  pdf.end();
  await new Promise((resolve) => pdf.once('end', resolve));
  return Buffer.concat(chunks);
}
