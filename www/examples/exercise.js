// Maps the messages of an embed to xAPI statements (https://github.com/adlnet/xAPI-Spec). A course page sends them to its learning
// record store; this one lists them.
const frame = document.querySelector("iframe");
const embed = new URL(frame.src).origin;
const activity = new URL(frame.src).href.replace(/#.*/, "");
const actor = { objectType: "Agent", account: { homePage: location.origin, name: "student" } };
const verb = (name) => ({ id: `http://adlnet.gov/expapi/verbs/${name}`, display: { en: name } });

function statement(name, object, result) {
  const made = {
    id: crypto.randomUUID?.() ?? String(document.querySelectorAll("#statements li").length + 1),
    timestamp: new Date().toISOString(),
    actor,
    verb: verb(name),
    object: { objectType: "Activity", id: object },
    ...(result && { result }),
  };
  const item = document.createElement("li");
  item.textContent = JSON.stringify(made);
  document.getElementById("statements").append(item);
}

const statements = {
  firstInteraction: () => statement("initialized", activity),
  prediction: ({ questionId, answer, correct }) =>
    statement("answered", `${activity}#${encodeURIComponent(questionId)}`, { success: correct, response: String(answer) }),
  goal: ({ id, task, met }) =>
    statement(met ? "passed" : "failed", `${activity}#${encodeURIComponent(task)}/${encodeURIComponent(id)}`, { success: met }),
  ended: () => statement("completed", activity, { completion: true }),
};

window.addEventListener("message", ({ source, origin, data }) => {
  // Only this frame is heard.
  if (source !== frame.contentWindow || origin !== embed || data?.app !== "converge") return;
  if (data.type === "ready") {
    const payload = { v: 1, events: Object.keys(statements) };
    frame.contentWindow.postMessage({ app: "converge", v: 1, type: "hello", id: 1, payload }, embed);
  } else {
    statements[data.type]?.(data.payload);
  }
});
