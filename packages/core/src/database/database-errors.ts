/**
 * What the caller of a failed statement should do:
 * - `connection`: the statement may or may not have happened; send it again, on a fresh connection.
 * - `transaction-retry`: it did not happen; run the transaction again now.
 * - `unique-violation`: the row is there already.
 * - `data`: Postgres refuses these values, and always will.
 * - `permanent`: sending it again cannot help; a person has to act.
 */
export type DatabaseErrorClass = 'connection' | 'transaction-retry' | 'unique-violation' | 'data' | 'permanent';

/** Sorts an error of a driver, by its code or else by its message. Anything unknown is `permanent`. */
export function classify(error: unknown): DatabaseErrorClass {
  if (typeof error !== 'object' || error === null) return 'permanent';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const rule = rules.find(([pattern]) => pattern.test(code)) ?? messageRules.find(([pattern]) => pattern.test(message));
  return rule?.[1] ?? 'permanent';
}

/** By SQLSTATE (the same in `pg` and PGlite), the system's errno, or our own code. The first match counts. */
const rules: readonly (readonly [RegExp, DatabaseErrorClass])[] = [
  [/^PERDURE_DEADLINE$/, 'connection'],

  // The system's sockets, DNS and TLS. ENOENT: the Unix socket of a server that is restarting.
  [/^E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|NOTCONN|PROTO|SHUTDOWN|CANCELED|NOENT|ADDRNOTAVAIL)$/, 'connection'],
  [/^E(HOST(UNREACH|DOWN)|NET(UNREACH|DOWN|RESET)|NOTFOUND|AI_[A-Z]+|MFILE|NFILE|NOBUFS)$/, 'connection'],
  [/^ERR_(SSL|TLS|SOCKET|STREAM)_/, 'connection'],
  [/^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/, 'connection'],

  [/^08...$/, 'connection'], // connection exceptions
  [/^25006$/, 'connection'], // read-only: after a failover this connection leads to a standby
  [/^25P0[34]$/, 'connection'], // the server ended a session that idled in a transaction, or a long transaction
  [/^40003$/, 'connection'], // completion unknown
  [/^53...$/, 'connection'], // out of disk, memory or connections
  [/^57P0[1-5]$/, 'connection'], // the server shuts down, starts up or ended the session
  [/^58030$/, 'connection'], // I/O error

  [/^(40001|40P01)$/, 'transaction-retry'], // serialisation failure, deadlock
  [/^55P03$/, 'transaction-retry'], // lock not available
  [/^57014$/, 'transaction-retry'], // cancelled, by a person or by the server's statement_timeout
  [/^(26000|42P05)$/, 'transaction-retry'], // a pooler changed connections under a prepared statement

  [/^23505$/, 'unique-violation'],

  [/^22...$/, 'data'], // values that don't fit their type
  [/^23...$/, 'data'], // other constraints
  [/^54...$/, 'data'], // beyond a limit of Postgres, such as the size of an index row
];

/** For what `pg` reports without a code, and for one case whose SQLSTATE (0A000) also stands for much else. */
const messageRules: readonly (readonly [RegExp, DatabaseErrorClass])[] = [
  [/^Connection terminated/, 'connection'],
  [/^Client has encountered a connection error/, 'connection'],
  [/^Client was closed and is not queryable/, 'connection'],
  [/^timeout (expired|exceeded when trying to connect)/, 'connection'],
  [/^Query read timeout/, 'connection'],
  [/^There was an error establishing an SSL connection/, 'connection'],
  [/^Received unexpected \w+ message from backend/, 'connection'],
  // A migration changed a table under a prepared statement, and a fresh connection prepares it anew.
  [/^cached plan must not change result type/, 'connection'],
];
