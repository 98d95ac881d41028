// The site's scripts as a page loads them: one after the other, into one namespace.
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";

const FOLDER = new URL("../../templates/assets/js/", import.meta.url);

/** Runs scripts in their order and returns their namespace. */
export function load(...names) {
  for (const name of names) {
    const file = new URL(name, FOLDER);
    runInThisContext(readFileSync(file, "utf8"), { filename: file.pathname });
  }
  return globalThis.reportgen;
}
