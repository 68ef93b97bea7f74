// <converge-embed src="https://your.host/converge/embed/#ex=first-update" title="…" height="480" loading="click">
// An optional element that creates the iframe. With loading="click", it shows a button and loads the iframe on a click.
class ConvergeEmbed extends HTMLElement {
  static observedAttributes = ["src"];

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ":host{display:block}iframe,button{width:100%;height:100%;border:0;display:block}" +
        "button{font:600 16px/1.4 system-ui,sans-serif;background:#f4f4f0;color:#1b1b1f;cursor:pointer;border-radius:8px}" +
        "button:focus-visible{outline:3px solid #5536c8;outline-offset:2px}" +
        "@media (prefers-color-scheme:dark){button{background:#1d1e22;color:#f2f2f4}}",
    );
    root.adoptedStyleSheets = [sheet];
    this.style.height = `${parseInt(this.getAttribute("height") ?? "480", 10) || 480}px`;
    if (this.getAttribute("loading") === "click") this.poster();
    else this.load();
  }

  attributeChangedCallback() {
    const frame = this.shadowRoot?.querySelector("iframe");
    if (frame) frame.src = this.address();
  }

  // Accepts only addresses that a frame may load, and no `javascript:` address.
  address() {
    const address = new URL(this.getAttribute("src") ?? "", document.baseURI);
    return /^https?:$|^file:$/.test(address.protocol) ? address.href : "about:blank";
  }

  name() {
    return this.getAttribute("title") ?? "Converge";
  }

  poster() {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `▶ ${this.name()}`;
    button.addEventListener("click", () => this.load(true));
    this.shadowRoot.replaceChildren(button);
  }

  load(focus = false) {
    const frame = document.createElement("iframe");
    frame.src = this.address();
    frame.title = this.name();
    frame.allow = "fullscreen; clipboard-write";
    if (!focus) frame.loading = "lazy";
    this.shadowRoot.replaceChildren(frame);
    if (focus) frame.focus();
  }
}

customElements.define("converge-embed", ConvergeEmbed);
