// A viewer of recordings, and nothing else: a recording is a graph. In each of
// its nodes it says where every goroutine is and what the variables hold, and
// for each goroutine that can take a step, which node that step leads to.
"use strict";

const scenes = {};  // recordings, by id
const visited = {}; // the nodes you have been in, by id
let scene = null;   // the recording that is shown
let path = [];      // the goroutines whose steps you have chosen
let trail = [];     // the nodes on your path, the first one included
let note = "";      // what became of a path from another version, or of a step that can't be taken
let codeTop = 0;    // where the code is scrolled to, or being scrolled to

const $ = (id) => document.getElementById(id);
const here = () => trail[trail.length - 1];
const placeOf = (node, thread) => scene.places[node.p[thread]];
const canStep = (node, thread) => Boolean(node.n) && thread in node.n;
const whoCan = () => scene.threads.filter((_, i) => canStep(here(), i)).join(" or ");
const watching = () => Boolean(scene.lanes); // a run with one order only

// make returns an element with these attributes and children.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

// play is what the files in data/ call.
function play(recording) {
  scenes[recording.id] = recording;
  visited[recording.id] = new Set();
  open();
}

// open shows what the URL asks for: #scene/path.
function open() {
  const [id, steps = ""] = (location.hash.slice(1) || "letter").split("/");
  if (!/^[a-z0-9-]+$/.test(id)) return;
  if (!scenes[id]) {
    const script = make("script", { src: `data/${id}.js` });
    script.onerror = () => { $("intro").textContent = `There is no recording called ${id}.`; };
    document.head.append(script);
    return;
  }
  const isNew = scene !== scenes[id], fromOther = scene && scene.other === id;
  scene = scenes[id];
  follow(watching() ? Array(Number(steps) || 0).fill(0) : Array.from(steps, (digit) => digit - 1));
  if (fromOther && path.length && !note) stopBeforeTheLast();
  if (isNew) drawScene();
  draw(isNew);
}

// follow takes the steps of a path, as far as there are any.
function follow(steps) {
  path = [];
  trail = [scene.nodes[0]];
  note = "";
  visited[scene.id].add(here());
  for (const thread of steps) {
    if (!canStep(here(), thread)) {
      if (scene.threads[thread]) {
        note = `Your first ${path.length} steps fit here, too. Now ${scene.threads[thread]} ${because(placeOf(here(), thread))}, ${placeOf(here(), thread).status === "finished" ? "so" : "but"} nothing is lost: ${whoCan()} can still take a step. Step ${whoCan()}, and see what comes of it.`;
      }
      break;
    }
    advance(thread);
  }
}

function advance(thread) {
  trail.push(scene.nodes[here().n[thread]]);
  path.push(thread);
  visited[scene.id].add(here());
}

// stopBeforeTheLast leaves the last step of a path from the other version to you,
// and says what is different by now.
function stopBeforeTheLast() {
  const last = scene.threads[path.pop()], other = scenes[scene.other];
  trail.pop();
  const there = path.reduce((node, thread) => other.nodes[node.n[thread]], other.nodes[0]);
  const different = scene.variables.map((variable, i) => there.v[i] === here().v[i] ? ""
    : `But look: ${variable.name} is ${shown(variable, here().v[i])} now, not ${shown(variable, there.v[i])}. `).join("");
  note = `Your first ${path.length} steps fit here, too. ${different}Take the last one yourself, ${last}'s, and see what's different this time.`;
}

function because(place) {
  return { absent: "hasn't started yet", asleep: "is asleep", finished: "has finished", waits: "is waiting for the lock" }[place.status] || "isn't ready";
}

// The commands.

function step(thread) {
  if (!scene || !scene.threads[thread]) return;
  note = "";
  if (canStep(here(), thread)) {
    advance(thread);
    return go();
  }
  if (here().n) note = `${scene.threads[thread]} ${because(placeOf(here(), thread))}, so it can't take a step now. Step ${whoCan()}.`;
  drawVerdict();
}

function back() {
  if (!path.length) return;
  follow(path.slice(0, -1));
  go();
}

const restart = () => { follow([]); go(); };

// run goes on with one goroutine until something changes: see effects.
function run() {
  const able = (thread) => canStep(here(), thread);
  let thread = path.length && able(path[path.length - 1]) ? path[path.length - 1] : scene.threads.findIndex((_, i) => able(i));
  while (thread >= 0 && able(thread)) {
    const before = here();
    advance(thread);
    if (effects(before, here(), thread).length) break;
  }
  note = "";
  go();
}

function go() {
  const steps = watching() ? path.length : path.map((thread) => thread + 1).join("");
  history.replaceState(null, "", `#${scene.id}${path.length ? "/" + steps : ""}`);
  draw();
}

// What the nodes say.

function codeAt(at) {
  const [file, number] = at.split(":");
  const block = scene.code.find((c) => c.file === file && number >= c.line && number < c.line + c.lines.length);
  const line = block ? block.lines[number - block.line] : "";
  if (line.trim() === "select {") return "select: " + block.lines[number - block.line + 1].trim().replace(/^case |:$/g, "");
  return line.replace(/\s*\/\/.*/, "").replace(/^func .*?\{ (.*) \}$/, "$1").trim();
}

function stuck(node) {
  return Boolean(node.f) || !node.n && node.p.some((p) => !/finished|absent/.test(scene.places[p].status));
}

function shown(variable, value) {
  if (variable.kind === "token") return value === "0" ? "none" : "one";
  return value || (variable.kind === "queue" ? "empty" : "none");
}

// effects lists what a thread's step has changed.
function effects(before, after, thread) {
  const had = placeOf(before, thread).locals || [], has = placeOf(after, thread).locals || [];
  const all = has.filter((local) => / (true|false)$/.test(local) && !had.includes(local));
  scene.variables.forEach((variable, i) => {
    if (before.v[i] !== after.v[i]) all.push(`${variable.name}: ${shown(variable, after.v[i])}`);
  });
  scene.threads.forEach((name, i) => {
    const was = placeOf(before, i).status, is = placeOf(after, i).status;
    if (was !== is && is === "asleep") all.push(`${name} falls asleep`);
    if (was === "asleep" && is !== "asleep") all.push(`${name} wakes up`);
    if (was !== is && is === "finished") all.push(`${name} has finished`);
  });
  return all;
}

// found is what a step on your path found out, and outcome also what it changed.
const found = (i) => trail[i].s && trail[i].s[path[i]] ? trail[i].s[path[i]].split("; ") : [];
const outcome = (i) => [...found(i), ...effects(trail[i], trail[i + 1], path[i])];

// The drawing. What stays while you step is drawn by drawScene, the rest by draw.

function drawScene() {
  const base = scene.broken ? scene.id : scene.other || scene.id;
  document.title = `${scene.title} · Be the scheduler`;
  $("title").textContent = scene.title;
  $("intro").textContent = scene.intro;
  $("how").hidden = watching();
  $("watch").hidden = !watching();
  $("atomics").hidden = !scene.chapter.startsWith("06");
  $("scene").value = base.replace(/-repaired$/, "");
  $("page").href = (location.protocol === "file:" ? "../.." : "https://github.com/async-go-tutorial/async-runtime/blob/main") + "/" + scene.page;
  $("variants").replaceChildren(...(scene.other ? [scene.id, scene.other].sort() : []).map((id) => {
    const repaired = id.endsWith("-repaired");
    const link = make("a", { href: `#${id}` }, repaired ? "Repaired" : "Broken");
    if (id === scene.id) link.setAttribute("aria-current", "page");
    return link;
  }));
  let file = "";
  $("code").replaceChildren(...scene.code.flatMap((block) => {
    const lines = block.lines.map((text, i) => {
      const number = block.line + i, is = (kind) => (block[kind] || []).includes(number) ? " " + kind : "";
      const [, code, comment] = text.match(/^(.*?)(\/\/.*)?$/);
      return make("div", { class: "line" + is("changed") + is("untrue"), id: `${block.file}:${number}` },
        make("span", { class: "tags" }),
        make("span", { class: "number" }, String(number)),
        make("code", {}, code.replaceAll("\t", "    "), comment ? make("i", {}, comment) : ""));
    });
    const heading = block.file === file ? [] : [make("h2", {}, block.file)];
    file = block.file;
    return [...heading, make("div", { class: "block" }, ...lines)];
  }));
  if (scene.broken) $("code").prepend(make("p", { class: "legend" }, "We broke the striped lines. The rest is the chapter's code." + (scene.code.some((block) => block.untrue) ? " The comment that is struck out is true only there." : "")));
  $("threads").replaceChildren(...scene.threads.map((name, i) => {
    const card = make("button", { type: "button", class: `card t${i}` });
    card.onclick = () => step(i);
    return card;
  }));
  $("code").scrollTop = codeTop = 0;
}

function draw(isNew) {
  $("code").style.setProperty("--top", `${$("dock").offsetTop}px`);
  drawThreads();
  drawMarks(isNew);
  drawVariables();
  drawVerdict();
  drawLanes();
  $("back").setAttribute("aria-disabled", !path.length);
  $("restart").setAttribute("aria-disabled", !path.length);
  $("run").setAttribute("aria-disabled", !here().n);
}

function drawThreads() {
  scene.threads.forEach((name, i) => {
    const place = placeOf(here(), i), able = canStep(here(), i);
    const status = { ready: "ready", failed: "broke", waits: "waits for the lock", finished: "finished", absent: "not yet", asleep: able ? "asleep, till its time is up" : "asleep" }[place.status];
    const at = place.at ? place.at[0] : "";
    const what = at ? codeAt(at) : "";
    const arrow = here().a && here().a.slice(0, 2).map((lane) => scene.lanes[lane].replace(/:.*/, ""));
    const title = arrow ? `${[...new Set(arrow)].join(" → ")}: ${here().a[2]}` : name;
    const latest = path.lastIndexOf(i), last = latest < 0 || watching() ? "" : outcome(latest).join(", ");
    $("threads").children[i].replaceChildren(
      make("span", { class: "head" }, make("kbd", {}, String(i + 1)), make("b", {}, title), make("span", { class: `status ${place.status}` }, watching() && able ? "next" : status)),
      make("code", {}, what && (able || place.status === "waits" ? "next: " : "in: ") + what),
      make("small", {}, [at.replace(/.*\//, ""), ...(place.locals || [])].join(" · ")),
      make("small", { title: last }, last && `last step: ${last}`));
    $("threads").children[i].setAttribute("aria-disabled", !able);
    $("threads").children[i].setAttribute("aria-label", `${i + 1}: ${name}, ${status}${at ? `, at ${what}, ${at}` : ""}${last && `; its last step: ${last}`}`);
  });
}

// drawMarks marks the line of each goroutine, and the calls it is in.
function drawMarks(atOnce) {
  for (const tag of $("code").querySelectorAll(".tag")) tag.remove();
  for (const line of $("code").querySelectorAll(".now")) line.className = line.className.replace(/ now.*/, "");
  scene.threads.forEach((name, i) => {
    const place = placeOf(here(), i);
    (place.at || []).forEach((at, depth) => {
      const line = document.getElementById(at);
      if (!line) return;
      const lane = here().a ? here().a[0] : i; // of a run, the lane that the arrow starts at
      if (!depth) line.className += ` now t${lane}`;
      const who = here().a ? scene.lanes[lane].replace(/:.*/, "") : name;
      const text = depth ? `in: ${who}` : place.status === "asleep" ? `${who} zz` : who;
      line.firstChild.append(make("span", { class: `tag t${lane}${depth ? " outer" : ""}` }, text));
    });
  });
  const latest = [...path.slice(-1), ...scene.threads.keys()].map((i) => placeOf(here(), i)).find((place) => place.at);
  const line = latest && document.getElementById(latest.at[0]);
  if (!line) return;
  const code = $("code"), top = line.offsetTop - codeTop;
  if (top < 40 || top + line.offsetHeight > code.clientHeight - 40) {
    const calm = atOnce || matchMedia("(prefers-reduced-motion: reduce)").matches;
    codeTop = Math.max(0, Math.min(line.offsetTop - code.clientHeight / 3, code.scrollHeight - code.clientHeight));
    code.scrollTo({ top: codeTop, behavior: calm ? "instant" : "smooth" });
  }
}

function drawVariables() {
  const before = trail[trail.length - 2];
  $("variables").replaceChildren(...scene.variables.map((variable, i) => {
    const value = here().v[i];
    const cell = make("dd", { class: variable.kind });
    if (variable.kind === "token") {
      cell.append(make("span", { class: value === "0" ? "slot" : "slot full" }), shown(variable, value));
    } else if (variable.kind === "queue" && value) {
      cell.append(...value.split(", ").map((item) => make("span", { class: "item" }, item)));
    } else {
      cell.append(make("span", { class: `value ${value}` }, shown(variable, value)));
    }
    const changed = before && before.v[i] !== value;
    return make("div", { class: changed ? "variable new" : "variable" }, make("dt", {}, variable.name), cell);
  }));
}

function drawVerdict() {
  const node = here(), all = [], steps = path.length === 1 ? "1 step" : `${path.length} steps`;
  let kind = "";
  if (note) all.push(make("p", {}, note));
  if (stuck(node)) {
    kind = "lost";
    all.push(make("h2", {}, node.f ? `It broke, in ${steps}: ${node.f}.` : `You lost the wakeup, in ${steps}.`), make("p", {}, scene.lesson));
    all.push(make("ol", {}, ...path.map((thread, i) => make("li", {}, make("b", { class: `t${thread}` }, scene.threads[thread]), " ", make("code", {}, codeAt(placeOf(trail[i], thread).at[0])), " ", make("small", {}, found(i).join(", "))))));
    all.push(make("a", { href: `#${scene.other}/${path.map((thread) => thread + 1).join("")}` }, "Take the same steps in the repaired version"));
  } else if (!node.n) {
    kind = "done";
    const done = watching() ? "That was the whole run." : scene.broken
      ? "Everything has finished, so this order happened to work. Restart, and try another one."
      : "Everything has finished, as it does in every order.";
    all.push(make("h2", {}, done));
    if (!scene.broken && scene.lesson) all.push(make("p", {}, scene.lesson));
  }
  $("verdict").className = kind;
  $("verdict").replaceChildren(...all);
  if (kind) (innerWidth > 760 ? $("verdict").querySelector("h2") : $("verdict")).scrollIntoView({ block: "nearest" });
  const count = scene.nodes.length, been = visited[scene.id].size, bad = scene.nodes.filter(stuck).length;
  const begun = been > 1 || path.length; // until then, we don't say whether a repair works
  $("coverage").textContent = watching() ? `Step ${path.length} of ${count - 1}.`
    : `There are ${count} states${scene.broken ? `, and in ${bad === 1 ? "one" : bad} of them ${scene.nodes.some((n) => n.f) ? "it breaks" : "the wakeup is lost"}` : ""}. `
      + (scene.broken || !begun ? "" : `The test that recorded them has been in all ${count}, and none is stuck. `)
      + `You've seen ${been} so far${begun ? ", over all your tries" : ""}.`;
}

// drawLanes draws one column for each goroutine, and one row for each step.
function drawLanes() {
  const names = scene.lanes || scene.threads;
  const rows = [make("li", { class: "names" }, make("span"), ...names.map((name, i) => make("b", { class: `t${i}` }, name)))];
  path.forEach((thread, i) => {
    const before = trail[i], number = make("span", { class: "number" }, String(i + 1));
    let cell;
    if (before.a) {
      const [from, to, label] = before.a, left = Math.min(from, to), right = Math.max(from, to);
      const way = from === to ? "self" : from < to ? "right" : "left";
      cell = make("span", { class: `arrow ${way} t${from}`, style: `grid-column: ${left + 2} / ${right + 3}; --lanes: ${right - left + 1}` }, label);
    } else {
      const at = placeOf(before, thread).at;
      const changes = outcome(i).map((text) => make("small", {}, text));
      cell = make("span", { class: `took t${thread}`, style: `grid-column: ${thread + 2}` }, make("code", {}, at ? codeAt(at[0]) : "a step"), ...changes);
    }
    rows.push(make("li", {}, number, cell));
  });
  $("lanes").style.setProperty("--lanes", names.length);
  $("lanes").replaceChildren(...rows);
  $("lanes").scrollTop = $("lanes").scrollHeight;
}

$("back").onclick = back;
$("restart").onclick = restart;
$("run").onclick = run;
$("scene").onchange = () => {
  location.hash = $("scene").value;
  if (!$("scene").matches(":focus-visible")) $("scene").blur(); // chosen with a pointer
};
$("code").onscrollend = () => { codeTop = $("code").scrollTop; };
addEventListener("resize", () => { if (scene) draw(true); });
addEventListener("hashchange", open);
addEventListener("click", (event) => { // so that the space bar runs on, after a click
  if (event.detail && document.activeElement.tagName === "BUTTON") document.activeElement.blur();
});
addEventListener("keydown", (event) => {
  const inControl = /^(SELECT|BUTTON|A)$/.test(event.target.tagName);
  if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key >= "1" && event.key <= "9") step(event.key - 1);
  else if (event.key === "u") back();
  else if (event.key === "r") restart();
  else if (event.key === " " && !inControl) run();
  else return;
  event.preventDefault();
});
open();
