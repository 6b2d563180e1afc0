const passageChars = 800;
const longestChars = 4000;

/** Splits a text into passages: whole paragraphs, as many as fit. Pure, so a workflow may call it outside of a step. */
export function split(text: string): string[] {
  const passages: string[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    if (paragraph.trim() === '') continue;
    const last = passages.at(-1);
    if (last === undefined || last.length + paragraph.length > passageChars) passages.push(paragraph.trim());
    else passages[passages.length - 1] = `${last}\n\n${paragraph.trim()}`;
  }
  return passages.flatMap(cut);
}

function cut(passage: string): string[] {
  return passage.match(new RegExp(`[^]{1,${longestChars}}`, 'gu')) ?? [];
}
