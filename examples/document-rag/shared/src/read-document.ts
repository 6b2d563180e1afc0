import { parse } from 'node-html-parser';
import { extractText, getDocumentProxy } from 'unpdf';
import { type Document, unreadDocument } from './document.js';
import { splitPages } from './split-pages.js';

const timeoutMs = 30_000;
const bytesMax = 20 * 1024 * 1024;

/**
 * Fetches a PDF, an HTML page or a text such as Markdown. That there is none, or none that can be read, is a result, too.
 *
 * @throws {Error} where it may be there a moment later: there was no answer, or one that says so
 */
export async function readDocument(url: string): Promise<Document> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) {
    await response.body?.cancel();
    const error = new Error(`${url} answered ${response.status}`);
    if (isMomentary(response.status)) throw error;
    return unreadDocument(url, error);
  }
  const bytes = await bytesOf(response);
  if (bytes === null) return unreadDocument(url, `The document has more than the ${bytesMax} bytes that are allowed`);
  try {
    const pages = await pagesOf(bytes, response.headers.get('content-type') ?? '');
    return { url, passages: splitPages(pages), error: null };
  } catch (error) {
    return unreadDocument(url, error);
  }
}

const isMomentary = (status: number): boolean => status >= 500 || status === 408 || status === 429;

/** Returns null if there are too many of them, and reads no further. */
async function bytesOf({ body }: Response): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > bytesMax) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function pagesOf(bytes: Uint8Array, type: string): Promise<string[]> {
  if (type.startsWith('application/pdf')) return await pagesOfPdf(bytes);
  const text = new TextDecoder().decode(bytes);
  return [type.startsWith('text/html') ? textOfHtml(text) : text];
}

async function pagesOfPdf(bytes: Uint8Array): Promise<string[]> {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0 });
  try {
    return (await extractText(pdf)).text;
  } finally {
    await pdf.destroy();
  }
}

function textOfHtml(html: string): string {
  const page = parse(html.replace(/^\s*<!doctype[^>]*>/i, ''));
  for (const element of page.querySelectorAll('head, script, style, nav, template')) element.remove();
  // It ends each block with one line break; paragraphs are what blank lines are between.
  return page.structuredText.replaceAll('\n', '\n\n');
}
