// The worker of the engine. It runs the page's wasm file, which detects that it is in a worker.
import init from "./converge.js";

init({ module_or_path: new URL("./converge_bg.wasm", import.meta.url) });
