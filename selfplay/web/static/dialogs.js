// The dialogs: a new game, a game to review, the keys.

import { html } from "./graph.js";

const MOST = 250_000;  // characters of a text that is sent
const USUAL = { seconds: 1, simulations: 200, level: 3 };  // strength

/** Whether a player's search is bounded by simulations or seconds; others are as strong as their name says. */
export const searches = name => !/^(random|solver|minimax|mcts|gtp)(:|$)|:0(:|$)/.test(name);
/** Whether a player can be weakened to a level. */
const weakens = name => !/^(random|gtp)(:|$)/.test(name);

/** page: {send(message), offered() what can be played, view() what is shown}. */
export function makeDialogs(page) {
  const dialogs = Object.fromEntries(["new", "review", "help"].map(name => [name, document.querySelector(`#${name}-dialog`)]));
  const fresh = dialogs.new.querySelector("form"), review = dialogs.review.querySelector("form");
  const players = Object.fromEntries([...fresh.querySelectorAll("[data-player]")].map(set => [set.dataset.player, makePlayer(set)]));
  const wrong = review.querySelector(".problem");
  let asked = "";  // of the server by the review: to "list" games or to "open" one
  let ask = 0;  // counts what is chosen: what is told of an earlier choice comes too late

  fresh.elements.game.addEventListener("change", () => page.send({ do: "offer", game: fresh.elements.game.value }));
  fresh.elements.side.addEventListener("change", sides);
  fresh.elements.by.addEventListener("change", () => {
    fresh.elements.much.value = USUAL[fresh.elements.by.value] ?? "";
  });
  for (const kind of ["input", "change"]) fresh.addEventListener(kind, strength);

  const level = () => Math.min(Math.max(Math.round(Number(fresh.elements.much.value)), 1), page.offered().levels);
  const weak = () => fresh.elements.by.value === "level";

  /** What was measured of the levels of a player; undefined where nothing was. */
  const rated = player => page.offered()?.rated[player.name()];

  /** Offers the kinds of strength that the players have. */
  function strength() {
    const { by, much, side } = fresh.elements;
    const names = (side.value === "none" ? [players.a, players.b] : [players.a]).map(player => player.name());
    const bounded = names.some(searches), kinds = { simulations: bounded, seconds: bounded, full: !bounded, level: names.some(weakens) };
    for (const option of by.options) option.hidden = option.disabled = !kinds[option.value];
    if (!kinds[by.value]) {
      by.value = bounded ? "simulations" : "full";
      much.value = USUAL[by.value] ?? "";
    }
    much.closest("label").hidden = by.value === "full";
    rating();
  }

  /** The Elo of the chosen level, where it was measured. */
  function rating() {
    const place = fresh.querySelector("#elo"), measured = weak() && rated(players.a);
    place.hidden = !measured;
    if (!measured) return;
    const [elo, low, high] = measured.elo[level()].map(each => `${each < 0 ? "−" : "+"}${Math.abs(Math.round(each))}`);
    place.textContent = `Elo ${elo} above random moves (95%: ${low} to ${high}), at ${measured.simulations} simulations a move.`;
  }

  function sides() {
    const side = fresh.elements.side.value;
    players.a.set.hidden = side === "both";
    players.b.set.hidden = side !== "none";
    players.a.set.querySelector("legend").textContent = side === "none" ? "First player" : "Opponent";
    fresh.querySelector(".strength").hidden = side === "both";
    strength();
  }

  dialogs.new.addEventListener("close", () => {
    const answer = dialogs.new.returnValue, side = fresh.elements.side.value;
    if (!answer) return;
    const by = fresh.elements.by.value, much = Number(fresh.elements.much.value);
    const [a, b] = [players.a.name(), players.b.name()].map(name => weak() && weakens(name) ? `${name}:level=${level()}` : name);
    const seats = { first: ["", a], second: [a, ""], both: ["", ""], none: [a, b] }[side];
    const message = { do: answer === "seats" ? "seats" : "new", seats };
    if (by === "seconds" || by === "simulations") message[by] = much;
    else if (weak() && rated(players.a)) message.simulations = rated(players.a).simulations;
    if (answer !== "seats") {
      message.game = fresh.elements.game.value;
      message.opening = fresh.elements.opening.value;
      message.random = Number(fresh.elements.random.value);
    }
    page.send(message);
  });

  // review

  review.querySelector("[data-read]").addEventListener("click", async () => {
    const { text, file, run, number } = review.elements, runFile = review.elements["run-file"];
    const uploaded = file.files[0] ? await file.files[0].slice(0, MOST + 1).text() : "";
    const pasted = text.value.trim() || uploaded;
    asked = "open";
    wrong.hidden = true;
    if (pasted.length > MOST) problem(`A text of more than ${MOST.toLocaleString("en")} characters is too long.`);
    else if (number.value !== "" && !number.closest("label").hidden) page.send({ do: "open", number: Number(number.value) });
    else if (pasted) page.send({ do: "read", text: pasted, open: true, ask });
    else if (run.value && runFile.value) page.send({ do: "read", run: run.value, file: runFile.value, open: true, ask });
    else problem(run.value ? `Choose one of the files of ${run.value}.` : "Paste a game, or choose a file or a run.");
  });
  for (const name of ["text", "file"]) review.elements[name].addEventListener("input", chosen);
  review.elements["run-file"].addEventListener("change", () => {
    chosen();
    const [run, file] = [review.elements.run.value, review.elements["run-file"].value];
    if (file) request("list", { do: "read", run, file, ask });
  });
  review.elements.run.addEventListener("change", () => {
    chosen();
    files([]);
    if (review.elements.run.value) request("list", { do: "files", run: review.elements.run.value });
  });

  /** Something else is chosen: what was told of the choice before is gone. */
  function chosen() {
    [asked, ask] = ["", ask + 1];
    wrong.hidden = true;
    games([]);
  }

  function request(what, message) {
    asked = what;
    page.send(message);
  }

  function games(list) {
    const select = review.elements.number;
    select.replaceChildren(...list.map(([where, moves], place) => html("option", { value: place }, `${where}: ${moves} moves`)));
    select.closest("label").hidden = list.length === 0;
    if (list.length) select.value = "0";
  }

  function files(list) {
    const select = review.elements["run-file"];
    select.replaceChildren(html("option", { value: "" }, list.length ? "choose" : "none"), ...list.map(name => html("option", { value: name }, name)));
    select.closest("label").hidden = !review.elements.run.value;
  }

  function problem(words) {
    if (!dialogs.review.open || !asked) return false;
    wrong.textContent = words;
    wrong.hidden = false;
    return true;
  }

  return {
    open(name) {
      if (name === "new") {
        const view = page.view();
        fresh.elements.opening.value = "";
        const own = view.seats.map(seat => seat === "");
        fresh.elements.side.value = own[0] ? (own[1] && view.players === 2 ? "both" : "first") : own[1] ? "second" : "none";
        const level = view.seats.map(seat => /:level=(\d)$/.exec(seat)?.[1]).find(Boolean);
        const by = level ? "level" : view.limit.seconds ? "seconds" : "simulations";
        fresh.elements.by.value = by;
        fresh.elements.much.value = level ?? view.limit[by];
        sides();
      }
      if (name === "review") { [asked, wrong.hidden] = ["", true]; }
      const game = page.view().spec;
      if (name !== "help" && page.offered()?.game !== game) page.send({ do: "offer", game });
      dialogs[name].returnValue = "";
      dialogs[name].showModal();
    },
    /** What can play the chosen game. */
    offer(offered) {
      fresh.elements.game.replaceChildren(...offered.games.map(name => html("option", { value: name }, name)));
      fresh.elements.game.value = offered.game;
      const seats = page.view()?.seats.filter(Boolean) ?? [];
      const [first, second] = seats.map(seat => seat.replace(/:level=\d$/, ""));
      players.a.offer(offered, first);
      players.b.offer(offered, second ?? first);
      strength();
      const runs = offered.runs.filter(run => run.recorded).map(run => html("option", { value: run.name }, run.name));
      review.elements.run.replaceChildren(html("option", { value: "" }, "none"), ...runs);
      review.querySelector("[data-of-runs]").hidden = runs.length === 0;
      chosen();
      files([]);
    },
    /** What was read for a review. */
    told(message) {
      if (message.files && message.run === review.elements.run.value) files(message.files);
      if (message.recorded && message.ask === ask) {
        wrong.hidden = true;
        if (message.recorded.length > 1 || asked === "list") games(message.recorded);
      }
    },
    /** Shows what was wrong where it was asked for; false where no dialog asked. */
    problem,
    /** Closes the review once its game is shown. */
    opened() { if (asked === "open" && dialogs.review.open) dialogs.review.close(); },
  };
}

/** The choice of a player: kind, and what the kind needs to be told. */
function makePlayer(set) {
  const kind = html("select"), step = html("select"), depth = number(4, 1, 6), rollouts = number(400, 1, 10_000);
  const parts = [["player", kind], ["checkpoint", step], ["depth", depth], ["rollouts", rollouts]]
    .map(([words, control]) => html("label", {}, words, control));
  set.append(...parts);
  let runs = [];
  kind.addEventListener("change", refresh);

  function refresh() {
    const run = runs.find(each => each.name === kind.value.replace(/:0$/, ""));
    const steps = run ? run.steps : [];
    step.replaceChildren(html("option", { value: "" }, "the last"), ...steps.toReversed().map(each => html("option", { value: each }, String(each))));
    parts[1].hidden = steps.length < 2;
    parts[2].hidden = kind.value !== "minimax";
    parts[3].hidden = kind.value !== "mcts";
  }

  return {
    set,
    offer(offered, wanted) {
      runs = offered.runs;
      const names = [...offered.own, ...runs.flatMap(run => [run.name, `${run.name}:0`])];
      if (offered.solver) names.push("solver");
      const own = [...new Set([...names, "minimax", "mcts", "random"])];
      const told = name => ({ minimax: "minimax, to a depth", mcts: "rollouts (mcts)", solver: "solver, perfect" }[name] ?? name.replace(/:0$/, ", its net alone"));
      kind.replaceChildren(...own.map(name => html("option", { value: name }, told(name))));
      const [head, tail] = (wanted ?? "").split(/:(?=\d+$)/);
      kind.value = own.includes(wanted) ? wanted : own.includes(head) ? head : own[0];
      if (head === "minimax" && tail) depth.value = tail;
      if (head === "mcts" && tail) rollouts.value = tail;
      refresh();
    },
    name() {
      if (kind.value === "minimax") return `minimax:${depth.value}`;
      if (kind.value === "mcts") return `mcts:${rollouts.value}`;
      if (!step.value) return kind.value;
      return kind.value.endsWith(":0") ? `${kind.value.slice(0, -2)}@${step.value}:0` : `${kind.value}@${step.value}`;
    },
  };
}

const number = (value, min, max) => html("input", { type: "number", value, min, max, step: 1 });
