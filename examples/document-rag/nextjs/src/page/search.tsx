'use client';

import { type FormEvent, useState } from 'react';
import { type Answer, ask } from './service';
import { useAsking } from './use-asking';

/** Answers questions from what is indexed. */
export function Search() {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const { isBusy, error, run } = useAsking();

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const question = new FormData(event.currentTarget).get('question') as string;
    run(async () => setAnswer(await ask(question)));
  }

  return (
    <section>
      <h2>Ask</h2>
      <form onSubmit={submit} className="row">
        <input name="question" aria-label="Question" placeholder="Your question" required />
        <button disabled={isBusy}>Ask</button>
      </form>
      {error !== null && <p className="error">{error}</p>}
      {answer !== null && (
        <div id="answer" aria-live="polite">
          <p>{answer.content}</p>
          <ul>
            {answer.sources.map((url) => (
              <li key={url}>
                <a href={url}>{url}</a>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
