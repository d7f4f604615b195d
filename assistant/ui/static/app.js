/* The browser's half of the chat: languages, theme, drawing of replies, sources.
 *
 * Gradio draws messages as plain text. An observer then gives each its direction, turns [1] into chips and
 * adds what belongs below a reply. What Python knows about a reply is in the sources panel: one
 * <section id="turn-N" data-state data-language data-confidence> per turn.
 */
(() => {
  "use strict";

  const page = document.documentElement;
  const texts = JSON.parse(document.getElementById("dalil-texts").textContent);
  const here = () => texts[page.lang] ?? texts.en;

  const make = (tag, className, content = "") => {
    const element = document.createElement(tag);
    element.className = className;
    element.append(content);
    return element;
  };

  /* Storage may be forbidden; the choice then lasts as long as the page. */
  const remember = (key, value) => {
    try { localStorage.setItem(`dalil-${key}`, value); } catch { /* not kept */ }
  };
  const recall = (key) => {
    try { return localStorage.getItem(`dalil-${key}`); } catch { return null; }
  };

  /* ---- language and theme ---- */

  const directionOfLanguage = (code) => (/^(ar|fa|he|ps|sd|ug|ur|yi)\b/.test(code) ? "rtl" : "ltr");

  const preferredLanguage = () =>
    recall("language") ?? (navigator.language.toLowerCase().startsWith("ar") ? "ar" : "en");

  const setPageLanguage = (code) => {
    page.lang = code;
    page.dir = directionOfLanguage(code);
  };

  const isDark = () => document.body.classList.contains("dark");
  const themeUpdate = () => update({ value: isDark() ? here().light : here().dark });
  const update = (props) => ({ __type__: "update", ...props });

  /* New values for: language, new-chat, language switch, theme switch, conversation, question box. */
  const localise = (code) => {
    setPageLanguage(code);
    const t = here();
    const rtl = page.dir === "rtl";
    document.title = t.name;
    redrawReplies();
    nameControls();
    return [
      code,
      update({ value: t.new_chat }),
      update({ value: t.other_language }),
      themeUpdate(),
      update({ rtl, label: t.conversation, examples: t.examples.map((text) => ({ text })) }),
      update({ rtl, label: t.placeholder, placeholder: t.placeholder }),
    ];
  };

  /* Names for what Gradio leaves unnamed or names in English. */
  const nameControls = () => {
    const t = here();
    const name = (selector, label) => document.querySelector(selector)?.setAttribute("aria-label", label);
    name("#conversation [role=log]", t.conversation);
    name("#question .submit-button", t.send);
    name("#sources .close", t.close);
    document.querySelectorAll("#conversation .example").forEach((example) => example.removeAttribute("aria-label"));
  };

  const reveal = () => page.classList.add("ready");

  window.dalil = {
    start() {
      const theme = recall("theme");
      if (theme) document.body.classList.toggle("dark", theme === "dark");
      // Two frames: Gradio applies the new texts in the first one.
      requestAnimationFrame(() => requestAnimationFrame(reveal));
      return localise(preferredLanguage());
    },
    switchLanguage() {
      const code = page.lang === "ar" ? "en" : "ar";
      remember("language", code);
      return localise(code);
    },
    switchTheme() {
      remember("theme", document.body.classList.toggle("dark") ? "dark" : "light");
      return [themeUpdate()];
    },
  };

  setPageLanguage(preferredLanguage());
  setTimeout(reveal, 5000); // a page that starts slowly is shown as it is

  /* ---- replies ---- */

  const count = (text, letters) => text.match(letters)?.length ?? 0;

  /* Direction by majority of letters: the first strong letter misleads where a name opens the text. */
  const directionOf = (text) => {
    const arabic = count(text, /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/g);
    const latin = count(text, /[A-Za-z\u00c0-\u024f]/g);
    if (!arabic && !latin) return "";
    return arabic >= latin ? "rtl" : "ltr";
  };

  /* A sentence keeps its direction however long the quote is that it holds. */
  const directionOfLine = (line) => directionOf(line.replaceAll(/«[^«»]+»|“[^“”]+”/g, "")) || directionOf(line);

  /* A citation mark, or a quoted or bracketed run, which keeps its own direction inside the other one. */
  const RUN = /\s*\[(\d{1,3})\]|«[^«»\n]+»|“[^“”\n]+”|"[^"\n]+"|\([^()\n]+\)/g;

  const chip = (turn, number) => {
    const link = make("a", "cite", number);
    link.href = `#source-${turn}-${number}`;
    link.setAttribute("role", "button");
    link.setAttribute("aria-label", `${here().source} ${number}`);
    return link;
  };

  const inline = (text, direction, turn) => {
    const drawn = document.createDocumentFragment();
    let end = 0;
    for (const run of text.matchAll(RUN)) {
      const [whole, number] = run;
      let piece = whole;
      if (number) {
        // A mark without a source, such as one that the quoted text itself contains, stays text.
        if (turn !== null && document.getElementById(`source-${turn}-${number}`)) {
          piece = document.createDocumentFragment();
          piece.append("\u202f", chip(turn, number));
        }
      } else if (directionOf(whole) && directionOf(whole) !== direction) {
        piece = make("bdi", "", whole);
      }
      drawn.append(text.slice(end, run.index), piece);
      end = run.index + whole.length;
    }
    drawn.append(text.slice(end));
    return drawn;
  };

  const paragraphs = (text, direction, turn) =>
    text.split(/\n+/).filter((line) => line.trim()).map((line) => {
      const paragraph = make("p", "");
      paragraph.dir = directionOfLine(line) || direction;
      paragraph.append(inline(line, paragraph.dir, turn));
      return paragraph;
    });

  const copyButton = (text, t) => {
    const button = make("button", "copy", t.copy);
    button.type = "button";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = t.copied;
      setTimeout(() => { button.textContent = t.copy; }, 1500);
    });
    return button;
  };

  const replyFooter = (text, facts, t) => {
    const footer = make("div", "below");
    if (facts.state === "answered") {
      footer.append(make("span", `confidence ${facts.confidence}`, t[facts.confidence]));
    }
    footer.append(copyButton(text, t));
    return footer;
  };

  /* What Gradio put into a message, before it was drawn over. */
  const originals = new WeakMap();
  const originalText = (holder) => {
    const drawn = holder.querySelector(":scope > .drawn");
    if (!drawn) originals.set(holder, holder.textContent);
    return originals.get(holder);
  };

  /* Draw a message unless it is drawn already; facts are null for a question. */
  const draw = (bubble, turn, facts) => {
    const holder = bubble.querySelector(".md") ?? bubble;
    const text = originalText(holder);
    const version = `${turn} ${facts?.state} ${page.lang}`;
    const before = holder.querySelector(":scope > .drawn");
    if (before?.dataset.version === version) return;

    // A reply has the language of its answer; a question that of its letters.
    const direction = facts ? directionOfLanguage(facts.language) : directionOf(text) || page.dir;
    bubble.dir = direction;
    bubble.lang = facts?.language ?? (direction === "rtl" ? "ar" : "en");
    bubble.dataset.state = facts?.state ?? "question";
    const drawn = make("div", "drawn");
    drawn.dataset.version = version;
    if (facts?.state === "pending") {
      drawn.append(make("span", "dots", here().thinking));
    } else {
      drawn.append(...paragraphs(text, direction, facts ? turn : null));
      if (facts && facts.state !== "failed") drawn.append(replyFooter(text, facts, texts[bubble.lang] ?? here()));
    }
    holder.replaceChildren(drawn);
    // Gradio repeats the text in a label, which a screen reader would then read twice.
    bubble.closest("[data-testid]")?.removeAttribute("aria-label");
  };

  const bubbles = (role) => document.querySelectorAll(`#conversation .${role}-row .message-content`);

  const redrawReplies = () => {
    bubbles("user").forEach((bubble, turn) => draw(bubble, turn, null));
    bubbles("bot").forEach((bubble, turn) => {
      const section = document.getElementById(`turn-${turn}`);
      if (section) draw(bubble, turn, section.dataset);
    });
  };

  /* ---- sources ---- */

  let turnsSeen = 0;
  let shownTurn = -1;
  let openCard = ""; // id of the card that a chip opened
  let opener = null; // that chip, to which focus returns

  /* The panel is replaced with every reply: say again what is shown. A new turn is shown at once. */
  const redrawSources = () => {
    const sections = [...document.querySelectorAll("#sources section.turn")];
    if (sections.length !== turnsSeen) {
      turnsSeen = sections.length;
      shownTurn = turnsSeen - 1;
      openCard = "";
    }
    sections.forEach((section, turn) => section.classList.toggle("shown", turn === shownTurn));
    document.querySelectorAll("#sources .card").forEach((card) =>
      card.classList.toggle("open", card.id === openCard));
    document.querySelectorAll("a.cite").forEach((link) =>
      link.classList.toggle("open", link.hash === `#${openCard}`));
    page.classList.toggle("has-sources", Boolean(document.querySelector("#sources .card")));
  };

  const openSource = (link) => {
    const card = document.querySelector(link.hash);
    if (!card) return;
    hidePreview();
    opener = link;
    openCard = card.id;
    shownTurn = Number(card.id.split("-")[1]);
    page.classList.add("sources-open");
    redrawSources();
    link.scrollIntoView({ block: "nearest" }); // the sheet of a phone may have covered it
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  };

  const closeSources = () => {
    page.classList.remove("sources-open");
    openCard = "";
    redrawSources();
    if (opener?.isConnected) opener.focus();
    opener = null;
  };

  /* ---- preview of a quote, beside its chip ---- */

  const preview = make("div", "");
  preview.id = "preview";
  preview.setAttribute("role", "tooltip");
  preview.hidden = true;

  const hidePreview = () => {
    preview.hidden = true;
    document.querySelector("a.cite[aria-describedby]")?.removeAttribute("aria-describedby");
  };

  const showPreview = (link) => {
    const card = document.querySelector(link.hash);
    if (!card) return;
    hidePreview();
    preview.dir = card.dir;
    preview.lang = card.querySelector(".passage").lang;
    preview.replaceChildren(
      make("strong", "", card.querySelector("h3").textContent),
      make("span", "", card.querySelector("mark").textContent),
    );
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

  /* ---- events ---- */

  const chipOf = (event) => event.target.closest?.("a.cite");

  document.addEventListener("click", (event) => {
    const link = chipOf(event);
    if (link) {
      event.preventDefault();
      event.stopPropagation(); // Gradio would take the click for the message
      openSource(link);
    } else if (event.target.closest?.("[data-action=close-sources]")) {
      closeSources();
    }
  }, true);

  /* An empty question is not sent: while the server declined it, the next one would not be taken. */
  const stopEmptyQuestion = (event) => {
    const box = document.querySelector("#question textarea");
    const sends = event.type === "click" ? event.target.closest?.("#question .submit-button")
      : event.target === box && event.key === "Enter" && !event.shiftKey;
    if (!sends || box.value.trim()) return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("click", stopEmptyQuestion, true);
  document.addEventListener("keydown", stopEmptyQuestion, true);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!preview.hidden) hidePreview();
      if (openCard) closeSources();
    } else if (event.key === " " && chipOf(event)) {
      event.preventDefault(); // a button's key, on a link
      openSource(chipOf(event));
    }
  });

  document.addEventListener("mouseover", (event) => (chipOf(event) ? showPreview(chipOf(event)) : hidePreview()));
  document.addEventListener("focusin", (event) => {
    if (chipOf(event)?.matches(":focus-visible")) showPreview(chipOf(event));
  });
  document.addEventListener("focusout", hidePreview);
  document.addEventListener("scroll", hidePreview, true);

  new MutationObserver(() => {
    redrawReplies();
    redrawSources();
    nameControls();
  }).observe(page, { subtree: true, childList: true, characterData: true });
})();
