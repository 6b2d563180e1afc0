import { describe, expect, it } from 'vitest';
import { classify, type DatabaseErrorClass } from './database-errors.js';
import { DeadlineError } from '../errors/storage-errors.js';

const byCode: Record<DatabaseErrorClass, string> = {
  connection: `
    PERDURE_DEADLINE
    08000 08001 08003 08004 08006 08P01 25006 25P03 25P04 40003 53000 53100 53200 53300 53400
    57P01 57P02 57P03 57P04 57P05 58030
    ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOENT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN EMFILE
    EPROTO ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER ERR_STREAM_DESTROYED ERR_SOCKET_CLOSED
    CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT`,
  'transaction-retry': '40001 40P01 55P03 57014 26000 42P05',
  'unique-violation': '23505',
  data: '22001 22003 22021 22P02 22P03 23502 23503 23514 54000 54001 54023',
  permanent: `
    42501 42601 42703 42P01 3D000 3F000 28000 28P01 25P02 0A000 P0001 XX000
    PERDURE_DATABASE_CLOSED PERDURE_FOLDER_IN_USE EACCES ERR_INVALID_ARG_TYPE`,
};

const byMessage: Record<string, DatabaseErrorClass> = {
  'Connection terminated': 'connection',
  'Connection terminated unexpectedly': 'connection',
  'Connection terminated due to connection timeout': 'connection',
  'Client has encountered a connection error and is not queryable': 'connection',
  'Client was closed and is not queryable': 'connection',
  'timeout expired': 'connection',
  'timeout exceeded when trying to connect': 'connection',
  'Query read timeout': 'connection',
  'Received unexpected commandComplete message from backend.': 'connection',
  'Cannot use a pool after calling end on the pool': 'permanent',
  'PGlite is closed': 'permanent',
  'something else': 'permanent',
};

describe('classify', () => {
  it.each(
    Object.entries(byCode).flatMap(([expected, codes]) =>
      codes
        .trim()
        .split(/\s+/)
        .map((code) => [code, expected]),
    ),
  )('%j is %s', (code, expected) => {
    expect(classify(Object.assign(new Error('…'), { code }))).toBe(expected);
  });

  it.each(Object.entries(byMessage))('"%s" without a code is %s', (message, expected) => {
    expect(classify(new Error(message))).toBe(expected);
  });

  it('asks for a fresh connection when a migration changed a prepared statement', () => {
    const error = Object.assign(new Error('cached plan must not change result type'), { code: '0A000' });
    expect(classify(error)).toBe('connection');
  });

  it('knows a deadline of ours', () => {
    expect(classify(new DeadlineError(5))).toBe('connection');
  });

  it.each([[undefined], [null], ['ECONNRESET'], [42], [{}], [{ code: 5 }]])('takes %j as permanent', (thrown) => {
    expect(classify(thrown)).toBe('permanent');
  });
});
