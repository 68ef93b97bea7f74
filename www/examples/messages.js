// Speaks with an embed. The messages are described in messages.schema.json and in docs/embedding.md.
const frame = document.querySelector("iframe");
const embed = new URL(frame.src).origin;
const waiting = new Map();
let last = 0;
let kept;

/** Sends a command and returns a promise of its result. */
function command(type, payload) {
  const id = ++last;
  frame.contentWindow.postMessage({ app: "converge", v: 1, type, id, payload }, embed);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function show(id, text) {
  document.getElementById(id).textContent = text;
}

function log(type, payload) {
  const item = document.createElement("li");
  item.textContent = `${type} ${JSON.stringify(payload)}`;
  document.getElementById("log").append(item);
}

const events = {
  async ready() {
    await command("hello", { v: 1, events: ["loaded", "publish", "replicaState", "converged", "fault", "healed", "verdict", "edited"] });
    for (const button of document.querySelectorAll("button")) button.disabled = false;
  },
  replicaState({ replica, state }) {
    if (replica === "notification") show("state", state);
  },
  converged({ tookMs }) {
    show("took", `${tookMs} ms`);
  },
  resize({ height }) {
    frame.height = height;
  },
};

window.addEventListener("message", ({ source, origin, data }) => {
  // Only this frame is heard.
  if (source !== frame.contentWindow || origin !== embed || data?.app !== "converge") return;
  const { type, id, payload } = data;
  const request = waiting.get(id);
  if (request) {
    waiting.delete(id);
    if (type === "error") request.reject(payload);
    else request.resolve(payload);
    return;
  }
  log(type, payload);
  events[type]?.(payload);
});

const actions = {
  async publish() {
    await command("publish");
    await command("play");
  },
  play: () => command("play"),
  cut: () => command("injectFault", { fault: { cut_link: { from: "stock_updated", to: "notification" } } }),
  heal: () => command("heal"),
  async freeze() {
    const button = document.getElementById("freeze");
    const frozen = button.getAttribute("aria-pressed") !== "true";
    await command("freeze", { frozen });
    button.setAttribute("aria-pressed", String(frozen));
  },
  async keep() {
    kept = await command("getState");
  },
  restore: () => command("setState", kept),
};
for (const [id, action] of Object.entries(actions)) {
  document.getElementById(id).addEventListener("click", () => {
    show("error", "");
    Promise.resolve(action()).catch((error) => show("error", error.message));
  });
}
