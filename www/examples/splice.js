// The host side of SPLICE (https://cssplice.org): answers requests for the state, and keeps what an exercise reports.
const frame = document.querySelector("iframe");
const embed = new URL(frame.src).origin;
const KEPT = "splice.state";

function show(id, value) {
  document.getElementById(id).textContent = value === undefined ? "none" : JSON.stringify(value);
}

window.addEventListener("message", ({ source, origin, data }) => {
  // Only this frame is heard.
  if (source !== frame.contentWindow || origin !== embed) return;
  switch (data?.subject) {
    case "SPLICE.getState": {
      const state = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
      const { message_id } = data;
      frame.contentWindow.postMessage({ subject: "SPLICE.getState.response", message_id, state }, embed);
      break;
    }
    case "SPLICE.reportScoreAndState":
      sessionStorage.setItem(KEPT, JSON.stringify(data.state));
      show("score", data.score);
      show("state", data.state);
      break;
    case "lti.frameResize":
      frame.height = data.height;
      break;
  }
});
