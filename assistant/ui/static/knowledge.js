/* The browser's half of the knowledge page: language, theme, searching, uploads, the question before a removal.
 *
 * The server draws lists and panels; here clicks and keys become events of one Gradio component. Language and
 * theme are kept under the same names as the chat keeps them.
 */
import { fill, find, here, locale, make, page, preferredLanguage, recall, remember, setPageLanguage } from "./base.js";

/* ---- language and theme ---- */

const setLanguage = (code) => {
  setPageLanguage(code);
  document.title = `${here().title} · ${here().name}`;
  redraw();
};

/* A date as precise as it is given; a moment in the reader's time zone. */
const written = (moment) => {
  const options = { year: "numeric" };
  if (moment.length > 4) options.month = "long";
  if (moment.length > 7) options.day = "numeric";
  if (moment.length > 10) Object.assign(options, { hour: "2-digit", minute: "2-digit" });
  else options.timeZone = "UTC";
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : new Intl.DateTimeFormat(locale(), options).format(date);
};

const set = (element, name, value) => {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
};
const say = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

/* What Python cannot say in both languages at once: names, placeholders, times. Changes only what differs,
 * for it runs whenever the page has changed. */
const redraw = () => {
  const t = here();
  set(find("#search"), "placeholder", t.search);
  set(find("#search"), "aria-label", t.search);
  set(find("#bar nav"), "aria-label", t.pages);
  say(find("#switch-language"), t.other_language);
  set(find("#switch-language"), "lang", page.lang === "ar" ? "en" : "ar");
  set(find("#switch-theme"), "aria-label", t.theme);
  document.querySelectorAll("button.remove").forEach((button) =>
    set(button, "aria-label", `${t.remove}: ${button.dataset.title}`));
  document.querySelectorAll("main time[datetime]").forEach((time) => say(time, written(time.dateTime)));
  const said = find("#said");
  set(said, "role", "status");
  set(said, "aria-live", "polite");
  const busy = page.classList.contains("busy");
  document.querySelectorAll("#desk [data-action], #files, button.remove").forEach((control) => {
    if (busy && !control.disabled) { control.disabled = true; control.dataset.paused = ""; }
    if (!busy && "paused" in control.dataset) { control.disabled = false; delete control.dataset.paused; }
  });
};

/* ---- what is asked of the server ---- */

const view = { kind: "documents", query: "", number: 0 };
let send = null;

let asked = ""; // the view that is being fetched
const ask = () => {
  if (asked || !send) return;
  asked = JSON.stringify(view);
  send("show", { ...view });
};
/* While one view is fetched, only the last of those asked for meanwhile is remembered. */
const show = (change) => {
  Object.assign(view, { number: 0 }, change);
  ask();
};

const begin = (name, data) => {
  if (!send || page.classList.contains("busy")) return;
  page.classList.add("busy");
  redraw();
  send(name, { ...view, ...data });
};

window.dalilKnowledge = {
  connect(trigger) {
    send = trigger;
    const theme = recall("theme");
    if (theme) document.body.classList.toggle("dark", theme === "dark");
    redraw();
    requestAnimationFrame(() => requestAnimationFrame(() => page.classList.add("ready")));
  },
  shown(well) {
    const behind = asked !== JSON.stringify(view);
    asked = "";
    if (behind && well) ask();
  },
  ended(well) {
    page.classList.remove("busy");
    redraw();
    if (!well) announce(here().broken);
  },
};
setTimeout(() => page.classList.add("ready"), 5000); // a page that starts slowly is shown as it is

/* A line beside what the server says. */
const announce = (text, kind = "wrong") => {
  find("#local")?.remove();
  if (!text) return;
  const line = make("p", `notice ${kind}`, text);
  line.id = "local";
  line.setAttribute("role", "status");
  find("#said").before(line);
};

/* ---- uploads ---- */

const uploadOne = (file, onStep) => new Promise((resolve) => {
  const body = new FormData();
  body.append("files", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", "gradio_api/upload");
  request.upload.onprogress = (event) => { if (event.lengthComputable) onStep(event.loaded / event.total); };
  request.onerror = () => resolve({ problem: here().upload_failed });
  request.onload = () => {
    if (request.status === 413) { resolve({ problem: here().too_large }); return; }
    try {
      resolve({ path: JSON.parse(request.responseText)[0] });
    } catch {
      resolve({ problem: here().upload_failed });
    }
  };
  request.send(body);
});

const uploadAll = async (files) => {
  if (!files.length || page.classList.contains("busy")) return;
  page.classList.add("busy");
  redraw();
  find("#going")?.remove();
  announce("");
  const going = make("div", "going");
  going.id = "going";
  const bar = make("progress");
  bar.max = files.length;
  const line = make("p");
  going.append(line, bar);
  find("#said").before(going);
  const arrived = [];
  const problems = [];
  for (const [position, file] of files.entries()) {
    const name = `\u2068${file.name}\u2069`;
    line.textContent = fill(here().uploading, { name });
    bar.setAttribute("aria-label", line.textContent);
    // The server would close the connection in the middle, of which the browser cannot tell the reason.
    const { path, problem } = file.size > Number(find("#files").dataset.max) ? { problem: here().too_large }
      : await uploadOne(file, (part) => { bar.value = position + part; });
    if (path) arrived.push({ path, name: file.name });
    else problems.push(`${name}: ${problem}`);
    bar.value = position + 1;
  }
  going.remove();
  page.classList.remove("busy");
  if (problems.length) announce(problems.join("\n"));
  if (arrived.length) begin("upload", { files: arrived, replace: false });
  else redraw();
};

/* ---- the question before a removal ---- */

const askRemoval = (button) => {
  const t = here();
  const { id, title, cited } = button.dataset;
  const dialog = make("dialog", "confirm");
  dialog.lang = page.lang;
  dialog.dir = page.dir;
  const heading = make("h2", "", t.confirm_title);
  heading.id = "confirm-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  const name = make("p", "what", title);
  name.dir = "auto";
  const place = make("p", "soft");
  place.append(button.closest(".item").querySelector(".path").cloneNode(true));
  dialog.append(heading, name, place, make("p", "", t.confirm));
  if (cited) {
    const list = make("ul");
    cited.split("\n").forEach((fact) => {
      const item = make("li");
      item.append(make("bdi", "", fact));
      list.append(item);
    });
    const warning = make("div", "problems doubtful");
    warning.append(make("p", "", t.confirm_cited), list);
    dialog.append(warning);
  }
  const cancel = make("button", "pill", t.cancel);
  const yes = make("button", "pill danger", t.remove);
  cancel.type = yes.type = "button";
  cancel.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => { dialog.returnValue = "yes"; dialog.close("yes"); });
  const choices = make("div", "choices");
  choices.append(cancel, yes);
  dialog.append(choices);
  dialog.addEventListener("close", () => {
    const confirmed = dialog.returnValue === "yes";
    dialog.remove();
    if (confirmed) {
      begin("remove", { id, title });
      find("#rows")?.focus({ preventScroll: true });
    } else if (button.isConnected) {
      button.focus();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
};

/* ---- events ---- */

const actions = {
  language: () => {
    const code = page.lang === "ar" ? "en" : "ar";
    remember("language", code);
    setLanguage(code);
  },
  theme: () => remember("theme", document.body.classList.toggle("dark") ? "dark" : "light"),
  tab: ({ dataset }) => show({ kind: dataset.kind }),
  page: ({ dataset }) => {
    show({ number: Number(dataset.number) });
    find("#rows").focus({ preventScroll: true });
    find("#searching").scrollIntoView({ block: "start" });
  },
  sync: () => { announce(""); begin("sync", {}); },
  remove: (button) => { announce(""); askRemoval(button); },
  replace: ({ dataset }) => begin("upload", { files: [{ path: dataset.path, name: dataset.name }], replace: true }),
};

document.addEventListener("click", (event) => {
  const control = event.target.closest?.("[data-action]");
  if (control && !control.disabled) actions[control.dataset.action]?.(control);
});

document.addEventListener("input", (event) => {
  if (event.target.id === "search") show({ query: event.target.value });
});
document.addEventListener("submit", (event) => event.preventDefault());

document.addEventListener("change", (event) => {
  if (event.target.id !== "files") return;
  const files = [...event.target.files];
  event.target.value = ""; // the same file may be chosen again
  uploadAll(files);
});

/* Left and right move between the tabs, as they look. */
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const other = [...document.querySelectorAll("[role=tab]")].find((one) => one !== tab);
  other.focus();
  other.click();
});

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  find("#drop")?.classList.toggle("over", Boolean(event.target.closest?.("#drop")));
});
document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault(); // beside the field, the browser would open the file instead of the page
  find("#drop")?.classList.remove("over");
  if (event.target.closest?.("#drop")) uploadAll([...event.dataTransfer.files]);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) find("#drop")?.classList.remove("over");
});

/* Somebody else may have changed the folder meanwhile. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden || page.classList.contains("busy")) return;
  send?.("look", {});
  ask();
});

setLanguage(preferredLanguage());
if (window.dalilWire) window.dalilKnowledge.connect(window.dalilWire); // Gradio was quicker than this script
new MutationObserver(redraw).observe(page, { subtree: true, childList: true, characterData: true });
