'use client';

import { type FormEvent, useEffect, useState } from 'react';
import { RunProgress } from './run-progress';
import { index, upload } from './service';
import { useAsking } from './use-asking';

/** Takes URLs and files, and shows how far they are. The run is named in the address, so that it survives a reload. */
export function Indexing() {
  const [run, setRun] = useState<string | null>(null);
  const { isBusy, error, run: ask } = useAsking();

  useEffect(() => setRun(new URLSearchParams(location.search).get('run')), []);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const files = form.getAll('files').filter((file): file is File => file instanceof File && file.size > 0);
    const urls = (form.get('urls') as string).split(/\s+/).filter((url) => url !== '');
    ask(async () => {
      if (urls.length + files.length === 0) throw new Error('Give an address, or choose a file.');
      const id = await index([...urls, ...(await Promise.all(files.map(upload)))]);
      history.replaceState(null, '', `?run=${id}`);
      setRun(id);
    });
  }

  return (
    <section>
      <h2>Add documents</h2>
      <form onSubmit={submit}>
        <label htmlFor="urls">Addresses, one in each line</label>
        <textarea id="urls" name="urls" rows={4} placeholder="https://example.org/report.pdf" spellCheck={false} />
        <label htmlFor="files">Files: PDF, HTML, Markdown</label>
        <input id="files" name="files" type="file" multiple accept=".pdf,.html,.md,.txt" />
        <button disabled={isBusy}>{isBusy ? 'Sending…' : 'Index'}</button>
      </form>
      {error !== null && <p className="error">{error}</p>}
      {run !== null && <RunProgress key={run} run={run} />}
    </section>
  );
}
