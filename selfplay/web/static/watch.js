// The page of a run: its curves, its games, and its agent as it was at any time.

import { makeBoard } from "./board.js";
import { clock, makeChart } from "./chart.js";
import { html, percent } from "./graph.js";
import { connect } from "./socket.js";

const find = selector => document.querySelector(selector);
const MOVE_MS = 1400, END_MS = 4000;  // that a position is shown, and the last one
const charts = new Map();
let run = null, game = null, board = null, layer = "visits", asked = false;
let runs = true, timer = 0, waited = 0;  // whether the game goes on by itself

const picture = makeBoard(find("#board"), () => {});
const socket = connect("/watch", { message: receive, open: begin, closed: lost });
const send = message => socket.send(message);

function begin() {
  asked = false;
  game = board = null;
  send({ do: "layer", layer });
  send({ do: "look", on: !document.hidden });
  if (run) choose(false);
  open();
}

function lost(code) {
  state(code === 4429 ? "too many tabs" : "disconnected");
  find("#sentence").textContent = code === 4429 ? "Too many tabs are open: close one."
    : "The server has gone. This page connects again when it is back.";
  clearTimeout(timer);
}

function receive(message) {
  if (message.error) note(message.error);
  if (message.run) tell(message.run);
  if (message.game) { game = message.game; moves(); }
  if (message.board) show(message.board);
  if ("busy" in message) think(null, message.busy);
  if (message.thoughts && message.thoughts.node === board?.node) think(message.thoughts);
}

// the run

function state(words) {
  find("#state").textContent = words;
  find("#state").className = `state ${words}`;
}

function tell(next) {
  const before = run;
  run = next;
  document.title = `${run.name}: ${run.state}`;
  find("#name").textContent = run.name;
  find("#game").textContent = [run.game, run.regime].filter(Boolean).join(", ");
  state(run.state);
  const doing = run.phase ? `It is ${run.phase}.` : "";
  find("#sentence").textContent = run.sentence || doing;
  if (before && before.state !== run.state) find("#live").textContent = `The run is ${run.state}. ${run.sentence}`;
  find("#used").hidden = run.share === null;
  find("#used").value = run.share ?? 0;
  const facts = [["time", run.time], ["positions", run.positions.toLocaleString("en")], ["games", run.games ? run.games.toLocaleString("en") : ""],
    ["budget used", run.share === null ? "" : percent(run.share)], ["time left, about", run.left],
    ["checkpoints", run.checkpoints.length || ""]];
  find("#facts").hidden = run.state === "awaited";
  find("#facts").replaceChildren(...facts.filter(pair => pair[1]).map(([words, value]) =>
    html("div", {}, html("dt", {}, words), html("dd", {}, String(value)))));
  find("#faults").hidden = run.faults.length === 0;
  if (find("#faults").textContent !== run.faults.join(" ")) find("#faults").textContent = run.faults.join(" ");
  curves();
  checkpoints();
  find("#no-board").hidden = !run.no_board || run.state === "awaited";
  find("#no-board").textContent = run.no_board;
  const shown = !run.no_board && run.latest_game !== null;  // whether there is a game to look at
  find("#stage").hidden = !shown && !(run.playable && run.checkpoints.length);
  find(".board-card").hidden = find("#thinking").hidden = !shown;
  if (!shown) { game = board = null; asked = false; clearTimeout(timer); }
  open();
}

function curves() {
  const keys = run.charts.map(chart => chart.key);
  for (const [key, chart] of charts) if (!keys.includes(key)) { chart.card.remove(); charts.delete(key); }
  const until = Math.max(0, ...run.charts.flatMap(chart => chart.series.map(series => series.points.at(-1)[0])));
  for (const told of run.charts) {
    if (!charts.has(told.key)) charts.set(told.key, makeChart());
    const { card } = charts.get(told.key);
    if (!card.isConnected) find("#charts").append(card);
    charts.get(told.key).show(told, until);
  }
}

// the agent as it was

function checkpoints() {
  const slider = find("#slider"), list = run.checkpoints, steps = list.map(each => each.step);
  const kept = steps.indexOf(Number(slider.dataset.step));
  find("#then").hidden = list.length === 0;
  slider.max = Math.max(list.length - 1, 0);
  slider.disabled = list.length < 2;
  slider.value = find("#newest").checked || kept < 0 ? list.length - 1 : kept;
  if (list.length) agent();
}

/** Says which checkpoint the slider stands at, and how to play it. */
function agent() {
  const each = run.checkpoints[Number(find("#slider").value)];
  const words = `checkpoint ${each.step}` + (each.seconds === null ? "" : `, after ${clock(each.seconds)}, ${each.positions.toLocaleString("en")} positions`);
  find("#slider").dataset.step = each.step;
  find("#slider").setAttribute("aria-valuetext", words);
  find("#when").textContent = words;
  const name = `${run.path}@${each.step}`;
  find("#against").href = `/agent#${new URLSearchParams({ game: run.game, moves: "", seats: `|${name}`, layer: "visits", simulations: 200 })}`;
  find("#command").textContent = `selfplay play ${/^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`}`;
}

function choose(moved) {
  if (moved) find("#newest").checked = false;
  if (!run?.checkpoints.length) return;
  agent();
  send({ do: "agent", step: find("#newest").checked ? null : Number(find("#slider").dataset.step) });
}

find("#slider").addEventListener("input", () => choose(true));
find("#newest").addEventListener("change", () => { checkpoints(); choose(false); });

// the game

/** Asks for a game where there is one and none is shown. */
function open() {
  if (!run || game || asked || find(".board-card").hidden) return;
  asked = true;
  send({ do: "game" });
}

function moves() {
  find("#which").textContent = `${game.number} of ${game.of} in ${game.file}`;
  find("#moves").replaceChildren(...game.moves.map((name, place) => {
    const button = html("button", { type: "button", className: "move", onclick: () => go(place + 1) }, name);
    button.setAttribute("aria-label", `move ${place + 1}: ${name}`);
    return html("li", {}, button);
  }));
}

function show(next) {
  board = next;
  picture.show(next.svg);
  const last = next.ply ? game.moves[next.ply - 1] : "";
  const chance = next.ply && next.ply <= game.opening ? ", at random" : "";
  find("#say").textContent = next.over ? `Move ${next.ply}: ${last}. ${next.result}`
    : next.ply ? `Move ${next.ply} of ${game.moves.length}: ${last}${chance}` : "The start";
  [...find("#moves").querySelectorAll("button")].forEach((button, place) => {
    if (place + 1 === next.ply) {
      button.setAttribute("aria-current", "step");
      find("#moves").scrollTop = button.offsetTop - find("#moves").offsetTop;
    } else button.removeAttribute("aria-current");
  });
  layers();
  think(null, next.over ? "the game is over" : "...");
  schedule();
}

const go = ply => { if (game && board && ply !== board.ply) send({ do: "ply", ply: Math.min(Math.max(ply, 0), game.moves.length) }); };

/** Moves on after a while, as long as somebody looks. */
function schedule() {
  clearTimeout(timer);
  find("#replay").textContent = runs ? "Pause" : "Run";
  if (!runs || document.hidden || !board) return;
  const ended = board.ply >= game.moves.length;
  timer = setTimeout(() => ended ? send({ do: "game" }) : go(board.ply + 1), ended ? END_MS : MOVE_MS);
}

function walk(where) {
  if (!board) return;
  runs = false;
  schedule();
  go({ start: 0, back: board.ply - 1, on: board.ply + 1, end: game.moves.length }[where]);
}

function replay() { runs = !runs; schedule(); }
function next() { if (game) send({ do: "game" }); }

document.addEventListener("visibilitychange", () => {
  send({ do: "look", on: !document.hidden });
  schedule();
});

// what is thought

function layers() {
  for (const button of document.querySelectorAll("[data-layer]")) button.setAttribute("aria-checked", String(button.dataset.layer === layer));
}

function setLayer(name) {
  layer = layer === name ? "none" : name;
  layers();
  send({ do: "layer", layer });
}

function think(next, words = "") {
  if (!next) {
    find("#win").textContent = "";
    find("#thought").textContent = words;
    find("#table tbody").replaceChildren();
    return;
  }
  picture.show(next.svg);
  const two = board.players === 2;
  find("#win").textContent = two ? percent(next.win) : (2 * next.win - 1).toFixed(2);
  find("#thought").textContent = `for the ${two ? `${["first", "second"][next.mover]} player` : "player"}, says ${next.who}`
    + (next.simulations ? ` after ${next.simulations.toLocaleString("en")} simulations` : "") + (next.proven ? " (proven)" : "");
  const most = Math.max(1, ...next.rows.map(row => row.visits)), played = game.moves[board.ply];
  find("#table tbody").replaceChildren(...next.rows.slice(0, 12).map(row => {
    const visits = html("td", { className: "bar-cell" }, html("i"), html("span", {}, row.visits ? row.visits.toLocaleString("en") : "–"));
    visits.firstChild.style.setProperty("--share", row.visits / most);
    return html("tr", { className: row.action === next.action ? "best" : "" },
      html("td", {}, row.name === played ? `${row.name}, played` : row.name),
      html("td", {}, row.prior === null ? "–" : percent(row.prior)), visits,
      html("td", {}, row.q === null ? "–" : two ? percent((1 + row.q) / 2) : row.q.toFixed(2)));
  }));
}

// keys and buttons

function later(by) {
  const slider = find("#slider");
  if (slider.disabled) return;
  slider.value = Number(slider.value) + by;
  choose(true);
}

function note(words) {
  const place = find("#note");
  place.textContent = words;
  place.hidden = false;
  clearTimeout(waited);
  waited = setTimeout(() => { place.hidden = true; }, 2500 + 50 * words.length);
}

const keys = {
  q: () => setLayer("visits"), r: () => setLayer("prior"), w: () => setLayer("value"), " ": replay, n: next,
  ",": () => later(-1), ".": () => later(1), "?": () => find("#help-dialog").showModal(),
  ArrowLeft: () => walk("back"), ArrowRight: () => walk("on"), Home: () => walk("start"), End: () => walk("end"),
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input") || (event.key === " " && event.target.matches("button, a, summary"))) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
find("#replay").addEventListener("click", replay);
find("#next").addEventListener("click", next);
find("#help").addEventListener("click", keys["?"]);
for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => walk(button.dataset.go));
for (const button of document.querySelectorAll("[data-layer]")) button.addEventListener("click", () => setLayer(button.dataset.layer));
