// Measures what people would see, and returns what is wrong as sentences. Runs within a page; with `geometry` it also
// measures diagrams, whose coordinates are the same however the page is looked at.
async (geometry) => {
  const found = [];
  const say = (text) => { if (found.length < 40) found.push(text); };
  const short = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

  document.querySelectorAll('details').forEach((it) => { it.open = true; });
  // What is drawn when it is opened needs a moment.
  await new Promise((done) => setTimeout(done, 300));
  await document.fonts.ready;

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) say(`the page scrolls sideways: ${root.scrollWidth} of ${root.clientWidth} pixels`);
  document.querySelectorAll('body *').forEach((it) => {
    if (it.closest('.scroll, .canvas, .unseen, .skip, svg')) return;
    const box = it.getBoundingClientRect();
    if (box.width > 0 && box.right > root.clientWidth + 1) say(`${it.tagName} sticks out to the right: ${short(it.textContent)}`);
    const style = getComputedStyle(it);
    const cuts = style.overflowX === 'hidden' || style.overflowX === 'clip';
    if (cuts && it.scrollWidth > it.clientWidth + 1) say(`text is cut in ${it.tagName}: ${short(it.textContent)}`);
  });

  document.querySelectorAll('[data-picture]').forEach((it) => {
    if (!it.querySelector('svg')) say(`a diagram is not drawn: ${short(it.textContent.trim())}`);
  });

  // All coordinates are those of the diagram, however large it is shown.
  const placed = (svg, shape) => {
    const box = shape.getBBox();
    const matrix = svg.getScreenCTM().inverse().multiply(shape.getScreenCTM());
    const corner = (x, y) => new DOMPoint(x, y).matrixTransform(matrix);
    const [a, b] = [corner(box.x, box.y), corner(box.x + box.width, box.y + box.height)];
    return { left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y), matrix };
  };
  const meet = (a, b, slack) => (
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack
  );

  for (const svg of geometry ? document.querySelectorAll('svg.erd') : []) {
    const tables = [...svg.querySelectorAll('.erd-table')].map((group) => ({
      name: short(group.querySelector('.erd-name')?.textContent ?? ''),
      box: placed(svg, group.querySelector('.erd-box')),
      texts: [...group.querySelectorAll('text')].map((it) => ({ said: short(it.textContent), box: placed(svg, it) })),
    }));
    const view = svg.viewBox.baseVal;
    tables.forEach((table, number) => {
      const { box, name } = table;
      if (box.left < 0 || box.top < 0 || box.right > view.width || box.bottom > view.height) say(`box ${name} leaves the diagram`);
      tables.slice(number + 1).filter((it) => meet(box, it.box, 0.5)).forEach((it) => say(`boxes ${name} and ${it.name} overlap`));
      table.texts.forEach((text, place) => {
        const cut = text.box.left < box.left - 0.5 || text.box.right > box.right + 0.5
          || text.box.top < box.top - 2 || text.box.bottom > box.bottom + 2;
        if (cut) say(`label ${text.said} does not fit into box ${name}`);
        table.texts.slice(place + 1).filter((it) => meet(text.box, it.box, 2))
          .forEach((it) => say(`labels ${text.said} and ${it.said} run into each other in box ${name}`));
      });
    });
    for (const line of svg.querySelectorAll('.erd-edge .erd-line')) {
      const extent = placed(svg, line);
      const { matrix } = extent;
      const near = tables.filter(({ box }) => box.left <= extent.right && box.right >= extent.left
        && box.top <= extent.bottom && box.bottom >= extent.top);
      const length = line.getTotalLength();
      const crossed = new Set();
      // No box is lower or narrower than a few of these steps.
      for (let at = 0; at <= length; at += 4) {
        const point = line.getPointAtLength(at).matrixTransform(matrix);
        for (const { name, box } of near) {
          const inside = point.x > box.left + 1.5 && point.x < box.right - 1.5
            && point.y > box.top + 1.5 && point.y < box.bottom - 1.5;
          if (inside) crossed.add(name);
        }
      }
      crossed.forEach((name) => say(`an edge crosses box ${name}: ${short(line.parentNode.querySelector('title')?.textContent ?? '')}`));
    }
  }
  return found;
}
