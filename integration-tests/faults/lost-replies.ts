import type { Reply, SentStatement } from './conversation.js';

/** Which replies to lose, for {@link FaultProxy.impose}. Each call makes a choice with a memory of its own. */
type Choice = (reply: Reply) => boolean;

/** Of the statements and transactions that wrote something and committed it, the first send of each. Sent again, it gets its reply. */
export function firstSendOfEachWrite(): Choice {
  const seen = new Set<string>();
  return (reply) => {
    const writes = writesOf(reply);
    if (writes.length === 0) return false;
    // A flush is repeated in another form, with the same values.
    const write = JSON.stringify(writes.map(({ name, values }) => [name.replace(/_(new|missing)_/, '_'), values]));
    if (seen.has(write)) return false;
    seen.add(write);
    return true;
  };
}

/** Each k-th statement that wrote something and committed it. */
export function everyNthWrite(nth: number): Choice {
  let writes = 0;
  return (reply) => writesOf(reply).length > 0 && ++writes % nth === 0;
}

/** Every COMMIT that succeeded. */
export function everyCommit(): Choice {
  return (reply) => reply.tag === 'COMMIT';
}

/** The first committed statement under each name. */
export function oncePerName(): Choice {
  const seen = new Set<string>();
  return ({ statement: { name }, isCommitted }) => {
    if (!isCommitted || name === '' || seen.has(name)) return false;
    seen.add(name);
    return true;
  };
}

/** By its text: most of what the engine writes is in a `with` query, which the server calls a SELECT. */
function writesOf({ committed }: Reply): readonly SentStatement[] {
  const isWrite = /\b(insert\s+into|delete\s+from|update\s+[\w".]+(\s+\w+)?\s+set)\b/i;
  return committed.filter(({ text }) => isWrite.test(text));
}
