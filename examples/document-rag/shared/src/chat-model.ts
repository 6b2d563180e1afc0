import type { Model } from './model.js';

interface ChatOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly model: string;
}

interface Completion {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

/** A model behind any endpoint that speaks the chat protocol of OpenAI, hosted or local. */
export function chatModel({ url, apiKey, model }: ChatOptions): Model {
  return {
    async answer(question, passages) {
      const sources = passages.map(({ url, page, passage }) => `Source: ${url}, page ${page}\n${passage}`).join('\n\n');
      const response = await fetch(`${url}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({
          model,
          messages: [
            { role: 'system', content: 'Answer from these sources alone. If they have no answer, say so.' },
            { role: 'user', content: `${sources}\n\nQuestion: ${question}` },
          ],
        }),
      });
      if (!response.ok) throw new Error(`The model answered ${response.status}`);
      const { choices } = (await response.json()) as Completion;
      return choices[0]?.message.content ?? '';
    },
  };
}
