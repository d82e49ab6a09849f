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
let linked = "";    // where a link in a verdict leads to
let replay = {};    // of the steps that were taken in the broken version: the path, and what it's compared with
let codeTop = 0;    // where the code is scrolled to, or being scrolled to

const $ = (id) => document.getElementById(id);
const here = () => trail[trail.length - 1];
const placeOf = (node, thread, of = scene) => of.places[node.p[thread]];
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
  const isNew = scene !== scenes[id], isLinked = linked && linked === location.hash;
  scene = scenes[id];
  const asked = watching() ? Array(Number(steps) || 0).fill(0) : Array.from(steps, (digit) => digit - 1);
  follow(asked);
  if (isNew) {
    replay = isLinked ? compared(asked) : {};
    drawScene();
  }
  if (isLinked) note = `${isNew ? replay.ending : ""} ${here().n ? `Step ${whoCan()}, and see what comes of it.` : ""}`.trim();
  linked = "";
  go(isNew);
  if (isNew) $("compared").scrollIntoView({ block: "nearest" }); // if there is anything in it
}

// follow takes the steps of a path, as far as there are any.
function follow(steps) {
  path = [];
  trail = [scene.nodes[0]];
  note = "";
  visited[scene.id].add(here());
  for (const thread of steps) {
    if (!canStep(here(), thread)) {
      if (scene.threads[thread]) note = `Step ${path.length + 1} isn't possible here: ${cannot(thread)}.`;
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

// compared says what each step of your path did in the broken version, where the
// steps lost the wakeup. The recording's sentence names steps by what they note.
function compared(steps) {
  const other = scenes[scene.other], were = [other.nodes[0]], rows = [];
  for (const thread of steps) were.push(other.nodes[were[were.length - 1].n[thread]]);
  const then = steps.map((thread, i) => notes(were[i], were[i + 1], thread, other)), now = path.map((_, i) => notesOf(i));
  const only = (some, others) => some.filter((text) => !others.includes(text)).join(", ") || "–";
  now.forEach((has, i) => {
    const same = has.join() === then[i].join(), since = same && rows[0] && rows[0].same ? rows.shift().since : i + 1;
    const step = since > i ? `${since} ${scene.threads[path[i]]}` : `${since} to ${i + 1}`;
    rows.unshift({ same, since, cells: same ? [step, "the same", "the same"] : [step, only(then[i], has), only(has, then[i])] });
  });
  const stepOf = (all, text) => all.findIndex((some) => some.includes(text)) + 1;
  const sentence = scene.same.replace(/{(broken )?(.*?)}/g, (_, broken, text) => broken ? stepOf(then, text) : `step ${stepOf(now, text)}`);
  const row = (kind, cells) => make("tr", {}, ...cells.map((text) => make(kind, {}, text)));
  const sleeper = scene.threads.find((_, i) => [placeOf(here(), i), placeOf(were[steps.length], i, other)].every(({ status }) => status === "asleep"));
  const next = scene.threads.findIndex((_, i) => canStep(here(), i)), code = next < 0 ? "" : codeAt(placeOf(here(), next).at[0]).replace("select: ", "");
  return {
    path: path.join(),
    ending: !sleeper || !code ? note.replace("isn't", "of the broken version isn't") : `${sleeper} sleeps here, too, but this time ${scene.threads[next]} still has ${code} to ${code.endsWith(")") ? "call" : "try"}.`,
    said: [make("p", {}, !/ 0\b/.test(sentence) ? sentence : rows[1] ? "This time it's different:" : "Until now each step does the same in both versions."), make("table", {}, row("th", ["step", "broken", "repaired"]), ...rows.reverse().map(({ cells }) => row("td", cells)))],
  };
}

function cannot(thread) {
  return `${scene.threads[thread]} ${{ absent: "hasn't started yet", asleep: "is asleep already", finished: "has finished already", waits: "is waiting for the lock" }[placeOf(here(), thread).status] || "isn't ready"}`;
}

// The commands.

function step(thread) {
  if (!scene || !scene.threads[thread]) return;
  const able = canStep(here(), thread);
  note = able || !here().n ? "" : `${cannot(thread)}, so it can't take a step now. Step ${whoCan()}.`;
  if (able) advance(thread);
  go();
}

const back = () => { follow(path.slice(0, -1)); go(); };
const restart = () => { follow([]); go(); };

// runner is the goroutine that run goes on with: the latest, if it can.
function runner() {
  const latest = path[path.length - 1];
  return path.length && canStep(here(), latest) ? latest : scene.threads.findIndex((_, i) => canStep(here(), i));
}

// run goes on with one goroutine until a value or anything's status changes.
function run() {
  const all = (node) => [...node.v, ...scene.threads.map((_, i) => placeOf(node, i).status)].join();
  const thread = runner(), before = all(here());
  while (canStep(here(), thread) && all(here()) === before) advance(thread);
  note = "";
  go();
}

function go(isNew) {
  const steps = watching() ? path.length : path.map((thread) => thread + 1).join("");
  history.replaceState(null, "", `#${scene.id}${path.length ? "/" + steps : ""}`);
  draw(isNew);
}

// What the nodes say.

// functionAt returns the function that has the line, and which of its lines that is.
function functionAt(at, of = scene) {
  const [file, number] = at.split(":");
  const block = of.code.find((c) => c.file === file && number >= c.line && number < c.line + c.lines.length);
  return block ? [block.lines, number - block.line] : [[""], 0];
}

function codeAt(at) {
  const [lines, i] = functionAt(at), line = lines[i];
  if (line.trim() === "select {") return "select: " + lines[i + 1].trim().replace(/^case |:$/g, "");
  return line.replace(/\s*\/\/.*/, "").replace(/^func .*?\{ (.*) \}$/, "$1").trim();
}

const isEnd = (node) => Boolean(node.f) || !node.n;
const stuck = (node) => Boolean(node.f) || !node.n && node.p.some((p) => !/finished|absent/.test(scene.places[p].status));

const shown = ({ kind }, value) => kind === "token" ? (value === "0" ? "none" : "one") : value || (kind === "queue" ? "empty" : "none");

// notes lists what a thread's step found out and changed, in the order of the
// code, and then which goroutines have woken up, fallen asleep or finished.
function notes(before, after, thread, of = scene) {
  const all = before.s && before.s[thread] ? before.s[thread].split("; ") : [];
  const is = (node, i) => placeOf(node, i, of).status, becomes = (i, status) => is(before, i) !== status && is(after, i) === status;
  of.threads.forEach((name, i) => {
    if (is(before, i) === "asleep" && is(after, i) !== "asleep") all.push(`${name} wakes up`);
    if (becomes(i, "asleep")) all.push(`${name} falls asleep`);
    if (becomes(i, "waits")) all.push(`${name} has to wait for the lock`);
    if (becomes(i, "finished")) all.push(`${name} has finished`);
  });
  const was = placeOf(before, thread, of).at || [], now = placeOf(after, thread, of).at || [], entered = now[now.length - was.length - 1];
  if (all.length || !now.length) return all;
  const code = entered ? functionAt(entered, of)[0][0] : "", noToken = after.v[of.variables.findIndex(({ kind }) => kind === "token")] === "0";
  return [code ? code.replace(/^func (\(.*?\) )?(\w+).*/, "enters $2") : `goes on to line ${now[0].split(":")[1]}`, ...(noToken && code.includes("Parker) Wake") ? ["no token yet"] : [])];
}

const notesOf = (i) => notes(trail[i], trail[i + 1], path[i]);

// The drawing. What stays while you step is drawn by drawScene, the rest by draw.

function drawScene() {
  const base = scene.broken ? scene.id : scene.other || scene.id;
  document.title = `${scene.title} · Be the scheduler`;
  for (const id of ["title", "intro"]) $(id).textContent = scene[id];
  $("how").hidden = $("last").hidden = watching();
  $("watch").hidden = !watching();
  $("atomics").hidden = !scene.chapter.startsWith("06");
  $("scene").value = base.replace(/-repaired$/, "");
  $("page").href = (location.protocol === "file:" ? "../.." : "https://github.com/async-go-tutorial/async-runtime/blob/main") + "/" + scene.page;
  $("variants").replaceChildren(...(scene.other ? [scene.id, scene.other].sort() : []).map((id) => {
    const link = make("a", { href: `#${id}` }, id.endsWith("-repaired") ? "Repaired" : "Broken");
    if (id === scene.id) link.setAttribute("aria-current", "page");
    return link;
  }));
  let file = "";
  $("code").replaceChildren(...scene.code.flatMap((block) => {
    const lines = block.lines.map((text, i) => {
      const number = block.line + i, is = (kind) => (block[kind] || []).includes(number) ? " " + kind : "";
      const [, code, comment] = text.match(/^(.*?)(\/\/.*)?$/);
      return make("div", { class: "line" + is("changed") + is("untrue"), id: `${block.file}:${number}`, "data-gone": (block.gone || {})[number] || "" },
        make("span", { class: "tags" }),
        make("span", { class: "number" }, String(number)),
        make("code", {}, code.replaceAll("\t", "    "), comment ? make("i", {}, comment) : ""));
    });
    const heading = block.file === file ? [] : [make("h2", {}, block.file)];
    file = block.file;
    return [...heading, make("div", { class: "block" }, ...lines)];
  }));
  const legend = !scene.broken ? "The striped lines differ from the broken version." : "We broke the striped lines. The rest is the chapter's code." + (scene.code.some((block) => block.untrue) ? " The comment that is struck out is true only there." : "");
  if (scene.other) $("code").prepend(make("p", { class: "legend" }, legend));
  $("code").className = scene.broken ? "" : "repaired";
  $("threads").replaceChildren(...scene.threads.map((name, i) => {
    const card = make("button", { type: "button", class: `card t${i}`, "aria-keyshortcuts": i + 1 });
    card.onclick = () => step(i);
    return card;
  }));
  $("code").scrollTop = codeTop = 0;
}

function draw(isNew) {
  $("code").style.setProperty("--top", `${$("dock").offsetTop}px`);
  if (isNew) reserve();
  const said = path.join().startsWith(replay.path) ? replay.said : []; // it's true of no other path
  if ($("compared").firstChild !== (said[0] || null)) $("compared").replaceChildren(...said);
  drawThreads();
  drawMarks(isNew);
  drawVariables();
  drawVerdict();
  drawLanes();
  $("last").textContent = path.length ? `Step ${path.length}, ${scene.threads[path[path.length - 1]]}: ${notesOf(path.length - 1).join("; ")}` : "";
  $("runner").textContent = watching() || !here().n ? "" : scene.threads[runner()];
  for (const id of ["back", "restart", "run"]) $(id).setAttribute("aria-disabled", id === "run" ? !here().n : !path.length);
}

// reserve keeps the room that the fullest cards need, so that nothing below them jumps.
function reserve() {
  const now = trail;
  $("threads").style.minHeight = 0;
  const heights = scene.nodes.map((node) => { trail = [node]; drawThreads(); return $("threads").offsetHeight; });
  $("threads").style.minHeight = `${Math.max(...heights)}px`;
  trail = now;
}

function drawThreads() {
  scene.threads.forEach((name, i) => {
    const place = placeOf(here(), i), able = canStep(here(), i);
    const status = { ready: "ready", failed: "broke", waits: "waits for the lock", finished: "finished", absent: "not yet", asleep: able ? "asleep, till its time is up" : "asleep" }[place.status];
    const at = place.at ? place.at[0] : "", what = at ? codeAt(at) : "";
    const arrow = here().a && here().a.slice(0, 2).map((lane) => scene.lanes[lane].replace(/:.*/, ""));
    const title = arrow ? `${[...new Set(arrow)].join(" → ")}: ${here().a[2]}` : name;
    $("threads").children[i].replaceChildren(
      make("span", { class: "head" }, make("kbd", {}, String(i + 1)), make("b", {}, title), make("span", { class: `status ${place.status}` }, watching() && able ? "next" : status)),
      make("code", {}, what && `${able || place.status === "waits" ? "next," : "in"} line ${at.split(":")[1]}: ${what}`),
      make("small", {}, [at.replace(/.*\/|:.*/g, ""), ...(place.locals || [])].join(" · ")));
    $("threads").children[i].setAttribute("aria-disabled", !able);
    $("threads").children[i].setAttribute("aria-label", title);
    $("threads").children[i].setAttribute("aria-description", `${status}${at ? `, at ${what}, ${at}` : ""}`);
  });
}

// drawMarks marks the line of each goroutine, and the calls it is in. The latest one
// comes into view, or at a verdict the function that differs most between the versions.
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
  const code = $("code"), differing = [...code.querySelectorAll(".block")].map((block) => block.querySelectorAll(".changed")).sort((a, b) => b.length - a.length);
  const changed = isEnd(here()) || atOnce && $("compared").firstChild ? differing[0] : [];
  const line = changed[0] || latest && document.getElementById(latest.at[0]), last = changed[changed.length - 1] || line;
  if (!line) return;
  if (line.offsetTop - codeTop < 40 || last.offsetTop - codeTop + last.offsetHeight > code.clientHeight - 40) {
    const calm = atOnce || matchMedia("(prefers-reduced-motion: reduce)").matches;
    codeTop = Math.max(0, Math.min(line.offsetTop - (changed[0] ? 80 : code.clientHeight / 3), code.scrollHeight - code.clientHeight));
    code.scrollTo({ top: codeTop, behavior: calm ? "instant" : "smooth" });
  }
}

function drawVariables() {
  const before = trail[trail.length - 2];
  const span = (name, text) => make("span", { class: name }, text);
  $("variables").replaceChildren(...scene.variables.map((variable, i) => {
    const value = here().v[i], text = shown(variable, value);
    const cell = variable.kind === "token" ? [span(value === "0" ? "slot" : "slot full", ""), text]
      : variable.kind === "queue" && value ? value.split(", ").map((item) => span("item", item)) : [span(`value ${value}`, text)];
    return make("div", { class: before && before.v[i] !== value ? "variable new" : "variable" }, make("dt", {}, variable.name), make("dd", { class: variable.kind }, ...cell));
  }));
}

function drawVerdict() {
  const node = here(), all = [], steps = path.length === 1 ? "1 step" : `${path.length} steps`;
  const kind = stuck(node) ? "lost" : node.n ? "" : "done";
  if (note) all.push(make("p", {}, note));
  if (kind === "lost") {
    all.push(make("h2", {}, node.f ? `It broke, in ${steps}: ${node.f}.` : `You lost the wakeup, in ${steps}.`), make("p", {}, scene.lesson));
    all.push(make("a", { href: `#${scene.other}/${path.map((thread) => thread + 1).join("")}` }, "Take the same steps in the repaired version"));
  } else if (kind) {
    const done = watching() ? "That was the whole run." : scene.broken
      ? "Everything has finished, so this order happened to work. Restart, and try another one."
      : "Everything has finished, as it does in every order.";
    all.push(make("h2", {}, done), ...(scene.orders ? [make("p", {}, scene.lesson)] : []));
  }
  const wasEnd = scene.nodes.some((other) => isEnd(other) && visited[scene.id].has(other));
  if (wasEnd && scene.orders) all.push(make("p", {}, "Look at other orders, too: ", ...scene.orders.flatMap(([name, keys, stop], i) => [i ? " · " : "", make("a", { href: `#${scene.id}/${keys.slice(0, stop)}` }, name)])));
  $("verdict").className = kind;
  $("verdict").replaceChildren(...all);
  if (kind) (innerWidth > 760 ? $("verdict").querySelector("h2") : $("verdict")).scrollIntoView({ block: "nearest" });
  const count = scene.nodes.length, been = visited[scene.id].size, bad = scene.nodes.filter(stuck).length;
  $("coverage").textContent = watching() ? `Step ${path.length} of ${count - 1}.`
    : !wasEnd ? "" : `There are ${count} states of goroutines and variables. `
      + (scene.broken ? `In ${bad === 1 ? "one" : bad} of them ${scene.nodes.some((n) => n.f) ? "it breaks" : "the wakeup is lost"}. ` : `The test that recorded them has been in all ${count}, and none is stuck. `)
      + `You've been in ${been}, over all your tries.`;
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
      cell = make("span", { class: `took t${thread}`, style: `grid-column: ${thread + 2}` }, make("code", {}, at ? codeAt(at[0]) : "a step"), make("small", {}, notesOf(i).join(" · ")));
    }
    rows.push(make("li", {}, number, cell));
  });
  $("lanes").style.setProperty("--lanes", names.length);
  $("lanes").replaceChildren(...rows);
  $("lanes").scrollTop = $("lanes").scrollHeight;
}

for (const [id, command] of Object.entries({ back, restart, run })) $(id).onclick = command;
$("scene").onchange = () => {
  location.hash = $("scene").value;
  if (!$("scene").matches(":focus-visible")) $("scene").blur(); // chosen with a pointer
};
$("code").onscrollend = () => { codeTop = $("code").scrollTop; };
addEventListener("resize", () => { if (scene) draw(true); });
addEventListener("hashchange", open);
addEventListener("click", (event) => { // so that the space bar runs on, after a click
  if (event.detail && /^(BUTTON|A)$/.test(document.activeElement.tagName)) document.activeElement.blur();
  if (event.target.closest("#verdict a") && (linked = event.target.hash) === location.hash) open();
});
addEventListener("keydown", (event) => {
  if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key >= "1" && event.key <= "9") step(event.key - 1);
  else if (event.key === "u") back();
  else if (event.key === "r") restart();
  else if (event.key === " " && !/^(SELECT|BUTTON)$/.test(event.target.tagName)) run();
  else return;
  event.preventDefault();
});
open();
