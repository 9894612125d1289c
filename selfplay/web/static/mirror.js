// The page of the mirror: asks the server for sixty steps a second and draws the court.

import { connect } from "/static/socket.js";

const STEP_MS = 1000 / 60, LATE = 4;  // steps asked for and not yet answered, at most
const STRIDE = 0.04, HALF = 0.2, EDGE = 1.5, STAY = 0, UP = 1, DOWN = 2;
const MEANINGS = {
  alike: "Every moment is drawn as often as every other.",
  rule: "Moments at which the ball comes towards you are drawn twenty times as often.",
  relevance: "Moments are drawn by how much the next half second decides whether you can still reach the ball.",
};
const element = id => document.getElementById(id);
const court = element("court"), pen = court.getContext("2d");
const held = new Set();
let state = { court: [0, 0, 0, 0], score: [0, 0] }, finger = null, running = false;
let owed = 0, last = 0, open = 0, asked = [], answered = 0, since = 0, trip = 0, trend = [];

const socket = connect("/mirror", { message: receive, closed: () => say("The server has ended."),
  open: () => { open = 0; asked = []; trend = []; run(false); element("note").hidden = true; } });

function receive(message) {
  if (message.court) {
    open -= 1; answered += 1;
    trip += performance.now() - asked.shift();
    if (message.score.join() !== state.score.join()) {
      element("spoken").textContent = `You ${message.score[0]}, mirror ${message.score[1]}`;
    }
    state = message;
    element("you").textContent = state.score[0];
    element("net").textContent = state.score[1];
  } else if (message.told) tell(message.told);
  else if (message.saved) {
    say(`${message.steps} steps are in ${message.saved}. `
      + `“selfplay data mirror ${message.saved} --out runs/data/pong” makes a data set of them.`);
  }
  else if (message.error) say(message.error);
}

function frame(now) {
  requestAnimationFrame(frame);
  if (running) {
    owed = Math.min(owed + (now - last) / STEP_MS, 3);
    for (; owed >= 1 && open < LATE; owed -= 1) {
      if (!socket.send({ do: action() })) break;
      open += 1; asked.push(performance.now());
    }
    if (now - since >= 1000) {
      const pace = 1000 * answered / (now - since);
      if (answered) element("pace").textContent = `${pace.toFixed(0)} steps/s, ${(trip / answered).toFixed(1)} ms`;
      since = now; answered = 0; trip = 0;
    }
  }
  last = now;
  draw();
}

function action() {
  const up = held.has("ArrowUp") || held.has("w"), down = held.has("ArrowDown") || held.has("s");
  if (up !== down) return up ? UP : DOWN;
  const gap = finger === null ? 0 : finger - STRIDE * state.court[2];
  return Math.abs(gap) <= STRIDE / 2 ? STAY : gap > 0 ? UP : DOWN;
}

function draw() {
  const ratio = devicePixelRatio || 1, wide = court.clientWidth * ratio, high = court.clientHeight * ratio;
  if (court.width !== Math.round(wide)) { court.width = Math.round(wide); court.height = Math.round(high); }
  const scale = court.height / 2.1, style = getComputedStyle(court);
  const [x, y, left, right] = state.court;
  const at = (a, b) => [court.width / 2 + a * scale, court.height / 2 - b * scale];
  pen.clearRect(0, 0, court.width, court.height);
  pen.strokeStyle = style.getPropertyValue("--line"); pen.lineWidth = 2 * ratio;
  pen.setLineDash([6 * ratio, 8 * ratio]);
  pen.beginPath(); pen.moveTo(...at(0, 1.05)); pen.lineTo(...at(0, -1.05)); pen.stroke();
  const thick = 0.045 * scale;
  for (const [side, place, colour] of [[-EDGE, left, "--accent"], [EDGE, right, "--mistake"]]) {
    const [px, py] = at(side, STRIDE * place + HALF);
    pen.fillStyle = style.getPropertyValue(colour);
    pen.fillRect(px - (side < 0 ? thick : 0), py, thick, 2 * HALF * scale);
  }
  pen.fillStyle = style.getPropertyValue("--ink");
  pen.beginPath(); pen.arc(...at(x, y), 0.03 * scale, 0, 2 * Math.PI); pen.fill();
}

function tell(told) {
  const share = value => value === null ? "–" : `${(100 * value).toFixed(0)}%`;
  for (const button of document.querySelectorAll("[data-way]")) {
    button.setAttribute("aria-pressed", button.dataset.way === told.way);
  }
  element("meaning").textContent = MEANINGS[told.way];
  element("phases").replaceChildren(...told.phases.map(phase => {
    const row = document.createElement("tr");
    const cells = [phase.name, phase.samples.toLocaleString("en"), phase.weight.toFixed(2), share(phase.drawn)];
    row.append(...cells.map(text => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  }));
  element("returned").textContent = told.balls ? `${share(told.returned)} of the last ${told.balls}` : "–";
  element("agreement").textContent = share(told.agreement);
  element("loss").textContent = told.loss === null ? "–" : `${told.loss.toFixed(3)} nats`;
  if (told.steps === 0) trend = [];
  if (told.agreement === null) { if (!trend.length) element("trend").lastElementChild.setAttribute("points", ""); return; }
  trend.push(told.agreement);
  if (trend.length > 600) trend = trend.filter((_, i) => i % 2);
  const points = trend.map((each, i) => `${300 * i / Math.max(1, trend.length - 1)},${80 - 80 * each}`);
  element("trend").lastElementChild.setAttribute("points", points.join(" "));
}

function run(on) {
  running = on; owed = 0; since = performance.now(); answered = 0; trip = 0;
  element("pause").textContent = on ? "Pause" : state.score.some(Boolean) || trend.length ? "Go on" : "Start";
  if (on) court.focus({ preventScroll: true });
}

let hiding;
function say(sentence) {
  const note = element("note");
  note.textContent = sentence; note.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { note.hidden = true; }, 8000);
}

const key = event => event.key.length === 1 ? event.key.toLowerCase() : event.key;
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const name = key(event);
  if (name === "p" && !event.repeat) run(!running);
  if (!["ArrowUp", "ArrowDown", "w", "s"].includes(name)) return;
  event.preventDefault();
  held.add(name); finger = null;
  if (!running && !event.repeat) run(true);
});
addEventListener("keyup", event => held.delete(key(event)));
addEventListener("blur", () => held.clear());
document.addEventListener("visibilitychange", () => { if (document.hidden) { held.clear(); run(false); } });

function point(event) {
  const box = court.getBoundingClientRect();
  finger = Math.max(-1, Math.min(1, 1.05 - 2.1 * (event.clientY - box.top) / box.height));
}
court.addEventListener("pointerdown", event => {
  court.setPointerCapture(event.pointerId); point(event);
  if (!running) run(true);
});
court.addEventListener("pointermove", event => {
  if (event.pointerType === "mouse" ? running : event.buttons) point(event);
});
court.addEventListener("pointerup", event => { if (event.pointerType !== "mouse") finger = null; });
court.addEventListener("pointercancel", () => { finger = null; });
element("pause").addEventListener("click", () => run(!running));
element("reset").addEventListener("click", () => { trend = []; socket.send({ reset: true }); });
element("save").addEventListener("click", () => socket.send({ save: true }));
for (const button of document.querySelectorAll("[data-way]")) {
  button.addEventListener("click", () => socket.send({ way: button.dataset.way }));
}
requestAnimationFrame(frame);
