/* Text as it is said: every line in its own direction, [1] as a chip, the other script isolated. */

import { here, make, numeral, page } from "./base.js";

const count = (text, letters) => text.match(letters)?.length ?? 0;

/** Direction by majority of letters: the first strong letter misleads where a name opens the text. */
export const directionOf = (text) => {
  const arabic = count(text, /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/g);
  const latin = count(text, /[A-Za-z\u00c0-\u024f]/g);
  if (!arabic && !latin) return "";
  return arabic >= latin ? "rtl" : "ltr";
};

/** A sentence keeps its direction however long the quote is that it holds. */
export const directionOfLine = (line) =>
  directionOf(line.replaceAll(/«[^«»]+»|“[^“”]+”/g, "")) || directionOf(line);

/* A citation mark, or a quoted or bracketed run, which keeps its own direction inside the other one. */
const RUN = /\s*\[(\d{1,3})\]|«[^«»\n]+»|“[^“”\n]+”|"[^"\n]+"|\([^()\n]+\)/g;

export const sourceId = (turn, number) => `source-${turn.id}-${number}`;

const chip = (turn, number) => {
  const link = make("a", "cite", numeral(number));
  link.href = `#${sourceId(turn, number)}`;
  link.dataset.turn = turn.id;
  link.dataset.number = number;
  link.setAttribute("role", "button");
  link.setAttribute("aria-label", `${here().source} ${numeral(number)}`);
  return link;
};

const inline = (text, direction, turn, known) => {
  const drawn = document.createDocumentFragment();
  let end = 0;
  for (const run of text.matchAll(RUN)) {
    const [whole, digits] = run;
    let piece = whole;
    if (digits) {
      // A mark without a source, such as one that the quoted text itself contains, stays text.
      if (known.has(Number(digits))) {
        piece = document.createDocumentFragment();
        piece.append("\u202f", chip(turn, Number(digits)));
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

/** Draw text into a holder; lines that have not changed are left alone, and with them focus and selection.
 *
 * @param turn the turn whose sources the marks name; null where marks are just text.
 */
export const drawText = (holder, text, direction, turn = null) => {
  const known = new Set(turn?.sources.map((source) => source.number) ?? []);
  const lines = text.split(/\n+/).filter((line) => line.trim());
  lines.forEach((line, position) => {
    const way = directionOfLine(line) || direction;
    const version = [page.lang, way, [...known].join(), line].join("|");
    const before = holder.children[position];
    if (before?.version === version) return;
    const paragraph = make("p");
    paragraph.version = version;
    paragraph.dir = way;
    paragraph.append(inline(line, way, turn, known));
    if (!before) {
      holder.append(paragraph);
      return;
    }
    const focused = before.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    before.replaceWith(paragraph);
    if (focused) paragraph.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
  });
  while (holder.children.length > lines.length) holder.lastElementChild.remove();
};
