// A tableau as a tree: the root on top, branches closed from left to right, scrolled and zoomed.

import { svg } from "/static/graph.js";

const HIGH = 28, LEVEL = 68, GAP = 14, LETTER = 7.3, LONGEST = 30, EDGE = 14, MANY = 60;
const LEAST = 0.2, MOST = 2.5, READABLE = 0.62;
const [NODE, PARENT, LITERAL, STATE, HOW, CLAUSE, PARTNER] = [0, 1, 2, 3, 4, 5, 6];

/** Draws in `place`; `told(sentence)` says what stands at a node. */
export function makeTableau(place, told) {
  let nodes = [], number = new Map(), children = new Map(), byId = new Map();
  let collapsed = new Set(), boxes = new Map(), zoom = 1, fitted = true, focused = 0, size = [0, 0], goal = -1;

  place.addEventListener("click", event => {
    const item = event.target.closest?.("[data-node]");
    if (!item) return;
    select(Number(item.dataset.node));
    toggle(Number(item.dataset.node));
  });
  place.addEventListener("focusin", event => {
    const item = event.target.closest?.("[data-node]");
    if (item) select(Number(item.dataset.node));
  });
  place.addEventListener("keydown", event => {
    const item = event.target.closest?.("[data-node]");
    if (!item) return;
    const id = Number(item.dataset.node);
    if (event.key === "Enter" || event.key === " ") toggle(id);
    else if (event.key.startsWith("Arrow")) go(id, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  place.addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15));
  }, { passive: false });
  new ResizeObserver(() => { if (fitted) fit(); }).observe(place);

  const below = id => collapsed.has(id) ? [] : children.get(id) ?? [];
  const hasBelow = id => byId.get(id)?.[STATE] === "closed" && (children.get(id) ?? []).length > 0;
  const shown = () => {
    const list = [], waiting = [0];
    while (waiting.length) {
      const id = waiting.pop();
      if (!byId.has(id)) continue;
      list.push(id);
      waiting.push(...below(id).toReversed());
    }
    return list;
  };
  const count = id => (children.get(id) ?? []).reduce((sum, child) => sum + 1 + count(child), 0);

  function show(tree, at) {
    nodes = tree; goal = at;
    byId = new Map(tree.map(node => [node[NODE], node]));
    number = new Map(tree.map((node, place) => [node[NODE], place]));
    children = new Map();
    for (const node of tree) {
      if (!children.has(node[PARENT])) children.set(node[PARENT], []);
      children.get(node[PARENT]).push(node[NODE]);
    }
    collapsed = new Set([...collapsed].filter(hasBelow));
    draw();
  }

  function draw() {
    const before = boxes, had = place.contains(document.activeElement);
    boxes = layOut(below, id => wide(id));
    const visible = shown();
    const right = Math.max(...visible.map(id => boxes.get(id).x + boxes.get(id).w / 2)) + EDGE;
    const left = Math.min(...visible.map(id => boxes.get(id).x - boxes.get(id).w / 2)) - EDGE;
    const deepest = Math.max(...visible.map(id => boxes.get(id).level));
    size = [right - left, LEVEL * deepest + HIGH + 36 + EDGE];
    for (const box of boxes.values()) { box.x -= left; box.y = EDGE + HIGH / 2 + LEVEL * box.level; }
    const picture = svg("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, class: `proof-tree${visible.length > MANY ? " many" : ""}`, role: "tree", "aria-label": "The tableau" });
    const lines = svg("g", {}), items = svg("g", {});
    for (const id of visible) {
      const node = byId.get(id), box = boxes.get(id);
      if (id !== 0) {
        const up = boxes.get(node[PARENT]), middle = (up.y + box.y) / 2 + 10;
        lines.append(svg("path", { class: `limb ${node[STATE]}`, d: `M${up.x} ${up.y + HIGH / 2}V${middle - 8}C${up.x} ${middle + 6} ${box.x} ${middle - 6} ${box.x} ${box.y - HIGH / 2}` }));
      }
      if (node[PARTNER] > 0 && boxes.has(node[PARTNER]) && visible.includes(node[PARTNER])) {
        const to = boxes.get(node[PARTNER]), aside = Math.min(to.x, box.x) - Math.max(to.w, box.w) / 2 - 8;
        lines.append(svg("path", { class: "connection", "data-of": id, d: `M${box.x - box.w / 2} ${box.y}C${aside} ${box.y} ${aside} ${to.y} ${to.x - to.w / 2} ${to.y}` }));
      }
      items.append(item(id, node, box, !before.has(id) && before.size > 0));
    }
    picture.append(lines, items);
    place.replaceChildren(picture);
    if (!byId.has(focused) || !visible.includes(focused)) focused = byId.has(goal) && visible.includes(goal) ? goal : 0;
    place.querySelector(`[data-node="${focused}"]`)?.setAttribute("tabindex", "0");
    if (had) place.querySelector(`[data-node="${focused}"]`)?.focus({ preventScroll: true });
    if (fitted) fit(); else resize();
  }

  function item(id, node, box, isNew) {
    const words = collapsed.has(id) ? `+${count(id)}` : "";
    const group = svg("g", { class: `node ${node[STATE]}${isNew ? " new" : ""}`, "data-node": id, role: "treeitem", tabindex: -1,
      "aria-level": box.level + 1, "aria-label": spoken(id), transform: `translate(${box.x} ${box.y})` });
    if (hasBelow(id)) group.setAttribute("aria-expanded", String(!collapsed.has(id)));
    group.append(svg("rect", { x: -box.w / 2, y: -HIGH / 2, width: box.w, height: HIGH, rx: 7 }),
      svg("text", { y: 4.5, class: "words" }, text(id)));
    if (id) group.append(svg("text", { x: -box.w / 2 + 2, y: -HIGH / 2 - 3, class: "number" }, String(number.get(id))));
    const reason = `${why(id, true)} ${words}`.trim();
    if (reason) group.append(svg("text", { y: HIGH / 2 + 13, class: "reason" }, short(reason, 24)));
    group.append(svg("title", {}, spoken(id)));
    return group;
  }

  const text = id => id === 0 ? "start" : short(byId.get(id)[LITERAL], LONGEST);
  const wide = id => Math.max(34, LETTER * Math.max(text(id).length + 2, 0.8 * Math.min(24, why(id, true).length)));

  /** How a node is closed. */
  function why(id, brief = false) {
    const node = byId.get(id);
    if (node[HOW] === "start" || node[HOW] === "extension") return brief ? node[CLAUSE] : `clause ${node[CLAUSE]}`;
    if (node[HOW]) return `${node[HOW]}${brief ? "" : " with node"} ${number.get(node[PARTNER]) ?? ""}`.trim();
    return "";
  }

  function spoken(id) {
    const node = byId.get(id);
    if (id === 0) return node[CLAUSE] ? `start: clause ${node[CLAUSE]}` : "start: choose a clause";
    const state = { goal: "the goal", open: "open", path: `open below, by ${why(id)}`, closed: `closed by ${why(id)}` }[node[STATE]];
    return `${number.get(id)}: ${node[LITERAL]}, ${state}`;
  }

  function select(id) {
    place.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    place.querySelector(`[data-node="${id}"]`)?.setAttribute("tabindex", "0");
    focused = id;
    for (const line of place.querySelectorAll(".connection")) line.classList.toggle("chosen", Number(line.dataset.of) === id);
    told(spoken(id));
  }

  function toggle(id) {
    if (!hasBelow(id)) return;
    if (!collapsed.delete(id)) collapsed.add(id);
    draw();
  }

  function go(id, key) {
    const beside = children.get(byId.get(id)[PARENT]) ?? [], at = beside.indexOf(id);
    const next = { ArrowUp: byId.get(id)[PARENT], ArrowDown: below(id)[0], ArrowLeft: beside[at - 1], ArrowRight: beside[at + 1] }[key];
    if (next === undefined || next < 0) return;
    select(next);
    const item = place.querySelector(`[data-node="${next}"]`);
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function resize() {
    const picture = place.firstElementChild;
    picture?.setAttribute("width", Math.round(size[0] * zoom));
    picture?.setAttribute("height", Math.round(size[1] * zoom));
  }

  function scale(wanted) {
    fitted = false;
    const middle = [(place.scrollLeft + place.clientWidth / 2) / zoom, (place.scrollTop + place.clientHeight / 2) / zoom];
    zoom = Math.min(Math.max(wanted, LEAST), MOST);
    resize();
    place.scrollTo(middle[0] * zoom - place.clientWidth / 2, middle[1] * zoom - place.clientHeight / 2);
  }

  /** As large as fits, but never too small to be read: then the goal stands in the middle. */
  function fit() {
    fitted = true;
    const whole = Math.min((place.clientWidth - 4) / size[0], (place.clientHeight - 4) / size[1], 1.15);
    zoom = Math.max(whole, READABLE);
    resize();
    const at = boxes.get(goal) ?? boxes.get(0);
    if (at && whole < READABLE) place.scrollTo(at.x * zoom - place.clientWidth / 2, at.y * zoom - 0.6 * place.clientHeight);
  }

  return {
    show,
    larger: () => scale(zoom * 1.25), smaller: () => scale(zoom / 1.25), fit,
    /** Collapses the closed branches that nothing closed is above, or shows all. */
    collapse(on) {
      collapsed = new Set(on ? nodes.filter(node => hasBelow(node[NODE]) && byId.get(node[PARENT])?.[STATE] !== "closed").map(node => node[NODE]) : []);
      if (on && byId.get(0)?.[STATE] === "closed") collapsed = new Set((children.get(0) ?? []).filter(hasBelow));
      draw();
    },
    focus: () => place.querySelector('[tabindex="0"]')?.focus(),
    why, number: id => number.get(id), literal: id => byId.get(id)?.[LITERAL] ?? "",
  };
}

const short = (words, most) => words.length > most ? `${words.slice(0, most - 1)}…` : words;

/** Places of the nodes: children stand side by side as near as their subtrees allow. */
function layOut(below, wide) {
  const boxes = new Map(), offsets = new Map(), contours = new Map(), order = [], waiting = [[0, 0]];
  while (waiting.length) {
    const [id, level] = waiting.pop();
    boxes.set(id, { x: 0, y: 0, w: wide(id), level });
    order.push(id);
    for (const child of below(id)) waiting.push([child, level + 1]);
  }
  for (const id of order.toReversed()) {
    const half = boxes.get(id).w / 2, kids = below(id);
    let left = [], right = [];  // of the children so far, by level below
    const at = [];
    for (const child of kids) {
      const own = contours.get(child);
      let shift = 0;
      for (let k = 0; k < Math.min(right.length, own.left.length); k++) shift = Math.max(shift, right[k] - own.left[k] + GAP);
      at.push(shift);
      for (let k = 0; k < own.left.length; k++) {
        if (k >= left.length) left[k] = own.left[k] + shift;
        right[k] = own.right[k] + shift;
      }
      contours.delete(child);
    }
    const middle = kids.length ? (at[0] + at.at(-1)) / 2 : 0;
    kids.forEach((child, k) => offsets.set(child, at[k] - middle));
    contours.set(id, { left: [-half, ...left.map(x => x - middle)], right: [half, ...right.map(x => x - middle)] });
  }
  const parents = [0];
  while (parents.length) {
    const id = parents.pop();
    for (const child of below(id)) {
      boxes.get(child).x = boxes.get(id).x + offsets.get(child);
      parents.push(child);
    }
  }
  return boxes;
}
