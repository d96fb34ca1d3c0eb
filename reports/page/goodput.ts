// What a TCP transfer got through each tunnel, against loss and round-trip time: a plot for each round trip, and the
// figures.

import { h, svg } from './dom';
import { entries, Entry, linkTo } from './state';

interface Point {
  series: string;
  carrier: string; // "openvpn-udp"
  pair: string;
  rtt: number; // ms
  loss: number; // %
  goodput: number; // Mbit/s
  plain?: number; // of the same transfer without a tunnel
  entry: Entry;
}

interface Series {
  name: string;
  carrier: string;
  pair: string;
  points: Point[];
}

const labels: Record<string, string> = { ikev2: 'IKEv2 and ESP', 'openvpn-udp': 'OpenVPN over UDP', 'openvpn-tcp': 'OpenVPN over TCP', sstp: 'SSTP', 'sstp-proxy': 'SSTP through a proxy' };
const ours = 'gatelab/gatelab';
const tones = 5;

// "openvpn" where it plays both sides.
function playersOf(pair: string): string {
  const [client, gateway] = pair.split('/');
  return client === gateway ? client : `${client} dials ${gateway}`;
}

function pointOf(entry: Entry): Point | null {
  const metrics = entry.result.real_time ? entry.result.machine.metrics ?? {} : entry.result.metrics;
  const { goodput_mbps: goodput, rtt_ms: rtt, loss_percent: loss, plain_mbps: plain } = metrics;
  if (goodput === undefined || rtt === undefined || loss === undefined || !['passed', 'failed'].includes(entry.result.verdict)) return null;
  const carrier = entry.result.id.replace(/^[^.]*\./, '').replace(/-rtt-.*$/, '');
  return { series: `${carrier} ${entry.pair}`, carrier, pair: entry.pair, rtt, loss, goodput, plain, entry };
}

function seriesOf(points: Point[]): Series[] {
  const found = new Map<string, Series>();
  for (const point of points) {
    const series = found.get(point.series) ?? { name: point.series, carrier: point.carrier, pair: point.pair, points: [] };
    series.points.push(point);
    found.set(point.series, series);
  }
  // A carrier's lines side by side, ours first.
  const known = Object.keys(labels);
  const rank = ({ carrier, pair }: Series) => (known.includes(carrier) ? known.indexOf(carrier) : known.length) * 2 + (pair === ours ? 0 : 1);
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

const numbers = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
const at = (points: Point[], rtt: number, loss: number) => points.find((point) => point.rtt === rtt && point.loss === loss);

// The yardstick is measured beside each tunnel: the mean of those that there are.
function plainAt(points: Point[], rtt: number, loss: number): number | undefined {
  const values = points.filter((point) => point.rtt === rtt && point.loss === loss && point.plain).map((point) => point.plain as number);
  return values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : undefined;
}

export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value < 0.1 ? 1 : value < 1 ? 2 : 3);
}

// --- plot -----------------------------------------------------------------------------------------------------------

const width = 400, height = 268, left = 46, right = 14, top = 12, bottom = 44;

class Scale {
  private readonly low: number;
  private readonly high: number;
  constructor(values: number[], private readonly losses: number[]) {
    this.low = Math.floor(Math.log10(Math.min(...values)));
    this.high = Math.max(Math.ceil(Math.log10(Math.max(...values))), this.low + 1);
  }
  decades(): number[] {
    return Array.from({ length: this.high - this.low + 1 }, (_, i) => this.low + i);
  }
  y(value: number): number {
    return top + ((this.high - Math.log10(value)) / (this.high - this.low)) * (height - top - bottom);
  }
  x(loss: number): number {
    const step = (width - left - right) / this.losses.length;
    return left + step * (this.losses.indexOf(loss) + 0.5);
  }
}

// Never by colour alone: each carrier has a shape, and other pairs than ours a dashed line.
function marker(shape: number, x: number, y: number): SVGElement {
  if (shape === 0) return svg('circle', { cx: x, cy: y, r: 4 });
  if (shape === 1) return svg('rect', { x: x - 3.7, y: y - 3.7, width: 7.4, height: 7.4, rx: 1 });
  if (shape === 2) return svg('path', { d: `M${x} ${y - 5}L${x + 4.8} ${y + 3.6}H${x - 4.8}Z` });
  if (shape === 3) return svg('path', { d: `M${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}L${x - 5} ${y}Z` });
  return svg('path', { d: `M${x} ${y + 5}L${x + 4.8} ${y - 3.6}H${x - 4.8}Z` });
}

function style(series: Series, carriers: string[]): string {
  return `series tone-${carriers.indexOf(series.carrier) % tones}${series.pair === ours ? '' : ' other'}`;
}

function axes(scale: Scale, losses: number[]): SVGElement[] {
  const parts: SVGElement[] = [];
  for (const decade of scale.decades()) {
    const y = scale.y(10 ** decade);
    parts.push(svg('line', { class: 'rule', x1: left, x2: width - right, y1: y, y2: y }));
    parts.push(svg('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, String(10 ** decade)));
  }
  for (const loss of losses) parts.push(svg('text', { x: scale.x(loss), y: height - bottom + 18, 'text-anchor': 'middle' }, `${loss} %`));
  parts.push(svg('text', { class: 'axis', x: (left + width - right) / 2, y: height - 6, 'text-anchor': 'middle' }, 'packets lost'));
  return parts;
}

function panel(rtt: number, all: Series[], points: Point[], scale: Scale, losses: number[], carriers: string[]): HTMLElement {
  const drawing = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Goodput in Mbit/s at a round trip of ${rtt} ms, by packets lost; the figures are in the table below` });
  drawing.append(...axes(scale, losses));
  const line = (pairs: [number, number][]) => 'M' + pairs.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
  const plain = losses.flatMap((loss): [number, number][] => {
    const value = plainAt(points, rtt, loss);
    return value ? [[scale.x(loss), scale.y(value)]] : [];
  });
  if (plain.length) drawing.append(svg('path', { class: 'plain', d: line(plain) }));
  all.forEach((series, i) => {
    // Side by side, so that equals do not hide each other.
    const aside = (i - (all.length - 1) / 2) * 9;
    const placed = losses.flatMap((loss) => {
      const point = at(series.points, rtt, loss);
      return point && point.goodput > 0 ? [{ point, x: scale.x(loss) + aside, y: scale.y(point.goodput) }] : [];
    });
    if (!placed.length) return;
    const group = svg('g', { class: style(series, carriers) });
    group.append(svg('path', { class: 'line', d: line(placed.map(({ x, y }) => [x, y])) }));
    for (const { point, x, y } of placed) {
      const mark = marker(carriers.indexOf(series.carrier) % tones, x, y);
      mark.append(svg('title', {}, `${labels[point.carrier] ?? point.carrier}, ${playersOf(point.pair)}: ${figure(point.goodput)} Mbit/s`));
      group.append(mark);
    }
    drawing.append(group);
  });
  return h('figure', {}, h('figcaption', {}, h('b', {}, `${rtt} ms`), ' round trip'), drawing);
}

function legend(all: Series[], carriers: string[], severalPairs: boolean): HTMLElement {
  const swatch = (kind: string, shape?: number) => {
    const drawing = svg('svg', { viewBox: '0 0 34 12', 'aria-hidden': 'true' });
    const group = svg('g', { class: kind });
    group.append(svg('path', { class: shape === undefined ? 'plain' : 'line', d: 'M1 6H33' }));
    if (shape !== undefined) group.append(marker(shape, 17, 6));
    drawing.append(group);
    return drawing;
  };
  return h(
    'ul',
    { class: 'legend' },
    ...all.map((series) =>
      h('li', {}, swatch(style(series, carriers), carriers.indexOf(series.carrier) % tones), labels[series.carrier] ?? series.carrier, severalPairs && h('small', {}, ` ${playersOf(series.pair)}`))),
    h('li', {}, swatch(''), 'no tunnel'),
  );
}

// --- table ----------------------------------------------------------------------------------------------------------

function cell(point: Point | undefined): HTMLElement {
  if (!point) return h('td', { class: 'none' }, '–');
  return h(
    'td',
    {},
    h('a', { href: linkTo({ open: point.entry.key }) }, figure(point.goodput)),
    point.plain ? h('small', {}, `${Math.round((100 * point.goodput) / point.plain)} %`) : null,
    point.entry.result.verdict === 'failed' && h('span', { class: 'failed', title: 'this case failed' }, ' ✕'),
  );
}

// Ours over theirs, where both were measured.
function ratio(mine: Point | undefined, theirs: Point | undefined): HTMLElement {
  return mine && theirs?.goodput ? h('td', { class: 'ratio' }, (mine.goodput / theirs.goodput).toFixed(2)) : h('td', { class: 'none' }, '–');
}

function table(all: Series[], points: Point[], rtts: number[], losses: number[]): HTMLElement {
  const counterpart = (series: Series) => (series.pair === ours ? undefined : all.find((one) => one.carrier === series.carrier && one.pair === ours));
  const head = h('tr', {}, h('th', { scope: 'col' }, 'round trip'), h('th', { scope: 'col' }, 'lost'), h('th', { scope: 'col' }, 'no tunnel'));
  for (const series of all) {
    head.append(h('th', { scope: 'col' }, labels[series.carrier] ?? series.carrier, h('small', {}, playersOf(series.pair))));
    if (counterpart(series)) head.append(h('th', { scope: 'col' }, 'ratio', h('small', {}, 'gatelab to it')));
  }
  const body = h('tbody');
  for (const rtt of rtts)
    losses.forEach((loss, i) => {
      const plain = plainAt(points, rtt, loss);
      const row = h('tr', { class: i === 0 ? 'first' : undefined });
      if (i === 0) row.append(h('th', { scope: 'rowgroup', rowspan: losses.length }, `${rtt} ms`));
      row.append(h('th', { scope: 'row' }, `${loss} %`), h('td', { class: 'yardstick' }, plain === undefined ? '–' : figure(plain)));
      for (const series of all) {
        row.append(cell(at(series.points, rtt, loss)));
        const mine = counterpart(series);
        if (mine) row.append(ratio(at(mine.points, rtt, loss), at(series.points, rtt, loss)));
      }
      body.append(row);
    });
  return h('table', { class: 'figures' }, h('thead', {}, head), body);
}

export function goodput(): HTMLElement | null {
  const points = entries.flatMap((entry) => pointOf(entry) ?? []);
  const values = points.flatMap((point) => [point.goodput, point.plain ?? 0]).filter((value) => value > 0);
  if (!values.length) return null;
  const all = seriesOf(points);
  const carriers = [...new Set(all.map((series) => series.carrier))];
  const rtts = numbers(points.map((point) => point.rtt)), losses = numbers(points.map((point) => point.loss));
  const scale = new Scale(values, losses);
  const severalPairs = new Set(all.map((series) => series.pair)).size > 1;
  const outer = severalPairs && carriers.includes('openvpn-tcp') ? ' Over TCP, a tunnel is as fast as its machine’s TCP: the simulated machines have Reno, those of real programs what Linux has.' : '';
  return h(
    'section',
    { class: 'goodput', 'aria-label': 'Goodput' },
    h('div', { class: 'titled' }, h('h2', {}, 'Goodput of TCP through the tunnel'), legend(all, carriers, severalPairs)),
    h('p', { class: 'quiet' }, 'Mbit/s on a logarithmic scale. Small figures: the share of what the same transfer got at the same time without a tunnel; each loses packets of its own, so that figures under loss vary.' + outer),
    h('div', { class: 'panels' }, ...rtts.map((rtt) => panel(rtt, all, points, scale, losses, carriers))),
    h('div', { class: 'scroll' }, table(all, points, rtts, losses)),
  );
}
