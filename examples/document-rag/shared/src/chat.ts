import { chatModel } from './chat-model.js';
import type { Client } from './client.js';
import { extractiveModel } from './extractive-model.js';
import type { Model } from './model.js';
import { search } from './search.js';

export interface Answer {
  readonly content: string;
  readonly sources: readonly string[];
}

/** The model that the environment names, or else one that needs no network. */
export function modelFromEnvironment(env: NodeJS.ProcessEnv): Model {
  const { MODEL_URL: url, MODEL_API_KEY: apiKey = '', MODEL_NAME: model = 'gpt-5-mini' } = env;
  return url === undefined ? extractiveModel : chatModel({ url, apiKey, model });
}

/** Answers from the passages that have to do with the question. */
export async function chat(pool: Client, model: Model, question: string): Promise<Answer> {
  const passages = await search(pool, question);
  const content = await model.answer(question, passages);
  return { content, sources: [...new Set(passages.map(({ url }) => url))] };
}
