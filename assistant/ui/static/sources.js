/* What marks stand for: the preview beside a mark, the panel of sources, and whole documents over the page. */

import {
  button, directionOfLanguage, documentAddress, find, here, isPhone, isStill, languageName, make, numeral, page,
  writtenDate,
} from "./base.js";
import { sourceId } from "./words.js";

let shown = null; // the turn whose sources the panel holds
let openCard = ""; // id of the card that was asked for
let opener = null; // what asked for it, to which focus returns
let dismissed = false; // on a wide screen the panel opens by itself until somebody closes it

/* ---- the panel ---- */

const label = (className, text, tag = "p") => {
  const element = make(tag, className, text);
  element.lang = page.lang;
  element.dir = page.dir;
  return element;
};

/** Date, page, language and kind, as far as they are known. */
const about = (place, fact) => {
  const items = [];
  if (place.date) items.push(make("time", "", writtenDate(place.date)));
  if (place.page !== null) items.push(make("span", "", `${here().page} ${numeral(place.page)}`));
  items.push(make("span", "", languageName(place.language)));
  if (fact) items.push(make("span", "badge", here().fact));
  const row = make("ul", "about");
  row.lang = page.lang;
  row.dir = page.dir;
  row.append(...items.map((item) => make("li", "", item)));
  return row;
};

const head = (number, place, fact) => {
  const title = make("h3", "", place.title);
  title.lang = place.language;
  title.dir = "auto";
  const header = make("header");
  header.append(make("span", "number", number), make("div", "", title, about(place, fact)));
  return header;
};

const foot = (place) => {
  const link = make("a", "whole", here().whole);
  link.href = documentAddress(place);
  link.target = "_blank";
  link.lang = page.lang;
  link.dir = page.dir;
  const origin = make("p", "origin");
  for (const text of [place.origin, place.document_id.split("/").pop()]) {
    if (!text) continue;
    const part = make("bdi", "", text);
    part.title = text;
    origin.append(part);
  }
  const footer = make("footer");
  footer.append(origin, link);
  return footer;
};

const passage = (place) => {
  const element = make("p", "passage");
  element.lang = place.language;
  element.dir = directionOfLanguage(place.language);
  element.append(place.before, make("mark", "", place.quote), place.after);
  return element;
};

const sourceCard = (turn, source) => {
  const { place, fact } = source;
  const card = make("article", fact ? "card of-fact" : "card");
  card.id = sourceId(turn, source.number);
  card.tabIndex = -1;
  card.dir = directionOfLanguage(place.language);
  card.append(head(numeral(source.number), place, fact));
  if (fact) {
    const when = fact.as_of ? ` · ${here().as_of} ${writtenDate(fact.as_of)}` : "";
    const statement = make("p", "statement", fact.statement);
    statement.lang = fact.language;
    statement.dir = directionOfLanguage(fact.language);
    card.append(label("label-line", here().statement + when), statement, label("label-line", here().evidence));
  }
  card.append(passage(place), foot(place));
  return card;
};

const closestCard = (turn, place, position) => {
  const card = make("article", "card near");
  card.id = `closest-${turn.id}-${position}`;
  card.tabIndex = -1;
  card.dir = directionOfLanguage(place.language);
  const words = make("p", "passage", place.quote);
  words.lang = place.language;
  words.dir = card.dir;
  card.append(head("≈", place, null), words, foot(place));
  return card;
};

/** Draw the panel for the turn that it shows, unless it is drawn already. */
export const drawSources = () => {
  const panel = find("#sources aside");
  const near = Boolean(shown && !shown.sources.length && shown.closest.length);
  const version = JSON.stringify([page.lang, shown?.id, shown?.sources, shown?.closest]);
  panel.setAttribute("aria-label", near ? here().closest : here().sources);
  if (panel.version !== version) {
    panel.version = version;
    find("h2", panel).textContent = near ? here().closest : here().sources;
    const body = find(".panel-body", panel);
    const question = make("p", "asked", shown?.question ?? "");
    question.dir = "auto";
    const cards = shown?.sources.map((source) => sourceCard(shown, source)) ?? [];
    if (near) cards.push(label("near-note", here().closest_note), ...shown.closest.map((place, at) => closestCard(shown, place, at)));
    const scrolled = body.scrollTop;
    body.replaceChildren(question, ...cards);
    body.scrollTop = scrolled;
  }
  for (const card of panel.querySelectorAll(".card")) card.classList.toggle("open", card.id === openCard);
  for (const chip of document.querySelectorAll("a.cite")) chip.classList.toggle("open", chip.hash === `#${openCard}`);
};

const setOpen = (open) => page.classList.toggle("sources-open", open);

/** Put the sources of a turn into the panel; on a wide screen it opens, unless it was closed by hand. What only comes
 * close is not shown as if it were an answer: it stays below the reply until somebody asks for it. */
export const showTurn = (turn) => {
  if (shown !== turn) openCard = "";
  shown = turn;
  drawSources();
  if (!turn?.sources.length) setOpen(false);
  else if (!isPhone() && !dismissed) setOpen(true);
};

/** Open the panel at a card.
 *
 * @param cardId of the card, or nothing for the panel as a whole
 * @param from what asked for it: focus returns there
 */
export const openSources = (turn, cardId, from) => {
  hidePreview();
  shown = turn;
  openCard = cardId ?? "";
  opener = from;
  dismissed = false;
  drawSources();
  setOpen(true);
  from?.scrollIntoView({ block: "nearest" }); // the sheet of a phone may have covered it
  const card = cardId ? document.getElementById(cardId) : find("#sources .card");
  if (!card) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", behavior: isStill() ? "auto" : "smooth" });
};

export const closeSources = () => {
  if (!page.classList.contains("sources-open")) return;
  setOpen(false);
  dismissed = true;
  openCard = "";
  drawSources();
  if (opener?.isConnected) opener.focus();
  opener = null;
};

/* ---- preview of a quote, beside its mark ---- */

const preview = make("div");
preview.id = "preview";
preview.setAttribute("role", "tooltip");
preview.hidden = true;

export const hidePreview = () => {
  if (preview.hidden) return false;
  preview.hidden = true;
  find("a.cite[aria-describedby]")?.removeAttribute("aria-describedby");
  return true;
};

export const showPreview = (link, place) => {
  hidePreview();
  preview.dir = directionOfLanguage(place.language);
  preview.lang = place.language;
  preview.replaceChildren(make("strong", "", place.title), make("span", "", place.quote));
  document.body.append(preview);
  preview.hidden = false;
  link.setAttribute("aria-describedby", preview.id);
  const mark = link.getBoundingClientRect();
  const box = preview.getBoundingClientRect();
  const middle = mark.left + mark.width / 2 - box.width / 2;
  const above = mark.top - box.height - 8;
  preview.style.left = `${Math.max(8, Math.min(middle, innerWidth - box.width - 8))}px`;
  preview.style.top = `${above > 8 ? above : mark.bottom + 8}px`;
};

/* ---- whole documents, over the page ---- */

const reader = make("dialog");
reader.id = "reader";

/** Show a document over the page; its address also works by itself, in a tab of its own. */
export const openReader = (link) => {
  const t = here();
  const frame = make("iframe");
  frame.title = t.document;
  frame.src = link.href;
  const tab = make("a", "pill", t.new_tab);
  tab.href = link.href;
  tab.target = "_blank";
  const head = make("div", "reader-head");
  head.append(make("h2", "", t.document), tab, button("close-reader", t.close_document, () => reader.close(), { icon: true }));
  reader.replaceChildren(head, frame);
  reader.setAttribute("aria-label", t.document);
  reader.addEventListener("close", () => { reader.replaceChildren(); link.focus(); }, { once: true });
  document.body.append(reader);
  reader.showModal();
};

export const closeReader = () => reader.close(); // asked for by the page inside

reader.addEventListener("click", (event) => { if (event.target === reader) reader.close(); });
