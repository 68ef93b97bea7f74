// Draws figures of the engine. Its functions and their types are described in ../engine/converge.d.ts.
import init, { sweep } from "../engine/converge.js";

const SVG = "http://www.w3.org/2000/svg";
const choice = document.getElementById("example");
const chart = document.getElementById("chart");

function bar(row, label, value, most) {
  const rect = document.createElementNS(SVG, "rect");
  const attributes = { x: 0, y: row * 45 + 18, width: most > 0 ? (value / most) * 400 : 0, height: 20, fill: "#5236c4" };
  for (const [name, text] of Object.entries(attributes)) rect.setAttribute(name, String(text));
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("y", String(row * 45 + 14));
  text.setAttribute("font-size", "12");
  text.textContent = `${label}: ${value.toFixed(1)} ms`;
  chart.append(text, rect);
}

function draw() {
  chart.replaceChildren();
  try {
    const { figures } = sweep(`ex=${choice.value}`, { seeds: [1, 101] });
    const { p50, p99 } = figures.window_ms;
    if (p50 === null) {
      document.getElementById("caption").textContent = "No copy became consistent again.";
      return;
    }
    bar(0, "median", p50, p99);
    bar(1, "99th percentile", p99, p99);
    document.getElementById("caption").textContent = "100 seeds";
  } catch (error) {
    document.getElementById("error").textContent = error.message;
  }
}

await init();
choice.addEventListener("change", draw);
draw();
