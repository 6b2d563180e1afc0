import { type Finding, ratio } from './finding.js';

const [barHeight, gap, left, width, top] = [12, 10, 330, 480, 50];
const colours = ['#4269d0', '#efb118', '#3ca951', '#ff725c'];
/** Each line of the scale is ten times the one before. */
const scale = [0.1, 1, 10, 100, 1_000];

/** How many times better Perdure is than each peer, on a logarithmic scale, as an SVG. */
export function plotOf(findings: readonly Finding[]): string {
  const rows = findings.filter(({ peers }) => Object.keys(peers).length > 0);
  const peers = [...new Set(rows.flatMap((row) => Object.keys(row.peers)))];
  const colour = (peer: string): string => colours[peers.indexOf(peer) % colours.length] ?? '';
  const parts: string[] = [];
  let y = top;
  for (const row of rows) {
    const found = Object.entries(row.peers);
    const height = found.length * barHeight;
    parts.push(text(left - 8, y + height / 2 + 4, row.name, 'end'));
    for (const [peer, value] of found) {
      const times = ratio(row, value);
      const [from, to] = [x(1), x(times)].toSorted((a, b) => a - b) as [number, number];
      parts.push(
        `<rect x="${fixed(from)}" y="${y}" width="${fixed(Math.max(1, to - from))}" height="${barHeight - 2}" fill="${colour(peer)}"/>`,
        text(to + 4, y + barHeight - 3, `${times >= 10 ? Math.round(times) : times.toFixed(1)}×`, 'start'),
      );
      y += barHeight;
    }
    y += gap;
  }
  const lines = scale.map(
    (value) =>
      `<line x1="${fixed(x(value))}" y1="${top - 8}" x2="${fixed(x(value))}" y2="${y}" stroke="${value === 1 ? '#000' : '#ccc'}"/>${text(x(value), top - 12, `${value}×`, 'middle')}`,
  );
  const legend = peers.map(
    (peer, no) => `<g fill="${colour(peer)}">${text(left + no * 120, 16, `■ ${peer}`, 'start')}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 60} ${y + 10}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(8, 16, 'How many times better Perdure is than', 'start'),
    ...legend,
    ...lines,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function x(times: number): number {
  const [least, most] = [scale[0] ?? 1, scale.at(-1) ?? 1];
  const held = Math.min(most, Math.max(least, times));
  return left + (Math.log10(held / least) / Math.log10(most / least)) * width;
}

const text = (atX: number, atY: number, content: string, anchor: 'start' | 'middle' | 'end'): string =>
  `<text x="${fixed(atX)}" y="${fixed(atY)}" text-anchor="${anchor}">${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;

const fixed = (value: number): string => value.toFixed(1);
