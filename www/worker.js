// The engine's worker: the page's own wasm file, which notices where it runs.
import init from "./converge.js";

init({ module_or_path: new URL("./converge_bg.wasm", import.meta.url) });
