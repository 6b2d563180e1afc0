/** What a client prefers (RFC 7240), of what is understood here. */
export interface Preferences {
  readonly respondAsync: boolean;
  readonly waitSeconds: number | null; // null = not said
}

export function parsePrefer(field: string | null): Preferences {
  const preferences = (field ?? '').slice(0, 1_024).toLowerCase().split(',');
  const names = preferences.map((preference) => preference.split(';')[0]?.trim() ?? '');
  const wait = names.map((name) => /^wait *= *"?(\d{1,6})"?$/.exec(name)?.[1]).find((value) => value !== undefined);
  return { respondAsync: names.includes('respond-async'), waitSeconds: wait === undefined ? null : Number(wait) };
}
