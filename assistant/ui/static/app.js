/* The browser's half of the chat: it holds the conversations, asks, and has everything drawn.
 *
 * Gradio carries questions and what comes back; `window.dalil`, a promise, is what its events call. A question is
 * shown at once, and every message of the server holds its turn as it is by then, so that a lost one does no harm.
 */

import {
  announce, find, here, isPhone, make, newId, page, preferredLanguage, recall, remember, setPageLanguage, texts,
} from "./base.js";
import { closeDrawer, drawDrawer, drawerIsOpen, isOverlay, leaveDrawer, openDrawer, startDrawer } from "./drawer.js";
import { download } from "./export.js";
import * as panel from "./sources.js";
import * as store from "./store.js";
import { drawConversation } from "./turns.js";
import { directionOf, sourceId } from "./words.js";

const HISTORY = 12; // turns that go with a question
const MAX_SENT = 20_000; // characters of each of their texts
const ALIVE_SECONDS = 3; // how often the server is asked whether it is there, while an answer is waited for

let conversation = store.newConversation();
let busy = null; // { conversation, turn }: what is being answered, in the open conversation or another one
let editing = null; // the turn whose question is in the box
let started = false;

/* ---- the wire ---- */

let connect = null;
const connected = new Promise((resolve) => { connect = resolve; });
const tell = async (event, data) => (await connected)(event, data);

/* ---- drawing ---- */

const redraw = () => {
  if (!started) return;
  const log = find("#conversation .log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  drawConversation(conversation, actions, busy?.conversation === conversation);
  panel.drawSources();
  page.classList.toggle("asking", busy !== null);
  page.classList.toggle("edits", editing !== null);
  find(".editing").hidden = editing === null;
  if (atEnd) log.scrollTop = log.scrollHeight;
};

const redrawList = () => { if (started) drawDrawer(conversation.id, actions); };

const drawExamples = () => {
  const examples = here().examples.map((text) => {
    const example = make("button", "example", text);
    example.type = "button";
    example.dir = directionOf(text);
    example.lang = example.dir === "rtl" ? "ar" : "en";
    example.addEventListener("click", () => ask(text));
    return make("li", "", example);
  });
  find(".examples").replaceChildren(...examples);
};

/* Names for what stands outside our own HTML, and for what has both languages inside. */
const nameControls = () => {
  const t = here();
  const name = (selector, label) => find(selector)?.setAttribute("aria-label", label);
  name("#conversation .log", t.conversation);
  name("#question .submit-button", t.send);
  for (const control of document.querySelectorAll(".bar button, #drawer .panel-head button, #sources button, #above-box button")) {
    const label = find(`.label[lang=${page.lang}]`, control)?.textContent;
    if (label) control.title = label;
  }
  const theme = document.body.classList.contains("dark") ? "light" : "dark";
  for (const label of document.querySelectorAll("[data-action=theme] .label")) label.textContent = texts[label.lang][theme];
  find("[data-action=theme]").title = t[theme];
};

const redrawAll = () => {
  drawExamples();
  nameControls();
  redraw();
  redrawList();
};

/* ---- the question box, which is Gradio's ---- */

const box = () => find("#question textarea");
let boxText = null; // what it should hold, where that is not what was typed

const boxUpdate = () => {
  const update = { __type__: "update", label: here().placeholder, placeholder: here().placeholder };
  if (boxText !== null) update.value = boxText;
  boxText = null;
  return [update];
};

const setBox = (text) => {
  boxText = text;
  tell("localise");
  box().focus();
};

const focusBox = () => { if (!isPhone()) box()?.focus(); };

/* ---- asking ---- */

const ask = (question) => {
  if (busy || !question.trim()) return;
  if (editing) store.dropTurn(conversation, editing);
  editing = null;
  const spoken = directionOf(question) || page.dir;
  const turn = {
    id: newId(), at: Date.now(), question: question.trim(), state: "pending", reply: "",
    language: spoken === "rtl" ? "ar" : "en", confidence: "low", note: "", sources: [], closest: [],
    verdict: "", reason: "",
  };
  const history = conversation.turns
    .filter((one) => one.state === "answered" || one.state === "abstained")
    .slice(-HISTORY)
    .map((one) => [one.question.slice(0, MAX_SENT), one.reply.slice(0, MAX_SENT)]);
  conversation.turns.push(turn);
  busy = { conversation, turn };
  keepOpen();
  store.save(conversation);
  redraw();
  redrawList();
  const log = find("#conversation .log");
  log.scrollTop = log.scrollHeight;
  announce(here().thinking);
  tell("ask", { id: turn.id, question: turn.question.slice(0, MAX_SENT), history, interface: page.lang });
  watchServer(turn);
};

/* Gradio would wait for ever for a server that is gone, or say so in English. */
const watchServer = (turn) => {
  let misses = 0;
  const timer = setInterval(async () => {
    if (busy?.turn !== turn) {
      clearInterval(timer);
      return;
    }
    const alive = await fetch("healthz", { cache: "no-store" }).then((response) => response.ok, () => false);
    misses = alive ? 0 : misses + 1;
    if (misses >= 2 && busy?.turn === turn) fail(here().lost);
  }, ALIVE_SECONDS * 1000);
};

const fail = (reason) => {
  if (!busy) return;
  Object.assign(busy.turn, { state: "failed", reply: reason, language: page.lang, sources: [], closest: [] });
  finish(reason);
};

const finish = (said) => {
  const { conversation: asked, turn } = busy;
  busy = null;
  store.save(asked);
  redraw();
  redrawList();
  announce(said);
  if (asked === conversation) panel.showTurn(turn);
};

const receiveTurn = (message) => {
  const reply = store.readReply(message);
  if (!reply || busy?.turn.id !== reply.id) return; // stopped, or asked by an earlier page
  const { turn } = busy;
  Object.assign(turn, reply);
  if (turn.state !== "streaming") {
    finish(`${turn.state === "answered" ? here().ready : ""} ${turn.reply}`);
    return;
  }
  redraw();
  if (busy.conversation === conversation) panel.showTurn(turn);
};

const stop = () => {
  if (!busy) return;
  tell("stop", { id: busy.turn.id });
  busy.turn.state = "stopped";
  finish(here().stopped);
  box().focus();
};

/* ---- what the buttons do ---- */

const actions = {
  edit(turn) {
    editing = turn;
    redraw();
    setBox(turn.question);
  },
  retry(turn) {
    if (busy) return;
    store.dropTurn(conversation, turn);
    ask(turn.question);
    focusBox();
  },
  rate(turn, verdict, reason) {
    turn.verdict = verdict;
    turn.reason = reason;
    turn.form = reason ? "thanked" : "asking";
    store.save(conversation);
    redraw();
    if (!reason) find(`[data-turn="${turn.id}"] [data-name=reason]`)?.focus({ preventScroll: true });
    else announce(here().thanks);
    tell("rate", { id: turn.id, verdict, reason });
  },
  unask(turn) {
    turn.form = "thanked";
    redraw();
  },
  sources(turn) { panel.openSources(turn, null, document.activeElement); },
  closest(turn, position) { panel.openSources(turn, `closest-${turn.id}-${position}`, document.activeElement); },
  open(id) {
    const found = busy?.conversation.id === id ? busy.conversation : store.load(id);
    if (found) show(found);
    leaveDrawer();
    focusBox();
  },
  deleted(id) {
    if (conversation.id === id) startAnew();
    redrawList();
  },
  restored(id) {
    actions.open(id);
    redrawList();
  },
  rename(id, title) {
    const found = id === conversation.id ? conversation : store.load(id);
    Object.assign(found, { title, named: true });
    store.save(found);
  },
  download(id) { download(id === conversation.id ? conversation : store.load(id)); },
  redraw: redrawList,
};

const receiveRated = ({ id, kept }) => {
  const turn = conversation.turns.find((one) => one.id === id);
  if (kept || !turn) return;
  Object.assign(turn, { verdict: "", reason: "", form: "refused" });
  store.save(conversation);
  redraw();
  announce(here().not_rated);
};

/* ---- which conversation is open: a tab comes back to its own when it is loaded again ---- */

const keepOpen = () => {
  try { sessionStorage.setItem("dalil-open", conversation.id); } catch { /* not kept */ }
};
const lastOpen = () => {
  try { return sessionStorage.getItem("dalil-open"); } catch { return null; }
};

const show = (found) => {
  conversation = found;
  editing = null;
  keepOpen();
  find("#conversation .turns").replaceChildren();
  panel.showTurn(conversation.turns.at(-1) ?? null);
  redraw();
  redrawList();
  const log = find("#conversation .log");
  log.scrollTop = log.scrollHeight;
};

const startAnew = () => {
  if (busy?.conversation === conversation) stop();
  show(store.newConversation());
};

store.watch((id, removed) => {
  if (!started) return;
  const isOpen = id === conversation.id && busy?.conversation !== conversation;
  if (isOpen && removed) startAnew();
  else if (isOpen) {
    const found = store.load(id);
    if (found) show(found);
  }
  redrawList();
});

/* Who logged in, where anybody has to: conversations are kept apart, and there is a way out. */
const showUser = ({ name }) => {
  store.setOwner(name);
  page.classList.toggle("has-user", name !== null);
  find("#drawer .user").hidden = name === null;
  find("#drawer .user .name").textContent = name ?? "";
};

/* ---- what Gradio's events call ---- */

window.dalilReady({
  connect,
  async start() {
    showUser(await fetch("who", { cache: "no-store" }).then((response) => response.json()).catch(() => ({ name: null })));
    const theme = recall("theme");
    if (theme) document.body.classList.toggle("dark", theme === "dark");
    setPageLanguage(preferredLanguage());
    document.title = here().name;
    started = true;
    const found = lastOpen() && store.load(lastOpen());
    if (found) conversation = found;
    startDrawer();
    redrawAll();
    panel.showTurn(conversation.turns.at(-1) ?? null);
    const log = find("#conversation .log");
    log.scrollTop = log.scrollHeight;
    return boxUpdate();
  },
  async begun() {
    await connected;
    nameControls();
    requestAnimationFrame(() => page.classList.add("ready"));
  },
  submit(question) {
    if (busy || !question.trim()) return [question];
    ask(question);
    return [""];
  },
  box: boxUpdate,
  receive(value) {
    if (!value) return;
    const message = JSON.parse(value);
    if (message.kind === "rated") receiveRated(message);
    else receiveTurn(message);
  },
  async refused() {
    const response = await fetch("who", { cache: "no-store" }).catch(() => null);
    fail(response && (response.redirected || !response.ok) ? here().expired : here().busy);
  },
  closeReader: panel.closeReader,
});

setTimeout(() => page.classList.add("ready"), 5000); // a page that starts slowly is shown as it is

/* ---- clicks and keys ---- */

const byAction = {
  skip() { box().focus(); },
  drawer() { if (drawerIsOpen()) closeDrawer(); else openDrawer(); },
  "close-drawer"() { closeDrawer(); },
  "new-chat"() {
    startAnew();
    leaveDrawer();
    box().focus();
  },
  language() {
    const code = page.lang === "ar" ? "en" : "ar";
    remember("language", code);
    setPageLanguage(code);
    document.title = here().name;
    redrawAll();
    tell("localise");
  },
  theme() {
    remember("theme", document.body.classList.toggle("dark") ? "dark" : "light");
    nameControls();
  },
  stop,
  "cancel-edit"() { cancelEdit(); },
  "close-sources"() { panel.closeSources(); },
};

const cancelEdit = () => {
  editing = null;
  redraw();
  setBox("");
};

const chipOf = (event) => event.target.closest?.("a.cite");
const sourceOf = (chip) => {
  const turn = conversation.turns.find((one) => one.id === chip.dataset.turn);
  const source = turn?.sources.find((one) => one.number === Number(chip.dataset.number));
  return source ? { turn, source } : null;
};

const openChip = (chip) => {
  const found = sourceOf(chip);
  if (found) panel.openSources(found.turn, sourceId(found.turn, found.source.number), chip);
};

const previewChip = (chip) => {
  const found = sourceOf(chip);
  if (found) panel.showPreview(chip, found.source.place);
};

const plainClick = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;

document.addEventListener("click", (event) => {
  const chip = chipOf(event);
  const whole = event.target.closest?.("a.whole");
  const action = event.target.closest?.("[data-action]")?.dataset.action;
  if (chip) {
    event.preventDefault();
    openChip(chip);
  } else if (whole && plainClick(event)) {
    event.preventDefault();
    panel.openReader(whole);
  } else if (action && byAction[action]) {
    event.preventDefault();
    byAction[action]();
  }
});

/* An empty question is not sent, and none while another one is being answered: what is in the box stays there. */
const holdBack = (event) => {
  const sends = event.type === "click" ? event.target.closest?.("#question .submit-button")
    : event.target === box() && event.key === "Enter" && !event.shiftKey;
  if (!sends || (box().value.trim() && !busy)) return;
  event.preventDefault();
  event.stopPropagation();
};
document.addEventListener("click", holdBack, true);
document.addEventListener("keydown", holdBack, true);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !find("dialog[open]")) {
    if (panel.hidePreview()) return;
    if (drawerIsOpen() && isOverlay()) closeDrawer();
    else if (editing) cancelEdit();
    else panel.closeSources();
  } else if (event.key === " " && chipOf(event)) {
    event.preventDefault(); // a button's key, on a link
    openChip(chipOf(event));
  }
});

document.addEventListener("mouseover", (event) => {
  if (chipOf(event)) previewChip(chipOf(event));
  else panel.hidePreview();
});
document.addEventListener("focusin", (event) => {
  if (chipOf(event)?.matches(":focus-visible")) previewChip(chipOf(event));
});
document.addEventListener("focusout", panel.hidePreview);
document.addEventListener("scroll", panel.hidePreview, true);
