// The page of play: what the server tells is shown, what the person does is asked of the server.

import { makeBoard } from "./board.js";
import { makeDialogs, searches } from "./dialogs.js";
import { drawGraph, drawMoves, drawTree, drawWorst, html, percent } from "./graph.js";
import { connect } from "./socket.js";

const find = selector => document.querySelector(selector);
const SIDES = ["first", "second"];
let view = null, thoughts = null, offered = null, spoken = "", restored = false;
let judged = new Map(), worst = [];  // what was judged of the moves, nodes of those that cost most

const board = makeBoard(find("#board"), play);
const socket = connect("/play", { message: receive, open: restore, closed: lost });
const dialogs = makeDialogs({ send, offered: () => offered, view: () => view });

function send(message) {
  if (!socket.send(message)) note("The server does not answer: is it still running?");
}

function receive(message) {
  if (message.loading) say(message.loading);
  if (message.error && !view) say(message.error);
  if (message.error) dialogs.problem(message.error) || note(message.error);
  if (message.offered) { offered = message.offered; dialogs.offer(message.offered); }
  if (message.recorded || message.files) dialogs.told(message);
  if ("busy" in message) busy(message.busy);
  if (message.view) show(message.view);
  if (message.thoughts && message.thoughts.node === view?.node) think(message.thoughts);
  if (message.judged) { judged.set(message.judged.node, message.judged); worst = message.judged.worst; course(); }
}

function lost(code) {
  find("#board").setAttribute("aria-busy", "true");
  say(code === 4429 ? "Too many tabs are open: close one." : "The server has gone. This page connects again when it is back.");
  restored = false;
}

// what is shown

function show(next) {
  if (!view || view.tree.seed !== next.tree.seed || view.spec !== next.spec) {
    judged = new Map(); worst = [];
    dialogs.opened();
  }
  const same = view && view.node === next.node && view.tree.seed === next.tree.seed;
  const before = view;
  view = next;
  thoughts = null;
  find("#game").textContent = view.spec;
  find("#board").setAttribute("aria-busy", "false");
  board.show(view.svg, !same);
  choices();
  seats();
  layers(view.layer);
  find("#look").checked = view.looks;
  find("#pause").hidden = view.seats.includes("") || view.over;
  find("#pause").textContent = view.paused ? "Go on" : "Pause";
  find("#move").disabled = view.over;
  find("#undo").disabled = view.line[0].node === view.node;
  if (!same) blank();
  say(status());
  if (!same) tell(before);
  course();
  link();
}

/** Says that the other side was passed over, for it has no move; "" where it was not. */
function passed() {
  const here = view.line.findIndex(move => move.node === view.node);
  if (view.players < 2 || here < 1 || view.line[here].mover !== view.mover) return "";
  return `The ${SIDES[1 - view.mover]} player has no move: ${view.seats[view.mover] || (view.seats.some(Boolean) ? "you" : `the ${SIDES[view.mover]} player`)} again.`;
}

/** Buttons for moves that have no place on the board. */
function choices() {
  const place = find("#choices");
  place.hidden = board.hasMoves() || view.over;
  if (place.hidden) return;
  place.replaceChildren(...view.legal.map(([action, name]) =>
    html("button", { type: "button", onclick: () => play(action) }, name)));
}

function seats() {
  document.body.dataset.look = view.look;
  for (const place of document.querySelectorAll(".seat")) {
    const side = Number(place.dataset.seat);
    place.hidden = side >= view.players;
    place.querySelector(".who").textContent = view.seats[side] || "you";
    place.classList.toggle("turn", !view.over && view.mover === side);
  }
}

function layers(layer) {
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.setAttribute("aria-checked", String(button.dataset.layer === layer));
  }
}

function status() {
  if (view.over) return view.result;
  const name = view.seats[view.mover], again = passed();
  if (again) return again;
  if (!name) return view.seats.every(seat => !seat) && view.players === 2 ? `The ${SIDES[view.mover]} player moves.` : "Your move.";
  return view.paused ? `${name} is to move: let it, or move for it.` : `${name} thinks ...`;
}

function blank() {
  find("#win").textContent = "";
  find("#thought").textContent = view.over ? "" : view.looks ? "..." : "off";
  const place = find("#table").parentElement;
  place.style.minHeight = view.over ? "" : `${place.offsetHeight}px`;  // what is below stays where it is
  find("#table tbody").replaceChildren();
}

function think(next) {
  thoughts = next;
  board.show(next.svg);
  layers(view.layer);
  const side = view.players === 2 ? `${SIDES[next.mover]} player` : "expected";
  find("#win").textContent = view.players === 2 ? percent(next.win) : (2 * next.win - 1).toFixed(2);
  const rate = next.seconds > 0.2 ? `, ${Math.round(next.simulations / next.seconds).toLocaleString("en")}/s` : "";
  find("#thought").textContent = `for the ${side}, says ${next.who}` +
    (next.simulations ? ` after ${next.simulations.toLocaleString("en")} simulation${next.simulations === 1 ? "" : "s"}${rate}` : "") + (next.proven ? " (proven)" : "");
  const most = Math.max(1, ...next.rows.map(row => row.visits));
  const rows = next.rows.slice(0, 12).map(row => {
    const best = row.action === next.action;
    const visits = html("td", { className: "bar-cell" }, html("i"), html("span", {}, row.visits ? row.visits.toLocaleString("en") : "–"));
    visits.firstChild.style.setProperty("--share", row.visits / most);
    const button = html("button", { type: "button", className: "plain", onclick: () => play(row.action) }, row.name);
    button.setAttribute("aria-label", `play ${row.name}`);
    return html("tr", { className: best ? "best" : "" }, html("td", {}, button),
      html("td", {}, row.prior === null ? "–" : percent(row.prior)), visits,
      html("td", {}, row.q === null ? "–" : view.players === 2 ? percent((1 + row.q) / 2) : row.q.toFixed(2)),
      html("td", { className: "wide" }, best ? next.line.slice(0, 8).join(" ") : ""));
  });
  const body = find("#table tbody");
  if (!body.contains(document.activeElement)) body.replaceChildren(...rows);
  find("#table").parentElement.style.minHeight = "";
}

// what is pressed stays where it is until it is let go, or the click would be lost
let pressed = false, late = false;
addEventListener("pointerdown", () => { pressed = true; });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => {
  pressed = false;
  if (late) course();
}));

function course() {
  late = pressed;
  if (late) return;
  const { line, node } = view;
  drawGraph(find("#graph"), line, judged, node, go);
  drawMoves(find("#moves"), line, judged, node, go);
  drawWorst(find("#worst"), line, judged, worst, go);
  const focused = document.activeElement?.closest?.("#tree [data-node]")?.dataset.node;
  find("#branches").hidden = !drawTree(find("#tree"), view.tree, judged, node, go);
  if (focused) find(`#tree [data-node="${focused}"]`)?.focus();
  find("#main-line").disabled = view.main.includes(node);
  find("#remove").disabled = node === 0;
  const known = line.filter(move => judged.has(move.node)).length;
  find("#judging").textContent = known < line.length - 1 ? `${known} of ${line.length - 1} judged` : "";
  find("#retry").hidden = bad() === null;
}

/** The node of the last move of the person, or the last one, that lost 0.2 or more; else null. */
function bad() {
  const here = view.line.findIndex(move => move.node === view.node);
  const own = view.seats.filter(seat => !seat).length === 1 ? view.seats.indexOf("") : null;
  for (let ply = here; ply > Math.max(0, here - 2); ply--) {
    const move = view.line[ply];
    if ((own === null || move.mover === own) && judged.get(move.node)?.retry) return move.node;
  }
  return null;
}

// what is told: to the eye beneath the board, to a screen reader as moves

function say(words) { find("#say").textContent = words; }

function busy(words) {
  find("#thought").textContent = words || "...";
  find("#thought").classList.toggle("busy", Boolean(words));
}

function tell(before) {
  const here = view.line.findIndex(move => move.node === view.node), move = view.line[here];
  const name = move.mover < 0 ? "The start." : `${view.seats[move.mover] || (view.seats.some(Boolean) ? "You" : SIDES[move.mover])}: ${move.name}.`;
  const words = `${name} ${view.over || view.yours ? status() : ""}`;
  if (words !== spoken && before) find("#live").textContent = words;
  spoken = words;
}

let noteTimer = 0;
function note(words) {
  const place = find("#note");
  place.textContent = words;
  place.hidden = false;
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => { place.hidden = true; }, 2500 + 50 * words.length);
}

// what the person does

function play(action) {
  if (!view || view.over) return note("The game is over. Go back to try something else, or begin a new one.");
  if (!view.legal.some(([legal]) => legal === action)) return note("That cannot be played here.");
  if (!view.yours && !view.paused) return note(`${view.seats[view.mover]} is to move.`);
  send({ do: "play", action });
}

const go = node => { if (node !== view.node) send({ do: "go", node }); };

function walk(where) {
  const here = view.line.findIndex(move => move.node === view.node), end = view.line.length - 1;
  go(view.line[{ start: 0, back: Math.max(here - 1, 0), on: Math.min(here + 1, end), end }[where]].node);
}

function layer(name) {
  view.layer = view.layer === name ? "none" : name;
  layers(view.layer);
  send({ do: "layer", layer: view.layer });
  link();
}

const actions = {
  undo: () => send({ do: "undo" }),
  retry: () => { const node = bad(); if (node !== null) send({ do: "retry", node }); },
  move: () => send({ do: "move" }),
  pause: () => send(view.paused ? { do: "seats", seats: view.seats } : { do: "pause" }),
  new: () => dialogs.open("new"),
  review: () => dialogs.open("review"),
  help: () => dialogs.open("help"),
  "main-line": () => send({ do: "main", node: view.node }),
  remove: () => send({ do: "remove", node: view.node }),
};
for (const [id, act] of Object.entries(actions)) find(`#${id}`).addEventListener("click", () => view && act());
for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => view && walk(button.dataset.go));
for (const button of document.querySelectorAll("[data-layer]")) button.addEventListener("click", () => view && layer(button.dataset.layer));
find("#look").addEventListener("change", event => send({ do: "look", on: event.target.checked }));

const keys = {
  q: () => layer("visits"), r: () => layer("prior"), w: () => layer("value"),
  " ": () => send({ do: "look", on: !view.looks }),
  u: actions.undo, t: actions.retry, g: actions.move, n: actions.new, v: actions.review, "?": actions.help,
  p: () => { if (!find("#pause").hidden) actions.pause(); },
  b: () => board.focus(),
  ArrowLeft: () => walk("back"), ArrowRight: () => walk("on"), Home: () => walk("start"), End: () => walk("end"),
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !view || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea") || (event.key === " " && event.target.matches("button, a"))) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

addEventListener("resize", () => { if (view) course(); });

// links and copies

function link() {
  const parts = { game: view.spec, moves: view.moves.join("."), seats: view.seats.join("|"), layer: view.layer };
  if (view.seats.some(seat => seat && searches(seat))) {
    if (view.limit.seconds) parts.seconds = view.limit.seconds; else parts.simulations = view.limit.simulations;
  }
  if (view.branches.length) parts.branches = view.branches.map(line => line.join(".")).join("_");
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}

/** Asks for the view that the address names, else shows what the server begins with. */
function restore() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (restored || !parts.has("game")) return;
  restored = true;
  const seats = (parts.get("seats") ?? "|").split("|");
  const numbers = text => text.split(".").filter(Boolean).map(Number);
  const moves = numbers(parts.get("moves") || "");
  const branches = (parts.get("branches") || "").split("_").filter(Boolean).map(numbers);
  const message = { do: "new", game: parts.get("game"), seats, moves, branches, waits: true };
  for (const key of ["simulations", "seconds"]) if (Number(parts.get(key)) > 0) message[key] = Number(parts.get(key));
  if (parts.get("layer")) send({ do: "layer", layer: parts.get("layer") });
  send(message);
}
addEventListener("hashchange", () => { restored = false; restore(); });

const copies = {
  link: () => location.href,
  text: () => view.text,
  svg: () => (thoughts ?? view).svg,
  moves: () => view.line.slice(1).map(move => move.name).join(" "),
};
find("#share").addEventListener("click", () => menu(find("#share-menu").hidden));
find("#share-menu").addEventListener("keydown", event => {
  const items = [...find("#share-menu").children], at = items.indexOf(document.activeElement);
  if (event.key === "Escape") { menu(false); find("#share").focus(); }
  else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
  else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
document.addEventListener("click", event => { if (!event.target.closest("#share, #share-menu")) menu(false); });

function menu(open) {
  find("#share-menu").hidden = !open;
  find("#share").setAttribute("aria-expanded", String(open));
  if (open) find("#share-menu").firstElementChild.focus();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    menu(false);
    find("#share").focus();
    if (!view) return;
    if (button.dataset.copy === "save") return save(`# game: ${view.spec}\n${copies.moves()}\n`);
    try {
      await navigator.clipboard.writeText(copies[button.dataset.copy]());
      note("Copied.");
    } catch { note("The browser did not let the page copy."); }
  });
}

function save(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  html("a", { href: address, download: `${view.game}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
