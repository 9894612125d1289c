// Curves over the time of training, as SVG, with their values at the pointer or the arrow keys.

import { html, svg } from "./graph.js";

const HIGH = 200, TOP = 10, LOW = 24, LEFT = 46, RIGHT = 12;
const FORMS = {
  share: value => `${(100 * value).toFixed(1)}%`,
  nats: value => value.toFixed(3),
  per_s: value => Math.round(value).toLocaleString("en"),
};

/** Seconds as people say them. */
export function clock(seconds) {
  const whole = Math.round(seconds), minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600);
  const two = number => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * A chart in a card of its own; `show(chart, until)` draws what the server tells until that second:
 * {title, unit, series: [{name, points: [[seconds, positions, value, low?, high?]]}], levels: [[name, value]]}.
 */
export function makeChart() {
  const title = html("h2"), readout = html("p", { className: "readout muted" }), legend = html("p", { className: "legend" });
  const body = html("tbody"), head = html("tr");
  const table = html("table", {}, html("thead", {}, head), body);
  const details = html("details", {}, html("summary", {}, "Numbers"), html("div", { className: "scroll" }, table));
  const picture = svg("svg", { class: "chart", role: "img", tabindex: 0 });
  const card = html("section", { className: "card" }, title, picture, readout, legend, details);
  let chart = null, times = [], end = 0;  // where the axis of time ends
  let chosen = null;  // the moment whose values are told; null: the last

  picture.addEventListener("pointermove", event => choose(nearest(event)));
  picture.addEventListener("pointerleave", () => choose(null));
  picture.addEventListener("focus", () => readout.setAttribute("aria-live", "polite"));  // else every report would be read out
  picture.addEventListener("blur", () => { readout.removeAttribute("aria-live"); choose(null); });
  picture.addEventListener("keydown", event => {
    const at = chosen === null ? times.length - 1 : times.indexOf(chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: times.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    choose(times[Math.min(Math.max(to, 0), times.length - 1)]);
  });
  details.addEventListener("toggle", fill);
  new ResizeObserver(() => { if (chart) draw(); }).observe(card);

  const latest = () => times.at(-1) ?? 0;
  const wide = () => Math.max(240, picture.clientWidth || 240);
  const x = seconds => LEFT + (wide() - LEFT - RIGHT) * seconds / (end || 1);

  function nearest(event) {
    const box = picture.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width * wide() - LEFT) / (wide() - LEFT - RIGHT) * end;
    return times.reduce((best, time) => Math.abs(time - at) < Math.abs(best - at) ? time : best, times[0]);
  }

  function choose(moment) {
    if (moment === chosen) return;
    chosen = moment;
    draw();
  }

  function draw() {
    const form = FORMS[chart.unit], points = chart.series.flatMap(series => series.points);
    const most = Math.max(...points.map(point => point[4] ?? point[2]), ...chart.levels.map(level => level[1])) || 1;
    const step = tick(most / 3), top = Math.ceil(most / step - 1e-9) * step;
    const y = value => HIGH - LOW - (HIGH - LOW - TOP) * Math.max(value, 0) / top;
    picture.setAttribute("viewBox", `0 0 ${wide()} ${HIGH}`);
    const parts = [];
    for (let value = 0; value <= top + step / 2; value += step) {
      parts.push(svg("line", { x1: LEFT, x2: wide() - RIGHT, y1: y(value), y2: y(value), class: "rule" }),
        svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value, chart.unit)));
    }
    parts.push(svg("text", { x: LEFT, y: HIGH - 6 }, "0:00"),
      svg("text", { x: wide() - RIGHT, y: HIGH - 6, "text-anchor": "end" }, clock(end)));
    for (const [, value] of chart.levels) parts.push(svg("line", { x1: LEFT, x2: wide() - RIGHT, y1: y(value), y2: y(value), class: "level" }));
    chart.series.forEach((series, place) => parts.push(...curve(series.points, `s${place % 3}`, y)));
    if (chosen !== null) parts.push(svg("line", { x1: x(chosen), x2: x(chosen), y1: TOP, y2: HIGH - LOW, class: "here" }));
    picture.replaceChildren(...parts);
    readout.textContent = told(chosen ?? latest(), form);
    picture.setAttribute("aria-label", `${chart.title}. ${readout.textContent}. Arrow keys tell other values; the table beneath has all.`);
  }

  function curve(points, name, y) {
    const line = list => list.map(([px, py], k) => `${k ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
    const parts = [], banded = points.filter(point => point.length === 5);
    if (banded.length > 1) {
      const up = banded.map(point => [x(point[0]), y(point[4])]), down = banded.map(point => [x(point[0]), y(point[3])]).reverse();
      parts.push(svg("path", { d: `${line([...up, ...down])}Z`, class: `band ${name}` }));
    }
    parts.push(svg("path", { d: line(points.map(point => [x(point[0]), y(point[2])])), class: name }));
    const marked = points.length <= 60 ? points : points.slice(-1);
    parts.push(...marked.map(point => svg("circle", { cx: x(point[0]), cy: y(point[2]), r: 2.5, class: name })));
    return parts;
  }

  /** The values of all series at a moment, or the last before it. */
  function told(moment, form) {
    const values = chart.series.map(series => {
      const point = series.points.findLast(each => each[0] <= moment);
      if (!point) return null;
      const spread = point.length === 5 ? ` (95%: ${form(point[3])} to ${form(point[4])})` : "";
      return `${series.name} ${form(point[2])}${chosen === null ? "" : spread}`;
    });
    return `${clock(moment)}: ${values.filter(Boolean).join(", ")}`;
  }

  function fill() {
    if (!details.open) return;
    const form = FORMS[chart.unit];
    head.replaceChildren(...["time", "positions", ...chart.series.map(series => series.name)].map(words =>
      Object.assign(html("th", {}, words), { scope: "col" })));
    const rows = new Map();
    chart.series.forEach((series, place) => {
      for (const [seconds, positions, value] of series.points) {
        if (!rows.has(seconds)) rows.set(seconds, [clock(seconds), positions.toLocaleString("en"), ...chart.series.map(() => "–")]);
        rows.get(seconds)[2 + place] = form(value);
      }
    });
    const sorted = [...rows].sort((a, b) => b[0] - a[0]);  // the newest first
    body.replaceChildren(...sorted.map(([, cells]) => html("tr", {}, ...cells.map(words => html("td", {}, words)))));
  }

  return {
    card,
    show(next, until) {
      [chart, end] = [next, until];
      title.textContent = next.title;
      times = [...new Set(next.series.flatMap(series => series.points.map(point => point[0])))].sort((a, b) => a - b);
      if (!times.includes(chosen)) chosen = null;
      legend.replaceChildren(...next.series.map((series, place) => key(`s${place % 3}`, series.name)),
        ...next.levels.map(([name, value]) => key("level", `${name}, ${FORMS[next.unit](value)}`)));
      draw();
      fill();
    },
  };
}

const key = (name, words) => html("span", { className: "key" },
  svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: name })), words);

/** A round step of about `size`. */
function tick(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 2.5, 5, 10].find(factor => factor * power >= size * 0.999) * power;
}

function short(value, unit) {
  if (unit === "share") return `${+(100 * value).toFixed(2)}%`;
  if (value >= 1000) return `${+(value / 1000).toFixed(1)}k`;
  return String(+value.toPrecision(3));
}
