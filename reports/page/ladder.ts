// The messages of a case between its nodes, from top to bottom in the order of time.

import { h, svg } from './dom';
import { Ladder, Message, Note } from './types';

const left = 84, right = 24, top = 34, messageHeight = 46, noteHeight = 22, gapHeight = 20, width = 760;

// Gateways talk to everyone: the node with most messages stands on the right.
function lanes(ladder: Ladder): string[] {
  const counts = new Map<string, number>();
  const count = (name: string) => name && counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const message of ladder.messages) {
    count(message.from);
    count(message.to);
  }
  const names = [...counts.keys()];
  return names.length < 3 ? names : names.sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
}

type Item = { t: number; message?: Message; note?: Note };

function items(ladder: Ladder, names: string[]): Item[] {
  const all: Item[] = ladder.messages.map((message) => ({ t: message.sent, message }));
  for (const note of ladder.notes) if (names.includes(note.node)) all.push({ t: note.t, note });
  return all.map((item, i) => ({ item, i })).sort((a, b) => a.item.t - b.item.t || a.i - b.i).map(({ item }) => item);
}

function label(text: string, x: number, y: number, kind: string, anchor = 'middle', full = text): SVGElement {
  return svg('text', { x, y, class: kind, 'text-anchor': anchor }, text, full !== text && svg('title', {}, full));
}

function shortened(text: string, most: number): string {
  return text.length > most ? text.slice(0, most - 1) + '…' : text;
}

function arrow(message: Message, x: (name: string) => number, y: number): SVGElement {
  const from = x(message.from), to = x(message.to || message.from);
  const lost = message.arrived < 0;
  const end = lost ? from + (to - from) * 0.55 : to;
  const direction = Math.sign(to - from) || 1;
  const middle = (from + to) / 2;
  const room = Math.max(20, Math.abs(to - from) / 6.8);
  const name = `${message.exchange} ${message.response ? 'response' : 'request'} ${message.id}${message.repeated ? ', again' : ''}${lost ? ', lost' : ''}`;
  const kind = (lost ? 'lost ' : '') + (message.repeated ? 'repeated ' : '') + (message.response ? 'response' : 'request');
  return svg(
    'g',
    { class: kind },
    svg('line', { x1: from, x2: end - (lost ? 0 : direction * 7), y1: y, y2: y }),
    lost
      ? svg('path', { d: `M${end - 5} ${y - 5}l10 10m0 -10l-10 10`, class: 'cross' })
      : svg('path', { d: `M${to} ${y}l${-direction * 9} -4.5v9z`, class: 'head' }),
    label(name, middle, y - 7, 'what'),
    message.payloads && label(shortened(message.payloads, room), middle, y + 14, 'payloads', 'middle', message.payloads),
  );
}

export function drawLadder(ladder: Ladder): HTMLElement {
  const names = lanes(ladder);
  if (names.length < 2) return h('p', { class: 'quiet' }, 'No message was recorded.');
  const spacing = (width - left - right - 140) / (names.length - 1);
  const x = (name: string) => left + 70 + spacing * Math.max(0, names.indexOf(name));
  const drawing: SVGElement[] = [];
  let y = top + 24, before = 0, told = '', afterNote = false;
  for (const item of items(ladder, names)) {
    if (item.t - before > 1) {
      drawing.push(svg('line', { x1: left - 8, x2: width - right, y1: y - 12, y2: y - 12, class: 'gap' }));
      y += gapHeight;
    }
    before = item.t;
    const time = item.t.toFixed(4);
    if (item.message) {
      if (afterNote) y += 12;
      drawing.push(label(time, left - 14, y + 4, 'time', 'end'), arrow(item.message, x, y));
      y += messageHeight;
    } else if (item.note) {
      const text = `${item.note.event}${item.note.text ? ': ' + item.note.text : ''}`;
      const at = x(item.note.node);
      const toTheRight = at < width / 2;
      const room = Math.floor((toTheRight ? width - at - 12 : at - left) / 5.4);
      drawing.push(
        label(time === told ? '' : time, left - 14, y - 6, 'time', 'end'),
        svg('circle', { cx: at, cy: y - 10, r: 3.5, class: 'mark' }),
        label(shortened(text, room), at + (toTheRight ? 9 : -9), y - 6, 'note', toTheRight ? 'start' : 'end', text),
      );
      y += noteHeight;
    }
    told = time;
    afterNote = !item.message;
  }
  const height = y;
  const rails = names.flatMap((name) => [
    svg('line', { x1: x(name), x2: x(name), y1: top, y2: height - 8, class: 'rail' }),
    label(name, x(name), top - 12, 'lane'),
  ]);
  return h(
    'figure',
    { class: 'ladder' },
    svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Messages between ${names.join(', ')}` }, ...rails, ...drawing),
    ladder.cut && h('figcaption', {}, 'There was more; the event log has it all.'),
  );
}
