/* A conversation as a Markdown file that reads well in both scripts, drawn or as plain text.
 *
 * Every turn stands in a <div> of its direction, for what draws Markdown. Plain text editors take the direction of
 * a line from its first strong letter: each line begins with an invisible mark of its direction, and so does each
 * citation mark, which would otherwise stick to the wrong side of a Latin name inside Arabic.
 */

import { directionOfLanguage, fill, here, make, numeral, page, writtenDate, writtenDay } from "./base.js";
import { directionOf, directionOfLine } from "./words.js";

const sign = (direction) => (direction === "rtl" ? "\u200f" : "\u200e");

/* What people and documents wrote must not become Markdown or HTML. */
const plain = (text) =>
  text.replace(/[\\`*_{}[\]<>#|~!$&]/g, "\\$&").replace(/^(\s*)([-+=]|\d+[.)])/gm, "$1\\$2");

/* A quoted or bracketed run keeps its own direction inside the other one, its marks with it. */
const isolated = (text, direction) =>
  text.replace(/«[^«»\n]+»|“[^“”\n]+”|"[^"\n]+"|\([^()\n]+\)/g, (run) =>
    (directionOf(run) && directionOf(run) !== direction ? `\u2068${run}\u2069` : run));

const oneLine = (text) => text.replace(/\s+/g, " ").trim();

const line = (text, direction) => sign(direction) + text;

const replyLines = (turn) => {
  const known = new Set(turn.sources.map((source) => source.number));
  return turn.reply.split(/\n+/).filter((part) => part.trim()).map((part) => {
    const direction = directionOfLine(part) || directionOfLanguage(turn.language);
    const pieces = part.split(/(\s*\[\d{1,3}\])/).map((piece) => {
      const digits = piece.match(/^\s*\[(\d{1,3})\]$/)?.[1];
      if (!digits || !known.has(Number(digits))) return plain(isolated(piece, direction));
      return ` ${sign(direction)}[${numeral(Number(digits))}]${sign(direction)}`;
    });
    return line(pieces.join(""), direction);
  });
};

const placeLine = (place) => {
  const parts = [plain(place.title), "`" + place.document_id.replaceAll("`", "'") + "`"];
  if (place.page !== null) parts.push(`${here().page} ${numeral(place.page)}`);
  if (place.date) parts.push(plain(writtenDate(place.date)));
  return parts.map((part) => `\u2068${part}\u2069`).join(" · "); // isolated: each part in its own direction
};

const inDirection = (direction, language, lines) =>
  [`<div dir="${direction}" lang="${language}">`, ...lines, "</div>"].join("\n\n");

const quoted = (text, language) => {
  const direction = directionOfLanguage(language);
  const lines = text.split(/\n+/).filter((part) => part.trim());
  const quote = lines.map((part) => `> ${line(plain(isolated(oneLine(part), direction)), direction)}`).join("\n>\n");
  return direction === page.dir ? quote : inDirection(direction, language, [quote]);
};

const sourceLines = (source) => {
  const mark = sign(page.dir);
  const lines = [line(`[${numeral(source.number)}]${mark} ${placeLine(source.place)}`, page.dir)];
  if (source.fact) lines.push(line(`${here().fact}: \u2068${plain(oneLine(source.fact.statement))}\u2069`, page.dir));
  lines.push(quoted(source.place.quote, source.place.language));
  return lines;
};

const turnText = (turn) => {
  const asked = directionOf(turn.question) || page.dir;
  const t = here();
  const question = `## ${line(plain(oneLine(turn.question)), asked)}`;
  const parts = [inDirection(asked, asked === "rtl" ? "ar" : "en", [question])];
  const reply = replyLines(turn);
  if (turn.note) reply.push(line(`*${plain(oneLine(turn.note))}*`, directionOfLanguage(turn.language)));
  if (turn.state === "stopped") reply.push(line(`*${t.stopped}*`, page.dir));
  if (reply.length) parts.push(inDirection(directionOfLanguage(turn.language), turn.language, reply));
  if (turn.sources.length) {
    const lines = turn.sources.flatMap(sourceLines);
    parts.push(inDirection(page.dir, page.lang, [`### ${line(t.sources, page.dir)}`, ...lines]));
  } else if (turn.closest.length) {
    const lines = turn.closest.flatMap((place) => [line(placeLine(place), page.dir), quoted(place.quote, place.language)]);
    parts.push(inDirection(page.dir, page.lang, [`### ${line(t.closest, page.dir)}`, line(t.closest_note, page.dir), ...lines]));
  }
  return parts.join("\n\n");
};

/** The whole conversation. */
export const toMarkdown = (conversation) => {
  const t = here();
  const direction = directionOf(conversation.title) || page.dir;
  const head = [
    `# ${line(plain(conversation.title || t.untitled), direction)}`,
    line(fill(t.exported_from, { date: writtenDay(Date.now()) }), page.dir),
  ];
  return [inDirection(direction, page.lang, head), ...conversation.turns.map(turnText)].join("\n\n---\n\n") + "\n";
};

/** Hand the file to the browser. */
export const download = (conversation) => {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([toMarkdown(conversation)], { type: "text/markdown;charset=utf-8" }));
  const name = (conversation.title || here().untitled).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60);
  link.download = `${name || "dalil"}.md`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
