import type { Passage } from './document.js';

const passageChars = 800;
const longestChars = 4_000;

/** Splits each page into passages: whole paragraphs, as many as fit, and of a long paragraph whole sentences or lines. */
export function splitPages(pages: readonly string[]): Passage[] {
  return pages.flatMap((page, index) => split(page).map((text) => ({ page: index + 1, text })));
}

function split(page: string): string[] {
  const passages: string[] = [];
  for (const { text, glue } of partsOf(page)) {
    const last = passages.at(-1);
    if (last === undefined || last.length + text.length > passageChars) passages.push(text);
    else passages[passages.length - 1] = `${last}${glue}${text}`;
  }
  return passages;
}

interface Part {
  readonly text: string;
  /** What is between it and the part before it. */
  readonly glue: string;
}

function partsOf(page: string): Part[] {
  // Postgres stores any character but NUL.
  const paragraphs = page.replaceAll('\0', '').split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) => {
    const isLong = paragraph.length > passageChars;
    const texts = isLong ? paragraph.split(/(?<=[.!?])\s+|\n/).flatMap(cut) : [paragraph];
    return texts
      .map((text) => text.trim())
      .filter((text) => text !== '')
      .map((text, index) => ({ text, glue: index === 0 ? '\n\n' : '\n' }));
  });
}

function cut(text: string): string[] {
  return text.match(new RegExp(`[^]{1,${longestChars}}`, 'gu')) ?? [];
}
