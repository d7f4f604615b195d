/* The page of a whole document: dates in the reader's language, the quote in sight, Escape closes it. */

import { find, here, preferredLanguage, setPageLanguage, writtenDate } from "./base.js";

const outside = window.parent !== window ? window.parent.dalil : null;

setPageLanguage(preferredLanguage());
if (outside) document.documentElement.classList.add("inside");
for (const time of document.querySelectorAll("time")) time.textContent = writtenDate(time.dateTime);
document.title = `${find("h1").textContent} · ${here().name}`;

const quote = document.getElementById("quote");
const showQuote = () => {
  quote?.scrollIntoView({ block: "center" });
  quote?.focus({ preventScroll: true });
};
showQuote();
document.fonts?.ready.then(showQuote); // the lines move when the font comes

// The way to the quote is only in the way while the quote is in sight.
if (quote) {
  new IntersectionObserver(([seen]) => document.documentElement.classList.toggle("in-sight", seen.isIntersecting)).observe(quote);
}

find(".to-quote")?.addEventListener("click", (event) => {
  event.preventDefault();
  showQuote();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape") outside?.then((dalil) => dalil.closeReader());
});
