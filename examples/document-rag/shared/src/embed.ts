const dimensions = 256;

/**
 * Makes a vector of a text without any model: words that begin alike count for the same dimensions. A model's embeddings
 * can take its place; the column takes vectors of any length.
 */
export function embed(text: string): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of text.toLowerCase().match(/\p{L}{3,}/gu) ?? []) {
    const hash = hashOf(word.slice(0, 6));
    vector[hash % dimensions] = (vector[hash % dimensions] ?? 0) + (hash & 0x1000 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => Number((value / length).toFixed(4)));
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
