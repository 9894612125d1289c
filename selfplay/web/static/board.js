// The board: puts the server's SVG in place, and turns clicks and keys into actions.

/** A board in `place`; `play(action)` is called for a legal move that is clicked or entered. */
export function makeBoard(place, play) {
  let focused = null;  // the cell that Tab leads to

  place.addEventListener("click", event => act(event.target));
  place.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") {
      if (act(event.target)) event.preventDefault();
    } else if (event.key.startsWith("Arrow") && step(event.target, event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  place.addEventListener("focusin", event => {
    if (event.target.matches?.(".cell")) choose(event.target);
  });
  for (const type of ["pointerover", "pointerout"]) {
    place.addEventListener(type, event => {
      const action = event.target.dataset?.action;
      if (action === undefined) return;
      for (const cell of place.querySelectorAll(`.cell[data-action="${action}"]`)) {
        cell.classList.toggle("over", type === "pointerover");
      }
    });
  }

  function act(target) {
    const cell = target.closest?.(".cell[data-action]");
    if (!cell) return false;
    play(Number(cell.dataset.action));
    return true;
  }

  /** Moves the focus to the nearest cell in the direction of an arrow. */
  function step(target, key) {
    if (!target.matches?.(".cell")) return false;
    const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const middle = cell => {
      const box = cell.getBBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [x, y] = middle(target);
    let best = null, least = Infinity;
    for (const cell of place.querySelectorAll(".cell")) {
      const [dx, dy] = [middle(cell)[0] - x, middle(cell)[1] - y];
      const along = dx * right + dy * down, aside = Math.abs(dx * down) + Math.abs(dy * right);
      if (along > 1 && along + 4 * aside < least) [best, least] = [cell, along + 4 * aside];
    }
    if (best) { choose(best); best.focus(); }
    return true;
  }

  function choose(cell) {
    for (const other of place.querySelectorAll('.cell[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
    focused = cell.dataset.cell ?? `a${cell.dataset.action}`;
  }

  function prepare() {
    const cells = [...place.querySelectorAll(".cell")];
    for (const cell of cells) {
      if (!cell.hasAttribute("role")) cell.setAttribute("role", "img");
      cell.setAttribute("tabindex", "-1");
    }
    const first = cells.find(cell => (cell.dataset.cell ?? `a${cell.dataset.action}`) === focused)
      ?? cells.find(cell => cell.hasAttribute("data-legal")) ?? cells[0];
    first?.setAttribute("tabindex", "0");
  }

  return {
    /**
     * Shows an SVG; cells that stay are kept, with their focus and what the pointer does there.
     * `moved`: the position is another one, so its last move may be animated.
     */
    show(text, moved = false) {
      place.classList.toggle("moved", moved);
      const next = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
      const svg = place.firstElementChild;
      if (!svg || !merge(svg, document.importNode(next, true))) {
        const had = place.contains(document.activeElement);
        place.replaceChildren(document.importNode(next, true));
        if (had) { prepare(); place.querySelector('.cell[tabindex="0"]')?.focus(); }
      }
      prepare();
    },
    focus() { place.querySelector('.cell[tabindex="0"]')?.focus(); },
    hasMoves() { return place.querySelector(".cell[data-action]") !== null; },
  };
}

/** Makes `svg` what `next` is without touching its cells' nodes; false where the cells differ. */
function merge(svg, next) {
  const own = [...svg.querySelectorAll(":scope > [data-cell]")];
  const other = [...next.querySelectorAll(":scope > [data-cell]")];
  if (!own.length || own.length !== other.length) return false;
  if (svg.getAttribute("viewBox") !== next.getAttribute("viewBox")) return false;
  own.forEach((cell, place) => {
    const from = other[place];
    for (const name of ["data-cell", "data-action", "data-legal", "aria-label", "role"]) {
      if (from.hasAttribute(name)) cell.setAttribute(name, from.getAttribute(name));
      else cell.removeAttribute(name);
    }
  });
  const children = [...next.childNodes], first = children.indexOf(other[0]);
  for (const node of [...svg.childNodes]) if (!own.includes(node)) node.remove();
  own[0].before(...children.slice(0, first));
  own.at(-1).after(...children.slice(first).filter(node => !other.includes(node)));
  return true;
}
