/* What every part of the page uses: its texts, language, numerals and dates, and small helpers for the DOM. */

export const page = document.documentElement;
export const texts = JSON.parse(document.getElementById("dalil-texts").textContent);

/** The texts of the interface language. */
export const here = () => texts[page.lang] ?? texts.en;
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export const find = (selector, within = document) => within.querySelector(selector);

/** An element; what is said in it is always text, never markup. */
export const make = (tag, className = "", ...content) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
};

export const button = (className, label, act, { icon = false } = {}) => {
  const element = make("button", `${icon ? "icon" : "pill"} ${className}`, icon ? make("span", "heard", label) : label);
  element.type = "button";
  if (icon) element.title = label;
  element.addEventListener("click", act);
  return element;
};

/* ---- what the browser keeps: storage may be forbidden, the choice then lasts as long as the page ---- */

export const remember = (key, value) => {
  try { localStorage.setItem(`dalil-${key}`, value); } catch { /* not kept */ }
};
export const recall = (key) => {
  try { return localStorage.getItem(`dalil-${key}`); } catch { return null; }
};

/* ---- language ---- */

export const directionOfLanguage = (code) => (/^(ar|fa|he|ps|sd|ug|ur|yi)\b/.test(code) ? "rtl" : "ltr");

/** What the reader chose, else what the browser speaks. */
export const preferredLanguage = () => {
  const chosen = recall("language");
  if (chosen in texts) return chosen;
  return navigator.language.toLowerCase().startsWith("ar") ? "ar" : "en";
};

let language = preferredLanguage();

export const setPageLanguage = (code) => {
  language = code;
  page.lang = code;
  page.dir = directionOfLanguage(code);
};

// Gradio writes the browser's language there, whatever the reader chose, whenever it gets round to it.
new MutationObserver(() => {
  if (page.lang !== language) setPageLanguage(language);
}).observe(page, { attributes: true, attributeFilter: ["lang"] });

export const locale = () => (page.lang === "ar" ? "ar-EG-u-ca-gregory-nu-arab" : "en-GB-u-ca-gregory-nu-latn");

/** A number in the numerals of the interface: ٣ in Arabic. What documents say is left as it is. */
export const numeral = (number) => new Intl.NumberFormat(locale(), { useGrouping: false }).format(number);

/** A date of a document, as precise as it is given (year, month or day); anything else as it is. */
export const writtenDate = (iso) => {
  if (!/^\d{4}(-\d\d(-\d\d)?)?$/.test(iso)) return iso;
  const options = { year: "numeric", timeZone: "UTC" };
  if (iso.length > 4) options.month = "long";
  if (iso.length > 7) options.day = "numeric";
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : new Intl.DateTimeFormat(locale(), options).format(date);
};

/** A moment as a list shows it: the hour today, else the day. */
export const writtenMoment = (milliseconds, now = Date.now()) => {
  const [date, today] = [new Date(milliseconds), new Date(now)];
  const options = date.toDateString() === today.toDateString()
    ? { hour: "numeric", minute: "2-digit" }
    : { day: "numeric", month: "long", ...(date.getFullYear() === today.getFullYear() ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(locale(), options).format(date);
};

export const writtenDay = (milliseconds) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(new Date(milliseconds));

export const languageName = (code) => here().languages[code] ?? code;

/* ---- the rest ---- */

export const isPhone = () => matchMedia("(max-width: 860px)").matches;
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Said once to those who hear the page. */
export const announce = (text) => {
  const place = find(".said-aloud");
  if (place) place.replaceChildren(make("span", "", text));
};

/** An id that nobody guesses; crypto.randomUUID is missing where the page does not come over HTTPS. */
export const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Into the clipboard, also where the page does not come over HTTPS. */
export const copyText = async (text) => {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = make("textarea", "heard");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};

/** The address of a whole document, at the place of the quote where that is known. */
export const documentAddress = (place) => {
  const asked = new URLSearchParams({ id: place.document_id, ui: page.lang });
  if (place.start === null) return `document?${asked}`;
  asked.set("start", place.start);
  asked.set("end", place.end);
  asked.set("check", place.digest);
  return `document?${asked}#quote`;
};
