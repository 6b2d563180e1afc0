import { parse } from 'node-html-parser';
import { extractText, getDocumentProxy } from 'unpdf';
import type { Document } from './document.js';
import { splitPages } from './split-pages.js';

const timeoutMs = 30_000;
const bytesMax = 20 * 1024 * 1024;

/** Fetches a PDF, an HTML page or a text such as Markdown. A document that cannot be had is a result, too. */
export async function readDocument(url: string): Promise<Document> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return { url, passages: splitPages(await pagesOf(response)), error: null };
  } catch (error) {
    return { url, passages: [], error: error instanceof Error ? error.message : String(error) };
  }
}

async function pagesOf(response: Response): Promise<string[]> {
  const type = response.headers.get('content-type') ?? '';
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length > bytesMax) throw new Error(`The document has ${bytes.length} bytes; ${bytesMax} are allowed`);
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
