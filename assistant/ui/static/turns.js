/* The open conversation: questions, replies, and what can be done with them. */

import { announce, button, copyText, directionOfLanguage, find, here, make, numeral, page, texts } from "./base.js";
import { directionOf, drawText } from "./words.js";

const isOver = (turn) => turn.state !== "pending" && turn.state !== "streaming";

/** Draw a conversation over what is there; what has not changed stays as it is.
 *
 * @param actions what the buttons do: edit(turn), retry(turn), rate(turn, verdict, reason), closest(turn, position),
 *   sources(turn), redraw()
 * @param busy whether an answer is on its way, which nothing may replace
 */
export const drawConversation = (conversation, actions, busy) => {
  const holder = find("#conversation .turns");
  const known = new Map([...holder.children].map((element) => [element.dataset.turn, element]));
  conversation.turns.forEach((turn, position) => {
    const element = known.get(turn.id) ?? newTurn(turn);
    known.delete(turn.id);
    if (holder.children[position] !== element) holder.insertBefore(element, holder.children[position] ?? null);
    const last = position === conversation.turns.length - 1;
    drawQuestion(find(".question", element), turn, position, last && !busy, actions);
    drawReply(find(".reply", element), turn, last && !busy, actions);
  });
  known.forEach((element) => element.remove());
  find("#conversation .log").classList.toggle("blank", conversation.turns.length === 0);
};

const newTurn = (turn) => {
  const element = make("article", "turn");
  element.dataset.turn = turn.id;
  const side = (name) => {
    const message = make("div", `message ${name}`);
    message.append(make(name === "question" ? "h2" : "h3", "heard"), make("div", "text"), make("div", "below"));
    return message;
  };
  element.append(side("question"), side("reply"));
  return element;
};

/** Draw what stands below a message, unless it says the same already; focus stays on the button that had it. */
const drawBelow = (message, version, draw) => {
  const below = find(":scope > .below", message);
  if (below.version === version) return;
  below.version = version;
  const focused = below.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  below.replaceChildren(...draw());
  if (focused) find(`[data-name="${focused}"]`, below)?.focus({ preventScroll: true });
};

const tool = (name, label, act) => {
  const made = button(name, label, act, { icon: true });
  made.dataset.name = name;
  return made;
};

const drawQuestion = (message, turn, position, editable, actions) => {
  const direction = directionOf(turn.question) || page.dir;
  message.dir = direction;
  message.lang = direction === "rtl" ? "ar" : "en";
  const heading = find("h2", message);
  heading.textContent = `${here().question} ${numeral(position + 1)}`;
  heading.lang = page.lang;
  drawText(find(".text", message), turn.question, direction);
  drawBelow(message, `${page.lang} ${editable}`, () =>
    (editable ? [tool("edit", here().edit, () => actions.edit(turn))] : []));
};

const drawReply = (message, turn, last, actions) => {
  const direction = directionOfLanguage(turn.language);
  message.dir = direction;
  message.lang = turn.language;
  message.dataset.state = turn.state;
  message.setAttribute("aria-busy", String(!isOver(turn)));
  const heading = find("h3", message);
  heading.textContent = here().answer;
  heading.lang = page.lang;
  const text = find(".text", message);
  const waiting = turn.state === "pending";
  if (waiting) {
    const dots = make("p", "dots", here().thinking);
    dots.lang = page.lang;
    dots.dir = page.dir;
    text.replaceChildren(dots);
  } else {
    if (find(".dots", text)) text.replaceChildren();
    drawText(text, turn.reply, direction, turn);
  }
  const version = [page.lang, turn.state, last, turn.verdict, turn.reason, turn.form, turn.note, turn.closest.length];
  drawBelow(message, version.join("|"), () => (isOver(turn) ? replyFooter(turn, last, actions) : []));
};

const replyFooter = (turn, last, actions) => {
  const t = here();
  const spoken = texts[turn.language] ?? t; // words about a reply go with its language
  const parts = [];
  if (turn.note) parts.push(said("note", turn.note, turn.language));
  if (turn.state === "stopped") parts.push(said("note", t.stopped, page.lang));
  if (turn.closest.length) parts.push(closestList(turn, actions));
  const row = make("div", "row");
  if (turn.state === "answered") row.append(said(`confidence ${turn.confidence}`, spoken[turn.confidence], turn.language, "span"));
  if (turn.state === "answered" && turn.sources.length) {
    const open = button("show-sources", t.sources, () => actions.sources(turn));
    open.append(make("span", "count", numeral(turn.sources.length)));
    open.lang = page.lang;
    open.dir = page.dir;
    row.append(open);
  }
  const tools = make("div", "tools");
  if (turn.state !== "failed" && turn.reply) tools.append(copyTool(turn));
  if (last) tools.append(tool("retry", t.retry, () => actions.retry(turn)));
  if (isRated(turn)) tools.append(thumb("good", "up", turn, actions), thumb("bad", "down", turn, actions));
  row.append(tools);
  parts.push(row);
  if (turn.form) parts.push(reasonForm(turn, actions));
  return parts;
};

const said = (className, text, language, tag = "p") => {
  const element = make(tag, className, text);
  element.lang = language;
  element.dir = directionOfLanguage(language);
  return element;
};

const copyTool = (turn) => {
  const copy = tool("copy", here().copy, async () => {
    await copyText(turn.reply);
    copy.classList.add("done");
    copy.title = here().copied;
    announce(here().copied);
    setTimeout(() => { copy.classList.remove("done"); copy.title = here().copy; }, 1500);
  });
  return copy;
};

/* ---- what comes closest, where there is no answer ---- */

const closestList = (turn, actions) => {
  const t = here();
  const section = make("section", "closest");
  section.lang = page.lang;
  section.dir = page.dir;
  const items = make("ul");
  turn.closest.forEach((place, position) => {
    const open = make("button", "near");
    open.type = "button";
    const title = make("span", "title", place.title);
    title.dir = "auto";
    title.lang = place.language;
    const words = make("span", "words", place.quote);
    words.dir = directionOfLanguage(place.language);
    words.lang = place.language;
    open.append(title, words);
    open.addEventListener("click", () => actions.closest(turn, position));
    items.append(make("li", "", open));
  });
  section.append(make("h4", "", t.closest), make("p", "", t.closest_note), items);
  return section;
};

/* ---- verdicts ---- */

const isRated = (turn) =>
  find("#conversation .log").dataset.rated === "yes" && ["answered", "abstained"].includes(turn.state);

const thumb = (name, verdict, turn, actions) => {
  const made = tool(name, here()[name], () => actions.rate(turn, verdict, ""));
  made.setAttribute("aria-pressed", String(turn.verdict === verdict));
  return made;
};

/* Asked once a verdict is given: turn.form is "asking", then "thanked", or "refused" where it could not be kept. */
const reasonForm = (turn, actions) => {
  const t = here();
  if (turn.form !== "asking") return said("rated", turn.form === "thanked" ? t.thanks : t.not_rated, page.lang);
  const form = make("form", "reason");
  form.lang = page.lang;
  form.dir = page.dir;
  const label = turn.verdict === "up" ? t.why_good : t.why;
  const input = make("textarea");
  input.rows = 2;
  input.maxLength = 2000;
  input.placeholder = label;
  input.dataset.name = "reason";
  input.setAttribute("aria-label", label);
  const send = make("button", "pill", t.send_reason);
  send.type = "submit";
  form.append(input, send, button("skip-reason", t.cancel, () => actions.unask(turn)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.rate(turn, turn.verdict, input.value.trim());
  });
  return form;
};
