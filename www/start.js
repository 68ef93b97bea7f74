// Starts the page. All other files are loaded relative to this one.
import init from "./converge.js";

init({ module_or_path: new URL("./converge_bg.wasm", import.meta.url) }).catch((error) => {
  const app = document.getElementById("app");
  if (app) app.textContent = `Converge could not start: ${error.message ?? error}`;
});
