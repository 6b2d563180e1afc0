import { describe, expect, it } from 'vitest';
import { freshRunId, generationOf, innerRunId, isOwnedBy, runIdOf } from './run-id.js';

const scope = { namespace: '', method: 'POST', path: '/orders', principal: 'alice', key: 'secret-key' };

describe('the id of a run', () => {
  it('is the same for the same key, and tells nothing of it', () => {
    const id = runIdOf(scope);
    expect(id).toBe(runIdOf({ ...scope }));
    expect(id).toMatch(/^h_[0-9a-hjkmnp-tv-z]{46}$/);
    expect(encodeURIComponent(id)).toBe(id);
  });

  it('differs with each part of the scope, also where the parts joined are one text', () => {
    const ids = [
      scope,
      { ...scope, namespace: 'shop' },
      { ...scope, method: 'PATCH' },
      { ...scope, path: '/orders/1' },
      { ...scope, principal: 'bob' },
      { ...scope, principal: null },
      { ...scope, principal: 'null' },
      { ...scope, principal: '' },
      { ...scope, key: 'secret-ke' },
      { ...scope, path: '/orderssecret', key: '-key' },
    ].map(runIdOf);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows whose it is to those who know the principal', () => {
    for (const id of [runIdOf(scope), freshRunId('', 'alice'), innerRunId(runIdOf(scope), 'pay', 2)]) {
      expect(isOwnedBy(id, '', 'alice')).toBe(true);
      for (const other of ['bob', '', 'Alice']) expect(isOwnedBy(id, '', other)).toBe(false);
      expect(isOwnedBy(id, 'other', 'alice')).toBe(false);
    }
    expect(isOwnedBy(runIdOf({ ...scope, principal: null }), '', '')).toBe(false);
    expect(isOwnedBy('order-42', '', 'alice')).toBe(false);
  });

  it('leads to those of later generations and of the workflows inside', () => {
    expect(generationOf('h_a', 0)).toBe('h_a');
    expect(generationOf('h_a', 2)).toBe('h_a.again2');
    expect([innerRunId('h_a', 'pay', 1), innerRunId('h_a', 'pay', 2)]).toEqual(['h_a~pay', 'h_a~pay~2']);
    const long = innerRunId(runIdOf(scope), 'w'.repeat(255), 12);
    expect(long.length).toBeLessThan(255);
    expect(long).not.toBe(innerRunId(runIdOf(scope), `${'w'.repeat(254)}v`, 12));
  });
});
