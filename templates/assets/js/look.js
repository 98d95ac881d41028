// One place of a page that shows one of several methods: pictures, words and the profile follow the choice.
(() => {
  "use strict";

  function choose(look, method) {
    for (const part of look.querySelectorAll("[data-method]")) part.hidden = part.dataset.method !== method;
    for (const series of look.querySelectorAll("[data-series]")) {
      series.toggleAttribute("display", false);
      if (series.dataset.series !== method) series.setAttribute("display", "none");
    }
  }

  for (const look of document.querySelectorAll("[data-look]")) {
    const choices = [...look.querySelectorAll("input[type=radio]")];
    for (const choice of choices) choice.addEventListener("change", () => choose(look, choice.value));
    // A browser that comes back to a page remembers what was chosen.
    const chosen = choices.find((choice) => choice.checked);
    if (chosen) choose(look, chosen.value);
  }
})();
