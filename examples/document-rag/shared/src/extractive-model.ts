import type { Model } from './model.js';

const sentencesMax = 3;

/** Answers with the sentences of the passages that share most words with the question. Needs no network. */
export const extractiveModel: Model = {
  async answer(question, passages) {
    const asked = wordsOf(question);
    const scored = passages
      .flatMap(({ passage }) => passage.split(/(?<=[.!?])\s+|\n+/))
      // A heading shares words with questions, and answers none.
      .filter((sentence) => !/^\s*#/.test(sentence))
      .map((sentence) => ({ sentence: sentence.trim(), score: sharedWords(asked, sentence) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
    // What shares less than half of what the best one shares has little to do with the question.
    const near = scored.filter(({ score }) => score * 2 >= (scored[0]?.score ?? 0));
    const best = [...new Set(near.map(({ sentence }) => sentence))].slice(0, sentencesMax);
    return best.length === 0 ? 'The indexed documents have no answer to this.' : best.join(' ');
  },
};

/** Words count without their endings: "indexes" is "indexing". */
function wordsOf(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return new Set(words.map((word) => word.replace(/(?:ing|ed|es|s)$/, '')));
}

function sharedWords(asked: ReadonlySet<string>, sentence: string): number {
  return [...wordsOf(sentence)].filter((word) => asked.has(word)).length;
}
