// Elements are made here and only here. Text is text: nothing is ever read as markup.
const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name === 'at') Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) made.append(child);
  }
  return made;
}
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const link = (text, act) => el('button', { type: 'button', class: 'link', onclick: act }, text);
const chip = (text, kind = '') => el('span', { class: `chip ${kind}` }, text);
const mono = (text) => el('span', { class: 'mono' }, el('bdi', {}, text));
const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
const number = (n) => n.toLocaleString('en');
const px = (n) => `${n}px`;

// A table of at most `shown` rows, and a button for more: long lists stay quick.
function table(caption, heads, rows, draw, shown = 200) {
  const body = el('tbody');
  const more = el('button', { type: 'button', class: 'more', hidden: true });
  let drawn = 0;
  const on = (upTo) => {
    for (; drawn < Math.min(upTo, rows.length); drawn += 1) body.append(draw(rows[drawn]));
    more.hidden = drawn >= rows.length;
    more.textContent = `Show more (${number(rows.length - drawn)} left)`;
  };
  more.addEventListener('click', () => on(drawn + 500));
  on(shown);
  const head = heads.map((head) => el('th', { scope: 'col', class: head.startsWith('#') ? 'number' : null }, head.replace('#', '')));
  return el('div', { class: 'scroll' }, el('table', { 'aria-label': caption }, el('thead', {}, el('tr', {}, head)), body), more);
}
