// What the page does by itself: the colour scheme, remembered by the browser, the drawer, what the downloads link to, and
// keeping the stage in view.
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

  // A turntable is drawn when it is asked for, in a second or two: meanwhile its link says so, and hears no second press.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-turntable]");
    if (!link) return;
    event.preventDefault();
    if (link.ariaBusy === "true") return;
    const text = link.textContent;
    link.ariaBusy = "true";
    link.textContent = "Drawing…";
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) return location.assign(link.href);
      const file = URL.createObjectURL(await answer.blob());
      Object.assign(document.createElement("a"), { href: file, download: link.download }).click();
      setTimeout(() => URL.revokeObjectURL(file), 60_000);
    } finally {
      link.ariaBusy = "false";
      link.textContent = text;
    }
  });

  // A smaller texture goes into the links of the formats that hold one; how large such a file is, nobody knows yet.
  document.addEventListener("change", (event) => {
    const choice = event.target.closest("select[data-texture-size]");
    if (!choice) return;
    for (const link of choice.parentElement.querySelectorAll("a[data-textured]")) {
      link.search = choice.value && `?texture_size=${choice.value}`;
      for (const amount of link.querySelectorAll(".amount")) amount.hidden = choice.value !== "";
    }
  });

  // On a narrow screen the stage lies below what was pressed: bring it into view once a job is accepted, and once a mesh
  // was looked at or refused. A print check may stand under a long result: bring that into view on any screen.
  let wasWorking = false;
  const follow = () => {
    const status = document.getElementById("status");
    const isWorking = status.querySelector(".working") !== null;
    const isNew = isWorking ? !wasWorking : status.querySelector(wasWorking ? ".inspected" : ".inspected, .failed");
    const isNarrow = matchMedia("(max-width: 1023px)").matches;
    const check = status.querySelector(".print-check");
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    if (check) check.scrollIntoView({ behavior, block: "nearest" });
    else if (isNew && isNarrow) document.getElementById("stage").scrollIntoView({ behavior, block: "start" });
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
