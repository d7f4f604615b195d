/* Before anything is painted: the reader's language and direction and, where Gradio does not see to it, theme.
 * And a promise of app.js, because Gradio may be there before it. */
window.dalil = new Promise((ready) => { window.dalilReady = ready; });
(() => {
  const page = document.documentElement;
  const recall = (key) => {
    try { return localStorage.getItem(`dalil-${key}`); } catch { return null; }
  };
  const chosen = recall("language");
  const code = chosen === "ar" || chosen === "en" ? chosen : navigator.language.toLowerCase().startsWith("ar") ? "ar" : "en";
  page.lang = code;
  page.dir = code === "ar" ? "rtl" : "ltr";
  const theme = recall("theme");
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (page.classList.contains("reading")) page.classList.toggle("dark", dark);
})();
