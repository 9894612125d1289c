// The page of proofs: an attempt that the person and the prover make together.

import { html } from "/static/graph.js";
import { connect } from "/static/socket.js";
import { makeTableau } from "/static/tableau.js";

const element = id => document.getElementById(id);
const SEARCH = 500, SHOWN = 60;
const number = value => value.toLocaleString("en");
let problem = null, position = null, proof = null, thoughts = null, working = "", text = "tableau", collapsing = false, asked = false, said = "";

const tableau = makeTableau(element("canvas"), sentence => { element("detail").textContent = sentence; });
const socket = connect("/proof", {
  message: receive,
  open() { element("note").hidden = true; },
  closed() { note("The program has ended, or is not reached; the page tries again.", true); },
});
const send = message => socket.send(message) || note("The program is not reached.");

function receive(message) {
  if (message.problem) opened(message.problem);
  if (message.position) show(message.position);
  if (message.thoughts) { thoughts = message.thoughts; table(); }
  if (message.progress) progress(message.progress);
  if (message.working !== undefined) { working = message.working; buttons(); }
  if (message.said) { said = message.said; sentence(); }
  if (message.proof) { proof = message.proof; proven(); }
  if (message.error) wrong(message.error);
}

function opened(told) {
  problem = told;
  element("problem-dialog").close();
  asked = false;
  element("name").textContent = `${told.name}, ${told.guide ? `guided by ${told.guide.split("/").slice(-2).join("/")}` : "unguided"}`;
  const count = told.statements.length + told.left_out;
  element("problem").querySelector("summary").textContent =
    `${told.name}: ${number(count)} statement${count === 1 ? "" : "s"}, ${number(told.clauses)} clauses${told.conjecture ? "" : "; no conjecture: the axioms are to be refuted"}`;
  const more = told.left_out ? `\n... and ${number(told.left_out)} more` : "";
  element("problem").querySelector("pre").textContent = told.statements.join("\n") + more;
}

function show(told) {
  position = told; proof = null; thoughts = told.thoughts; said = "";
  element("proof").hidden = true;
  draw(told);
  element("figures").textContent = figures(told, `${number(told.inferences)} inferences`);
  table();
  sentence();
  buttons();
}

function draw(told) {
  tableau.show(told.tree, told.goal);
  if (collapsing) tableau.collapse(true);
}

const figures = (told, first) => [first, `${number(told.tree.length - 1 + told.left_out)} nodes`, `depth ${told.depth}`, `${number(told.open)} open`,
  ...(told.left_out ? [`${number(told.left_out)} nodes are not drawn`] : [])].join(" · ");

function progress(told) {
  proof = null;
  element("proof").hidden = true;
  element("options").hidden = true;
  draw(told);
  const value = told.value === null ? "" : ` expects ${signed(told.value)}`;
  element("figures").textContent = figures(told, `${number(told.inferences)} inferences in ${told.seconds.toFixed(1)} s`);
  say(`The ${told.how} search${value} …`);
}

function sentence() {
  if (said) say(said);
  else if (position.over === "proved") say("Every branch is closed.");
  else if (position.over === "lost") say("Nothing is possible here: take the last inference back.");
  else if (position.goal === 0) say("Choose the clause to begin with.");
  else say(`Your inference: ${position.options.length} are possible.`);
}
const say = words => { if (element("say").textContent !== words) element("say").textContent = words; };

function table() {
  const over = position.over !== "" || !thoughts;
  element("options").hidden = over;
  if (over) return;
  element("goal").textContent = position.goal === 0 ? "the start" : tableau.literal(position.goal);
  const most = Math.max(1, ...thoughts.rows.map(row => row.visits)), focus = document.activeElement?.dataset?.action;
  const rows = thoughts.rows.slice(0, SHOWN).map((row, place) => {
    const button = html("button", { type: "button", className: "inference", onclick: () => infer(row.action) }, position.options[row.action]);
    button.dataset.action = row.action;
    button.setAttribute("aria-label", `inference ${row.action + 1}: ${position.options[row.action]}`);
    const visits = html("td", { className: "bar-cell" }, number(row.visits), html("i"));
    visits.style.setProperty("--share", row.visits / most);
    return html("tr", { className: place ? "" : "best" }, html("td", {}, String(row.action + 1)), html("td", { className: "wide" }, button),
      html("td", {}, `${(100 * row.prior).toFixed(1)}%`), visits, html("td", {}, worth(row)));
  });
  if (thoughts.rows.length > SHOWN) rows.push(html("tr", {}, html("td"), html("td", { className: "wide" }, `and ${thoughts.rows.length - SHOWN} more`)));
  element("table").tBodies[0].replaceChildren(...rows);
  if (focus !== undefined) element("table").querySelector(`[data-action="${focus}"]`)?.focus({ preventScroll: true });
  const net = problem.guide ? `The net expects ${signed(thoughts.net)}, the search` : "The search expects";
  element("expects").textContent = `${net} ${signed(thoughts.value)} after ${number(thoughts.simulations)} simulations (+1: proved).`;
}
const signed = value => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
const worth = row => row.value === null ? "" : row.solved ? (row.value > 0 ? "proof" : "lost") : signed(row.value);

function proven() {
  working = "";
  element("proof").hidden = false;
  element("verdict").className = proof.checked ? "checked" : "problem";
  element("verdict").textContent = proof.checked
    ? `${proof.status}, accepted by the independent checker.`
    : `Not accepted by the checker, please report it: ${proof.reason}`;
  const found = proof.how ? `Found by the ${proof.how} search: ` : "";
  const took = proof.how ? `, ${proof.seconds.toFixed(2)} s` : "";
  element("found").textContent = `${found}${number(proof.steps)} steps, ${number(proof.inferences)} inferences${took}.`
    + (proof.checked ? ` The checker: ${proof.reason}.` : "")
    + (position.outside ? " It is larger than the game allows, so it cannot be walked back." : "");
  element("clauses").replaceChildren(...proof.clauses.flatMap(([name, clause, role, times]) =>
    [html("dt", {}, name), html("dd", {}, html("code", {}, clause), html("small", {}, ` ${role}${times > 1 ? `, ${times} times` : ""}`))]));
  texts();
}

function texts() {
  for (const button of document.querySelectorAll("[data-text]")) button.setAttribute("aria-pressed", String(button.dataset.text === text));
  element("text").textContent = proof[text];
}

function buttons() {
  const over = !position || position.over !== "", busy = ["proving", "going on"].includes(working);
  for (const [id, off] of [["prove", busy], ["go", busy || over], ["search", working !== "" || over], ["stop", working === ""],
    ["undo", busy || !position || (position.made === 0 && !position.outside)], ["restart", busy || !position || (position.made === 0 && !position.outside)]]) {
    element(id).disabled = off;
  }
}

function infer(action) {
  if (position && !position.over && action < position.options.length) send({ do: "infer", action });
}

function wrong(words) {
  const place = element("problem-dialog").querySelector(".problem");
  if (!element("problem-dialog").open || !asked) { note(words); return; }
  asked = false;
  place.textContent = words;
  place.hidden = false;
}

let hiding;
function note(words, stays = false) {
  element("note").textContent = words;
  element("note").hidden = false;
  clearTimeout(hiding);
  if (!stays) hiding = setTimeout(() => { element("note").hidden = true; }, 6000);
}

const actions = {
  prove: () => { said = ""; send({ do: "prove" }); },
  go: () => { said = ""; send({ do: "go" }); },
  search: () => send({ do: "search", simulations: SEARCH }),
  stop: () => send({ do: "stop" }),
  undo: () => send({ do: "undo" }),
  restart: () => send({ do: "restart" }),
  smaller: tableau.smaller, larger: tableau.larger, fit: tableau.fit,
  collapse() {
    collapsing = !collapsing;
    element("collapse").setAttribute("aria-pressed", String(collapsing));
    tableau.collapse(collapsing);
  },
  change() {
    element("problem-dialog").querySelector(".problem").hidden = true;
    element("problem-dialog").showModal();
    element("problem-dialog").querySelector("textarea").focus();
  },
  try() {
    const words = element("problem-dialog").querySelector("textarea").value;
    asked = true;
    send({ do: "problem", text: words });
  },
  first() { asked = true; send({ do: "problem" }); },
  async copy() {
    try {
      await navigator.clipboard.writeText(proof[text]);
      note("Copied.");
    } catch {
      getSelection().selectAllChildren(element("text"));
      note("The browser did not let the page copy; the text is marked.");
    }
  },
};
for (const [id, act] of Object.entries(actions)) element(id).addEventListener("click", act);
for (const button of document.querySelectorAll("[data-text]")) button.addEventListener("click", () => { text = button.dataset.text; texts(); });
document.querySelector("[data-keys]").addEventListener("click", () => element("keys-dialog").showModal());

const keys = { u: "undo", p: "prove", g: "go", s: "search", Escape: "stop", c: "collapse", "+": "larger", "-": "smaller", 0: "fit", o: "change" };
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea, select")) return;
  const key = event.key;
  if (/^[1-9]$/.test(key)) infer(Number(key) - 1);
  else if (key === "Enter" && !event.target.closest("button, summary, [data-node]")) { if (thoughts?.rows.length) infer(thoughts.rows[0].action); }
  else if (key === "t") { event.preventDefault(); tableau.focus(); }
  else if (key === "?") element("keys-dialog").showModal();
  else if (keys[key] && !element(keys[key]).disabled) { event.preventDefault(); actions[keys[key]](); }
});
