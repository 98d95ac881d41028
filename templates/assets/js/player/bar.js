// The control bar of a page's clips: one for all of them.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const SPEEDS = [0.25, 0.5, 1, 2];

  function button(text, label, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.title = label;
    element.addEventListener("click", action);
    return element;
  }

  function slider(length, onFrame) {
    const scrub = document.createElement("input");
    Object.assign(scrub, { type: "range", min: "0", max: String(length - 1), step: "1", value: "0" });
    scrub.setAttribute("aria-label", "Frame");
    scrub.addEventListener("input", () => onFrame(Number(scrub.value)));
    return scrub;
  }

  function speeds(onSpeed) {
    const speed = document.createElement("select");
    speed.setAttribute("aria-label", "Speed");
    for (const factor of SPEEDS) speed.add(new Option(`${factor}×`, String(factor), factor === 1, factor === 1));
    speed.addEventListener("change", () => onSpeed(Number(speed.value)));
    return speed;
  }

  // `on` holds what the controls do: toggle(), step(by), frame(number), speed(factor).
  report.playerBar = (length, on) => {
    const root = document.createElement("div");
    root.className = "rg-player";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "All clips of this page");
    const scrub = slider(length, on.frame);
    const label = document.createElement("span");
    label.className = "rg-player__frame";
    const pressed = button("❚❚", "Pause", on.toggle);
    const smooth = button("◫", "Smooth or sharp pixels", () => document.body.classList.toggle("rg-smooth"));
    root.append(
      button("‹", "One frame back", () => on.step(-1)), pressed, button("›", "One frame on", () => on.step(1)),
      scrub, label, speeds(on.speed), smooth,
    );

    return {
      root,
      setLength(frames) { scrub.max = String(frames - 1); },
      setFrame(frame, frames) {
        scrub.value = String(frame);
        label.textContent = `frame ${frame} (0–${frames - 1})`;
      },
      setPlaying(playing) {
        pressed.textContent = playing ? "❚❚" : "▶";
        pressed.setAttribute("aria-label", playing ? "Pause" : "Play");
        pressed.setAttribute("aria-pressed", String(playing));
      },
    };
  };
})();
