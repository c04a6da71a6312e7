// What the page does without the server: the colour scheme, remembered by the browser, the drawer, and keeping the stage in view.
(() => {
  const KEY = "orfeas-scheme";
  const apply = () => {
    const wanted = localStorage.getItem(KEY);
    const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-scheme]")) return;
    localStorage.setItem(KEY, document.body.classList.contains("dark") ? "light" : "dark");
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  // Gradio sets the class itself once while it starts; the person's choice goes over it.
  new MutationObserver(() => {
    const wanted = localStorage.getItem(KEY);
    if (wanted && document.body.classList.contains("dark") !== (wanted === "dark")) apply();
  }).observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["class"] });

  // On a narrow screen the stage lies below what was pressed: bring it into view once a job is accepted.
  let wasWorking = false;
  const follow = () => {
    const isWorking = document.querySelector("#status .status.working") !== null;
    if (isWorking && !wasWorking && matchMedia("(max-width: 1023px)").matches) {
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
      document.getElementById("stage").scrollIntoView({ behavior, block: "start" });
    }
    wasWorking = isWorking;
  };
  const prepare = () => {
    const status = document.getElementById("status");
    const announcer = document.getElementById("announcer");
    const drawer = document.getElementById("engines");
    if (!status || !announcer || !drawer) return setTimeout(prepare, 100);
    drawer.popover = "auto";
    drawer.setAttribute("role", "dialog");
    drawer.setAttribute("aria-label", "Engines");
    announcer.setAttribute("aria-live", "polite");
    new MutationObserver(follow).observe(status, { childList: true, subtree: true });
  };
  prepare();
})();
