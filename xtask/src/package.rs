//! Packs the built page: an archive of its folder, one HTML file that runs without a server, and the engine as an npm package.

use crate::layout::{read, version_folder, write};
use crate::{Result, layout, root, weight};
use base64::Engine as _;
use serde_json::json;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// The packages that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packages {
    /// The archive of the page's folder.
    pub archive: PathBuf,
    /// The page in one file.
    pub single_file: PathBuf,
    /// The folder of the npm package.
    pub npm: PathBuf,
}

/// Packs the page in the folder `page` into the folder `out`.
///
/// # Errors
/// A file cannot be read or written, or has an unexpected form.
pub fn package(page: &Path, out: &Path) -> Result<Packages> {
    let npm = out.join("npm");
    fs::create_dir_all(&npm).map_err(|error| format!("{}: {error}", npm.display()))?;
    let packages = Packages { archive: out.join("converge.zip"), single_file: out.join("converge.html"), npm };
    archive(page, &packages.archive)?;
    write(&packages.single_file, &single_file(page)?)?;
    npm_package(page, &packages.npm)?;
    for path in [&packages.archive, &packages.single_file, &packages.npm] {
        println!("{}", path.display());
    }
    Ok(packages)
}

fn archive(page: &Path, out: &Path) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", out.display());
    let mut archive = zip::ZipWriter::new(File::create(out).map_err(|error| failed(&error))?);
    for file in layout::files(page)? {
        let bytes = bytes_of(&page.join(&file))?;
        let name = format!("converge/{}", file.to_string_lossy().replace('\\', "/"));
        archive.start_file(name, SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        archive.write_all(&bytes).map_err(|error| failed(&error))?;
    }
    archive.finish().map(|_| ()).map_err(|error| failed(&error))
}

/// The script that starts the page from one file. It is a classic script, because browsers load no modules from files.
const START: &str = r#"
(async () => {
  const script = document.currentScript;
  const unpack = async (element) => {
    const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const files = {};
  for (const element of document.querySelectorAll("script[data-file]")) files[element.dataset.file] = await unpack(element);
  const address = (...parts) => URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  const module = files["page.js"];
  delete files["page.js"];
  self.convergeFiles = files;
  // A worker receives the files in its first message.
  script.dataset.worker = address(module, `
self.onmessage = ({ data }) => {
  self.onmessage = null;
  self.convergeFiles = data;
  __wbg_init({ module_or_path: data["converge_bg.wasm"] });
};`);
  self.Worker = class extends Worker {
    constructor(...options) {
      super(...options);
      this.postMessage(files);
    }
  };
  const page = await import(address(module));
  await page.default({ module_or_path: files["converge_bg.wasm"] });
})().catch((error) => {
  document.getElementById("app").textContent = `Converge could not start: ${error.message ?? error}`;
});
"#;

/// The policy of the page in one file. The file also contains the lessons, so the page loads nothing.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; \
                      style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'";

/// Returns the page in one file.
fn single_file(page: &Path) -> Result<String> {
    let version = version_folder(page)?;
    let mut packed = packed("page.js", module(&version, FROM_MEMORY)?.as_bytes());
    for file in layout::files(&version)? {
        if has_extension(&file, "wasm") {
            packed.push_str(&self::packed(&file.to_string_lossy(), &bytes_of(&version.join(&file))?));
        }
    }
    for file in layout::files(&page.join("lessons"))?.iter().filter(|file| has_extension(file, "md")) {
        let name = format!("lessons/{}", file.display());
        packed.push_str(&self::packed(&name, &bytes_of(&page.join(&name))?));
    }
    let mut lines = Vec::new();
    for line in read(&page.join("index.html"))?.lines() {
        if line.contains("http-equiv=\"Content-Security-Policy\"") {
            lines.push(format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">"));
        } else if line.contains("rel=\"icon\"") {
            let icon = base64::prelude::BASE64_STANDARD.encode(bytes_of(&page.join("icon.svg"))?);
            lines.push(format!("<link rel=\"icon\" href=\"data:image/svg+xml;base64,{icon}\">"));
        } else if let Some(sheet) = ["style.css", "canvas.css"].iter().find(|sheet| line.contains(&format!("/{sheet}")))
        {
            lines.push(format!("<style>\n{}</style>", read(&version.join(sheet))?));
        } else if line == "</body>" {
            lines.push(format!("{packed}<script data-converge>{START}</script>\n</body>"));
        } else if !line.contains("data-converge")
            && !line.contains("rel=\"modulepreload\"")
            && !line.contains("rel=\"preload\"")
        {
            lines.push(line.to_string());
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// Returns an HTML element that contains a compressed file.
fn packed(name: &str, bytes: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(weight::gzip(bytes));
    format!("<script type=\"application/gzip\" data-file=\"{name}\">{text}</script>\n")
}

/// The function that returns a split file from memory.
const FROM_MEMORY: &str = "const part = async (name) => new Response(self.convergeFiles[name], { headers: { 'Content-Type': 'application/wasm' } });";

/// The function that fetches a split file from the host.
const FROM_HOST: &str = "const part = (name) => fetch(new URL(name, self.convergeFolder));";

/// Writes the script of the worker in a frame without an origin. Chromium starts no module as a worker in such a frame, but it
/// starts a classic script from a blob, which may import a script of any origin.
///
/// # Errors
/// A script does not have the form that the generators' versions in Cargo.lock give it.
pub(crate) fn write_sandbox_worker(version: &Path) -> Result<()> {
    let mut text = String::new();
    for line in module(version, FROM_HOST)?.lines().filter(|line| !line.starts_with("export {")) {
        text.push_str(&line.strip_prefix("export ").unwrap_or(line).replace("import.meta.url", "self.convergeFolder"));
        text.push('\n');
    }
    if text.contains("import.meta") || !text.contains("function __wbg_init(") {
        return Err("converge.js does not have the form that the generator's version in Cargo.lock gives it".into());
    }
    text.push_str("__wbg_init({ module_or_path: new URL(\"converge_bg.wasm\", self.convergeFolder) });\n");
    write(&version.join("sandbox-worker.js"), &text)
}

/// Joins the two scripts of the page, which import each other, into one. `part` defines the function that returns a split file.
fn module(version: &Path, part: &str) -> Result<String> {
    let (main, later) = (read(&version.join("converge.js"))?, read(&version.join("later.js"))?);
    let mut exported = Vec::new();
    let mut body = String::new();
    for line in later.lines().filter(|line| !line.starts_with("import ")) {
        let plain = line.strip_prefix("export ").unwrap_or(line);
        if let Some(name) = line.strip_prefix("export const ").and_then(|rest| rest.split_whitespace().next()) {
            exported.push(name.to_string());
        }
        body.push_str(&plain.replace("fetch(new URL(\"./", "part(\"").replace("\", import.meta.url))", "\")"));
        body.push('\n');
    }
    if exported.is_empty() || body.contains("import.meta") {
        return Err("later.js does not have the form that the splitter's version in Cargo.lock gives it".into());
    }
    let mut text = format!("{part}\nconst later = (() => {{\n{body}\nreturn {{ {} }};\n}})();\n", exported.join(", "));
    for line in main.lines() {
        match line.strip_prefix("import * as ").and_then(|rest| rest.split_once(" from \"./later.js\"")) {
            Some((name, _)) => text.push_str(&format!("const {name} = later;\n")),
            None if line.starts_with("import ") => return Err(format!("converge.js has an unexpected import: {line}")),
            None => text.push_str(&format!("{line}\n")),
        }
    }
    Ok(text)
}

const NPM_README: &str = "# Converge, the engine\n\nA deterministic simulator of services, event buses and replicas, as an ES module with types.\n\n\
```js\nimport init, { run } from \"converge-engine\";\nawait init(); // in a browser or a bundler\nconsole.log(run(\"ex=lost-event\", { seed: 7 }).digest);\n```\n\n\
Node does not fetch files; pass the bytes:\n\n\
```js\nimport { readFileSync } from \"node:fs\";\nimport { initSync, run } from \"converge-engine\";\n\
initSync({ module: readFileSync(new URL(import.meta.resolve(\"converge-engine/converge_bg.wasm\"))) });\n```\n";

/// Writes the npm package of the engine.
fn npm_package(page: &Path, out: &Path) -> Result<()> {
    let entry = read(&page.join("engine/converge.js"))?;
    let module = entry
        .split('"')
        .nth(1)
        .and_then(|path| path.strip_prefix("../"))
        .ok_or("engine/converge.js names no module")?;
    let folder = page.join(module).with_file_name("");
    for file in ["converge.js", "converge_bg.wasm"] {
        copy_file(&folder.join(file), &out.join(file))?;
    }
    copy_file(&root().join("js/converge.d.ts"), &out.join("converge.d.ts"))?;
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy_file(&root().join(licence), &out.join(licence))?;
    }
    let manifest = json!({
        "name": "converge-engine",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "The engine of Converge, the eventual-consistency playground.",
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "sideEffects": false,
        "main": "./converge.js",
        "types": "./converge.d.ts",
        "exports": {
            ".": { "types": "./converge.d.ts", "default": "./converge.js" },
            "./converge_bg.wasm": "./converge_bg.wasm"
        },
        "files": ["converge.js", "converge.d.ts", "converge_bg.wasm", "LICENSE-MIT", "LICENSE-APACHE"]
    });
    write(&out.join("package.json"), &format!("{manifest:#}\n"))?;
    write(&out.join("README.md"), NPM_README)
}

fn bytes_of(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}
