/* The list of conversations: open, rename, download, delete and take that back. */

import { button, find, here, isPhone, make, page, recall, remember, writtenMoment } from "./base.js";
import * as store from "./store.js";
import { directionOf } from "./words.js";

const UNDO_SECONDS = 10;

let renaming = ""; // id of the conversation whose name is being written

const isWide = () => matchMedia("(min-width: 1180px)").matches;

/** Whether the list stands over the page, rather than beside the conversation. */
export const isOverlay = () => !isWide();
export const drawerIsOpen = () => page.classList.contains("drawer-open");

/* While the list stands over the page, the keyboard stays in it. */
const holdPage = (held) => {
  for (const part of document.querySelectorAll("#bar, #talk, #sources")) part.inert = held;
};

export const openDrawer = () => {
  page.classList.add("drawer-open");
  holdPage(isOverlay());
  find("[data-action=drawer]").setAttribute("aria-expanded", "true");
  if (isWide()) remember("drawer", "open");
  else find("#drawer .new-chat").focus();
};

export const closeDrawer = ({ focus = true } = {}) => {
  page.classList.remove("drawer-open");
  holdPage(false);
  const switcher = find("[data-action=drawer]");
  switcher.setAttribute("aria-expanded", "false");
  if (isWide()) remember("drawer", "closed");
  if (focus) switcher.focus();
};

export const startDrawer = () => {
  matchMedia("(min-width: 1180px)").addEventListener("change", () => holdPage(isOverlay() && drawerIsOpen()));
  if (isWide() && recall("drawer") !== "closed") page.classList.add("drawer-open");
  find("[data-action=drawer]").setAttribute("aria-expanded", String(drawerIsOpen()));
};

/** Draw the list.
 *
 * @param current id of the open conversation
 * @param actions open(id), deleted(id), restored(), download(conversation), redraw()
 */
export const drawDrawer = (current, actions) => {
  const all = store.conversations();
  const place = find("#drawer .conversations");
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  place.replaceChildren(...all.map((one) => item(one, one.id === current, actions)));
  if (focused) find(`[data-name="${CSS.escape(focused)}"]`, place)?.focus();
  find("#drawer nav").setAttribute("aria-label", here().conversations);
  find("#drawer .empty").hidden = all.length > 0;
  find("#drawer .not-kept").hidden = store.isKept();
};

const item = (conversation, isCurrent, actions) => {
  const row = make("li", isCurrent ? "conversation current" : "conversation");
  row.dataset.id = conversation.id;
  if (renaming === conversation.id) {
    row.append(nameForm(conversation, actions));
    return row;
  }
  const title = make("span", "title", conversation.title || here().untitled);
  title.dir = directionOf(conversation.title) || page.dir;
  title.lang = title.dir === "rtl" ? "ar" : "en";
  const open = make("button", "open", title);
  open.type = "button";
  open.dataset.name = `open-${conversation.id}`;
  if (isCurrent) open.setAttribute("aria-current", "true");
  open.addEventListener("click", () => actions.open(conversation.id));
  const when = make("time", "", writtenMoment(conversation.updated));
  when.dateTime = new Date(conversation.updated).toISOString();
  const tools = make("div", "tools");
  const tool = (name, act) => {
    const made = button(name, here()[name], act, { icon: true });
    made.dataset.name = `${name}-${conversation.id}`;
    return made;
  };
  tools.append(
    tool("rename", () => { renaming = conversation.id; actions.redraw(); }),
    tool("export", () => actions.download(conversation.id)),
    tool("delete", () => remove(conversation.id, actions)),
  );
  row.append(open, make("div", "beside", when, tools));
  return row;
};

const nameForm = (conversation, actions) => {
  const form = make("form", "naming");
  const input = make("input");
  input.value = conversation.title;
  input.maxLength = 200;
  input.dir = "auto";
  input.setAttribute("aria-label", here().new_name);
  const done = (keep) => {
    if (renaming !== conversation.id) return;
    renaming = "";
    const title = input.value.trim();
    if (keep && title) actions.rename(conversation.id, title);
    actions.redraw();
    find(`[data-name="open-${conversation.id}"]`)?.focus();
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); done(true); });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    done(false);
  });
  input.addEventListener("blur", () => done(true));
  form.append(input);
  requestAnimationFrame(() => { input.focus(); input.select(); });
  return form;
};

/* ---- deleting, and taking it back ---- */

const notice = make("div", "undo");
notice.setAttribute("role", "status");
let timer = 0;

const remove = (conversationId, actions) => {
  const conversation = store.load(conversationId);
  store.remove(conversationId);
  actions.deleted(conversationId);
  const undo = button("undo-delete", here().undo, () => {
    store.restore(conversation);
    hideUndo();
    actions.restored(conversation.id);
  });
  notice.replaceChildren(make("span", "", here().deleted), undo);
  notice.lang = page.lang;
  document.body.append(notice);
  undo.focus({ preventScroll: true });
  startTimer();
};

const hideUndo = () => notice.remove();
const startTimer = () => {
  clearTimeout(timer);
  timer = setTimeout(hideUndo, UNDO_SECONDS * 1000);
};
// Whoever is about to press it is not hurried.
for (const event of ["mouseenter", "focusin"]) notice.addEventListener(event, () => clearTimeout(timer));
for (const event of ["mouseleave", "focusout"]) notice.addEventListener(event, startTimer);

export const leaveDrawer = () => { if (isOverlay() || isPhone()) closeDrawer({ focus: false }); };
