// The site's scripts are classic scripts that run from file://; their tests are modules of Node.
import js from "@eslint/js";
import globals from "globals";

const rules = {
  ...js.configs.recommended.rules,
  "consistent-return": "off",
  curly: ["error", "multi-line"],
  eqeqeq: "error",
  "max-len": ["error", { code: 160 }],
  "max-lines": ["error", 200],
  "max-lines-per-function": "off",
  "no-implicit-globals": "error",
  "no-shadow": "error",
  "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
  "no-use-before-define": ["error", { functions: false, variables: false }],
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  strict: ["error", "function"],
};

export default [
  { ignores: ["**/node_modules/**", "templates/assets/vendor/**"] },
  {
    files: ["templates/assets/js/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "script", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules,
  },
  {
    files: ["tests/js/**/*.mjs"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.node },
    rules,
  },
];
