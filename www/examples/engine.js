// Runs the engine on this page. Its functions and their types are described in ../engine/converge.d.ts.
import init, { examples, run, sweep } from "../engine/converge.js";

const show = (id, text) => {
  document.getElementById(id).textContent = text;
};

const measure = (example) => {
  try {
    const report = run(example.scenario);
    show("shows", example.shows);
    show("digest", report.digest);
    show("sent", report.messages.sent);
    show("convergence", report.convergence.verdict);

    const { reads, figures } = sweep(example.scenario, { seeds: [1, 51] });
    const share = figures.stale_read_share;
    const median = figures.window_ms.p50;
    show("reads", reads.count);
    show("stale", share === null ? "no reads" : `${(share * 100).toFixed(1)} %`);
    show("window", median === null ? "none" : `${median.toFixed(1)} ms`);
    show("error", "");
  } catch (error) {
    // All errors of the input, each with its path.
    show("error", (error.errors ?? [error]).map((one) => `${one.path ?? ""}: ${one.expected ?? one.message}`).join("; "));
  }
};

await init();
const all = examples();
const choice = document.getElementById("example");
choice.append(...all.map((example) => new Option(example.id, example.id)));
choice.value = "cassandra-hints";
choice.addEventListener("change", () => measure(all[choice.selectedIndex]));
measure(all[choice.selectedIndex]);
