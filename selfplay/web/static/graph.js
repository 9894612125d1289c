// The course of a game as a graph, its moves as a list, its branches as a tree.

const NS = "http://www.w3.org/2000/svg";
const HIGH = 160, EDGE = 14, LEFT = 44;
export const SIGNS = { blunder: "??", mistake: "?", inaccuracy: "?!", "": "" };

/** An SVG element with attributes and children. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An HTML element with properties and children. */
export function html(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/**
 * The chance of the first player to win over the moves of `line`.
 * judged: Map from node to what the server told of the move that led there.
 */
export function drawGraph(place, line, judged, at, go) {
  const WIDE = Math.max(280, place.clientWidth), last = Math.max(line.length - 1, 8);
  const x = ply => LEFT + (WIDE - LEFT - EDGE) * ply / last;
  const y = win => EDGE + (HIGH - 2 * EDGE) * (1 - win);
  const known = line.map((move, ply) => [ply, judged.get(move.node)]).filter(pair => pair[1]);
  const path = points => points.map(([px, py], k) => `${k ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  const chances = known.map(([ply, move]) => [x(ply), y(move.win)]);
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "graph", role: "img",
    "aria-label": spoken(line, judged) });
  for (const [win, words] of [[1, "100%"], [0.5, "50%"], [0, "0%"]]) {
    picture.append(
      svg("line", { x1: LEFT, x2: WIDE - EDGE, y1: y(win), y2: y(win), class: win === 0.5 ? "half" : "rule" }),
      svg("text", { x: LEFT - 6, y: y(win) + 4, class: "tick" }, words));
  }
  if (chances.length) {
    const area = `${path(chances)}L${chances.at(-1)[0]} ${y(0)}L${chances[0][0]} ${y(0)}Z`;
    picture.append(svg("path", { d: area, class: "area" }));
  }
  const truths = known.filter(([, move]) => move.truth !== null).map(([ply, move]) => [x(ply), y(move.truth)]);
  if (truths.length > 1) picture.append(svg("path", { d: path(truths), class: "truth" }));
  if (chances.length > 1) picture.append(svg("path", { d: path(chances), class: "chance" }));
  const here = line.findIndex(move => move.node === at);
  if (here >= 0) picture.append(svg("line", { x1: x(here), x2: x(here), y1: EDGE - 8, y2: HIGH - EDGE + 8, class: "here" }));
  for (const [ply, move] of known) {
    if (!ply) continue;
    const size = move.mark ? (move.punished ? 7.5 : 5.5) : 3;
    const dot = svg("circle", { cx: x(ply), cy: y(move.win), r: size, class: `dot ${move.mark}`, "data-node": line[ply].node },
      svg("title", {}, `${line[ply].name}${SIGNS[move.mark]} ${percent(move.win)}`));
    picture.append(dot);
  }
  picture.addEventListener("click", event => {
    const box = picture.getBoundingClientRect();
    const ply = Math.round(((event.clientX - box.left) / box.width * WIDE - LEFT) / (WIDE - LEFT - EDGE) * last);
    go(line[Math.min(Math.max(ply, 0), line.length - 1)].node);
  });
  const legend = html("p", { className: "legend" }, key("chance", "first player wins"));
  if (truths.length > 1) legend.append(key("truth", "the truth"));
  for (const mark of ["inaccuracy", "mistake", "blunder"]) legend.append(key(mark, mark));
  place.replaceChildren(picture, legend);
}

const key = (name, words) => html("span", { className: `key ${name}` }, html("i"), words);
export const percent = share => `${(100 * share).toFixed(0)}%`;

function spoken(line, judged) {
  const last = line.findLast(move => judged.has(move.node));
  const marks = line.filter(move => judged.get(move.node)?.mark).length;
  return last ? `After ${last.name} the first player wins with ${percent(judged.get(last.node).win)}; ${marks} moves are marked.`
    : "The chance of the first player to win over the moves; nothing is known yet.";
}

/** The moves of the line as buttons. */
export function drawMoves(place, line, judged, at, go) {
  const items = line.slice(1).map((move, place) => {
    const mark = judged.get(move.node)?.mark ?? "";
    const words = `${move.name}${SIGNS[mark]}`;
    const button = html("button", { type: "button", className: `move ${mark}`, onclick: () => go(move.node) }, words);
    if (move.node === at) button.setAttribute("aria-current", "step");
    if (mark) button.setAttribute("aria-label", `${move.name}, ${mark}`);
    button.dataset.node = move.node;
    return html("li", {}, html("span", { className: "ply" }, `${place + 1}`), button);
  });
  const seen = place.scrollTop, key = `${at} of ${items.length}`;
  place.replaceChildren(...items);
  if (place.dataset.at === key) {
    place.scrollTop = seen;
    return;
  }
  place.dataset.at = key;
  bring(place);
  requestAnimationFrame(() => bring(place));  // what is not laid out yet cannot be scrolled
}

/** Scrolls to the move that is looked at. */
function bring(place) {
  const current = place.querySelector("[aria-current]");
  if (current) place.scrollTop = current.offsetTop - place.offsetTop - place.clientHeight / 2;
}

/** The tree of branches: a row a branch, a dot a position; true where there are any. */
export function drawTree(place, tree, judged, at, go) {
  const children = new Map([[0, []]]), row = new Map([[0, 0]]), depth = new Map([[0, 0]]);
  let rows = 1;
  for (const [node, parent] of tree.nodes) {
    children.set(node, []);
    children.get(parent).push(node);
    depth.set(node, depth.get(parent) + 1);
    row.set(node, children.get(parent).length === 1 ? row.get(parent) : rows++);
  }
  if (rows === 1) return false;
  const stepX = 22, stepY = 24, x = node => 12 + stepX * depth.get(node), y = node => 12 + stepY * row.get(node);
  const wide = 24 + stepX * Math.max(...depth.values()), high = stepY * rows;
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, class: "tree", role: "group", "aria-label": "Branches" });
  for (const [node, parent] of tree.nodes) {
    const d = `M${x(parent)} ${y(parent)}V${Math.max(y(parent), y(node) - 8)}L${Math.min(x(node), x(parent) + 8)} ${y(node)}H${x(node)}`;
    picture.append(svg("path", { d, class: "twig" }));
  }
  for (const [node, , name] of [[0, -1, "start"], ...tree.nodes]) {
    const dot = svg("circle", { cx: x(node), cy: y(node), r: node === at ? 7 : 5, tabindex: 0, role: "button",
      "aria-label": `move ${depth.get(node)}: ${name}`, "data-node": node,
      class: `dot ${judged.get(node)?.mark ?? ""}${node === at ? " at" : ""}` }, svg("title", {}, `${depth.get(node)}. ${name}`));
    dot.addEventListener("click", () => go(node));
    dot.addEventListener("keydown", event => { if (event.key === "Enter") go(node); });
    picture.append(dot);
  }
  place.replaceChildren(picture);
  return true;
}

/** The moves that cost most, whose nodes `worst` names, each with what was better. */
export function drawWorst(place, line, judged, worst, go) {
  const marked = worst.map(node => ({ told: judged.get(node), ply: line.findIndex(move => move.node === node) }))
    .filter(each => each.told?.mark && each.ply > 0).map(each => ({ ...each, move: line[each.ply] }));
  if (!marked.length) return place.replaceChildren();
  const items = marked.map(({ move, ply, told }) => {
    const button = html("button", { type: "button", className: "plain", onclick: () => go(line[ply - 1].node) },
      html("strong", { className: told.mark }, `${ply}. ${move.name}${SIGNS[told.mark]}`),
      html("span", {}, ` lost ${told.lost.toFixed(2)}; better: `), html("strong", {}, told.line.slice(0, 6).join(" ") || told.better));
    return html("li", {}, button);
  });
  place.replaceChildren(html("h2", {}, "What cost most"), html("ol", { className: "worst" }, ...items));
}
