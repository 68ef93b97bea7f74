// Starts the page. This file has the same name in every version of the page; all that it loads is in the version's folder. An old
// copy of the page, or of this file, therefore never mixes two versions.
(() => {
  const version = "app/VERSION"; // `cargo xtask build` inserts the version
  const script = document.currentScript;
  const folder = new URL(`${version}/`, script.src);

  const show = (text, label) => {
    const app = document.getElementById("app");
    if (!app) return;
    const message = document.createElement("p");
    message.className = "loading";
    message.setAttribute("role", "alert");
    message.textContent = text;
    app.replaceChildren(message);
    if (!label) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => location.reload());
    message.append(" ", button);
  };

  // Returns the version that the host has now, past all caches.
  const published = async () => {
    const response = await fetch(script.src, { cache: "reload" });
    return response.ok ? (await response.text()).match(/"(app\/[\w-]+)"/)?.[1] : undefined;
  };

  // Reloads the page once for a version; storage is refused in a frame without an origin.
  const reloadOnce = (newer) => {
    try {
      if (sessionStorage.getItem("converge.version") === newer) return false;
      sessionStorage.setItem("converge.version", newer);
    } catch {
      return false;
    }
    location.reload();
    return true;
  };

  const failed = async (error) => {
    const newer = await published().catch(() => undefined);
    if (newer && newer !== version) {
      if (!reloadOnce(newer)) show("A new version of this page was published.", "Reload");
    } else {
      show(`Converge could not start: ${error.message ?? error}`, "Try again");
    }
  };

  if (location.protocol === "file:") {
    show("A browser does not run this page from a folder. Serve the folder, or open the page as one file: cargo xtask package makes it.");
    return;
  }
  // The index may be a cached one of an earlier version, whose files are gone.
  for (const link of document.querySelectorAll('link[rel="stylesheet"]')) {
    const current = new URL(link.getAttribute("href").replace(/^.*\//, ""), folder).href;
    if (link.href !== current) link.href = current;
  }
  script.dataset.worker = new URL("worker.js", folder).href;
  if (self.origin === "null") {
    // A frame without an origin starts no module as a worker, but a script from a blob.
    const text = `self.convergeFolder = ${JSON.stringify(folder.href)};
      const source = convergeFolder + "sandbox-worker.js";
      self.trustedTypes?.createPolicy("default", { createScriptURL: (address) => (address === source ? address : null) });
      importScripts(source);`;
    script.dataset.worker = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    script.dataset.classicWorker = "";
  }
  // Where trusted types are required, the worker's script is the only address that the page may run.
  try {
    self.trustedTypes?.createPolicy("default", {
      createScriptURL: (address) => (address === script.dataset.worker ? address : null),
    });
  } catch {
    // The host permits no policy of this name: the engine runs without a worker.
  }
  import(new URL("converge.js", folder).href)
    .then((page) => page.default({ module_or_path: new URL("converge_bg.wasm", folder) }))
    .catch(failed);
})();
