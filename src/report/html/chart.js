// The ways from somebody to a model, drawn: who is in what, down to the model.
const BOX = { width: 164, height: 40, gapX: 14, gapY: 34, side: 42, most: 6 };

function clip(text, most = 23) {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
}

function chart(environment, actor, model, ways) {
  // As far down as the longest way there, so that every line leads down; circles end it.
  const depth = new Map([[actor, 0]]);
  for (let round = 0; round < Math.min(ways.leads.size, 12); round += 1) {
    for (const { member, role } of ways.edges) {
      if (depth.has(member) && role !== actor) depth.set(role, Math.max(depth.get(role) || 0, Math.min(depth.get(member) + 1, ways.leads.size)));
    }
  }
  if (ways.ends.some((end) => end.actor < 0)) depth.set(-1, 1);
  const deepest = Math.max(...depth.values());
  const layers = Array.from({ length: deepest + 1 }, () => []);
  for (const [at, far] of depth) layers[far].push(at);
  const place = new Map();
  const widest = Math.max(...layers.map((layer) => Math.min(layer.length, BOX.most)));
  const width = widest * (BOX.width + BOX.gapX) - BOX.gapX;
  layers.push(['model']);
  layers.forEach((layer, far) => {
    const shown = layer.slice(0, BOX.most);
    const left = (width - shown.length * (BOX.width + BOX.gapX) + BOX.gapX) / 2;
    shown.forEach((at, n) => place.set(at, { x: left + n * (BOX.width + BOX.gapX), y: far * (BOX.height + BOX.gapY), far }));
  });
  const height = layers.length * (BOX.height + BOX.gapY) - BOX.gapY;
  const line = (from, to, kind) => {
    const a = place.get(from);
    const b = place.get(to);
    if (!a || !b) return null;
    // Past what stands between: round the side.
    if (b.far - a.far > 1) {
      const [x, y, end] = [a.x + BOX.width, a.y + BOX.height / 2, b.y + BOX.height / 2];
      const out = Math.max(x, b.x + BOX.width) + BOX.side;
      return svg('path', { class: kind, d: `M${x},${y} C${out},${y} ${out},${end} ${b.x + BOX.width + 3},${end}`, 'marker-end': 'url(#arrow)' });
    }
    const [x1, y1, x2, y2] = [a.x + BOX.width / 2, a.y + BOX.height, b.x + BOX.width / 2, b.y - 3];
    const bend = Math.max(14, (y2 - y1) / 2);
    return svg('path', { class: kind, d: `M${x1},${y1} C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}`, 'marker-end': 'url(#arrow)' });
  };
  const box = (at, kind, label, note, act) => {
    const { x, y } = place.get(at);
    return svg('g', {
      class: kind, transform: `translate(${x},${y})`, tabindex: '0', role: 'button', 'aria-label': `${note} ${label}`, onclick: act,
      onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); act(); } },
    },
    svg('title', {}, label),
    svg('rect', { width: BOX.width, height: BOX.height, rx: 6 }),
    svg('text', { x: 9, y: 16, class: 'kind' }, note),
    svg('text', { x: 9, y: 31 }, clip(label)));
  };
  const boxes = [];
  for (const at of depth.keys()) {
    if (place.has(at)) boxes.push(box(at, environment.isPerson(at) ? 'person' : 'actor', environment.label(at), environment.kind(at), () => (at < 0 ? null : openActor(at, true))));
  }
  boxes.push(box('model', 'model', models.name[model], models.kind[model], () => openModel(model, true)));
  const ends = new Set(ways.ends.map((end) => end.actor));
  return svg('svg', {
    class: 'chart', viewBox: `-2 -2 ${width + BOX.side} ${height + 4}`, width: width + BOX.side, height: height + 4, role: 'group',
    'aria-label': `How ${environment.label(actor)} comes to ${models.name[model]}; the same as text below`,
  },
  svg('defs', {}, svg('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' }, svg('path', { d: 'M0,0 L8,4 L0,8 z' }))),
  ways.edges.map((edge) => line(edge.member, edge.role, edge.inherits ? '' : 'sets')),
  ends.has(-1) ? line(actor, -1, '') : null,
  [...ends].map((at) => line(at, 'model', '')),
  boxes);
}
