import { Indexing } from '../page/indexing';
import { Search } from '../page/search';

export default function Page() {
  return (
    <main>
      <h1>Ask your documents</h1>
      <p>Indexing goes on where it was when this process is killed and started again.</p>
      <Indexing />
      <Search />
    </main>
  );
}
