/** What is to be typed after the application was made, line by line. */
export function nextSteps(made: {
  /** From the working directory; empty = that itself. */
  readonly folder: string;
  readonly manager: string;
  readonly isInstalled: boolean;
}): string[] {
  const { folder, manager, isInstalled } = made;
  return [
    ...(folder === '' ? [] : [`cd ${quoted(folder)}`]),
    ...(isInstalled ? [] : [`${manager} install`]),
    `${manager} run build`,
    `${manager} start`,
  ];
}

/** As the shells of this platform take it for one word. */
function quoted(word: string): string {
  if (/^[\w./\\:-]+$/.test(word)) return word;
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
