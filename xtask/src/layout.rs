//! The folders of the built page. Everything that belongs to one version is in `app/<hash>/`, which hosts may cache for ever;
//! the few files outside have the same names in every version, and refer to that folder; caches must revalidate them.

use crate::Result;
use std::fs;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// The folder of all versions.
pub const VERSIONS: &str = "app";

/// The placeholder for the version's folder in the files outside of `app/`.
const PLACEHOLDER: &str = "app/VERSION";

/// The files of `www/` that belong to a version.
const VERSIONED: [&str; 3] = ["style.css", "canvas.css", "worker.js"];

/// The files outside of `app/` that name the version.
const ENTRIES: [&str; 3] = ["index.html", "embed/index.html", "start.js"];

/// The engine's module, which has the same name in every version and exports the module in the version's folder.
const ENGINE_ENTRY: &str = "engine/converge.js";

/// Moves the files of `page` to the folder of their version, and inserts the version where files refer to it.
///
/// # Errors
/// A file cannot be read, moved or written, or an entry does not refer to the version.
pub fn arrange(page: &Path) -> Result<()> {
    for file in VERSIONED {
        rename(&page.join(file), &page.join("app.new").join(file))?;
    }
    let version = version(&page.join("app.new"))?;
    let versions = page.join(VERSIONS);
    fs::create_dir_all(&versions).map_err(|error| format!("{}: {error}", versions.display()))?;
    rename(&page.join("app.new"), &versions.join(&version))?;
    for entry in ENTRIES {
        let file = page.join(entry);
        let text = read(&file)?;
        if !text.contains(PLACEHOLDER) {
            return Err(format!("{}: it does not refer to {PLACEHOLDER}", file.display()));
        }
        write(&file, &text.replace(PLACEHOLDER, &format!("{VERSIONS}/{version}")))?;
    }
    arrange_engine(page)
}

fn arrange_engine(page: &Path) -> Result<()> {
    let folder = page.join("engine.new");
    let version = format!("engine-{}", version(&folder)?);
    rename(&folder, &page.join(VERSIONS).join(&version))?;
    let entry = page.join(ENGINE_ENTRY);
    fs::create_dir_all(page.join("engine")).map_err(|error| format!("engine: {error}"))?;
    let module = format!("../{VERSIONS}/{version}/converge.js");
    write(
        &entry,
        &format!(
            "// The engine of this version. Caches must revalidate this file.\nexport * from \"{module}\";\nexport {{ default }} from \"{module}\";\n"
        ),
    )
}

/// Returns the version of a folder: a hash of the names and contents of its files.
fn version(folder: &Path) -> Result<String> {
    let mut hash = Xxh3::new();
    for file in files(folder)? {
        let bytes = fs::read(folder.join(&file)).map_err(|error| format!("{}: {error}", file.display()))?;
        for part in [file.to_string_lossy().as_bytes(), &bytes] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Ok(format!("{:016x}", hash.digest()))
}

/// Returns the folder of the page's version inside of a built page.
///
/// # Errors
/// The page's entry cannot be read or names no version.
pub fn version_folder(page: &Path) -> Result<PathBuf> {
    let text = read(&page.join("start.js"))?;
    let name = text.split('"').nth(1).filter(|name| name.starts_with("app/"));
    name.map(|name| page.join(name)).ok_or_else(|| format!("{}: start.js names no version", page.display()))
}

/// Returns the path of a file without the folder of its version, as in `converge.js` for `app/0123456789abcdef/converge.js`.
pub fn without_version(file: &Path) -> PathBuf {
    let mut parts = file.components();
    let in_version = parts.next().is_some_and(|part| part.as_os_str() == VERSIONS);
    match parts.next().filter(|_| in_version) {
        Some(version) if version.as_os_str().to_string_lossy().starts_with("engine-") => {
            Path::new("engine").join(parts.as_path())
        }
        Some(_) => parts.as_path().to_path_buf(),
        None => file.to_path_buf(),
    }
}

/// Returns the paths of all files in a folder, relative to it, in alphabetical order.
///
/// # Errors
/// A folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    fn collect(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                collect(root, &path, found)?;
            } else {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    collect(folder, folder, &mut found)?;
    found.sort();
    Ok(found)
}

/// Lets the script of the split files accept any media type: not all hosts serve `.wasm` as `application/wasm`.
///
/// # Errors
/// The script does not have the form that the splitter's version in Cargo.lock generates.
pub fn accept_any_media_type(script: &Path) -> Result<()> {
    const STREAMING: &str = "WebAssembly.instantiateStreaming(src, imports)";
    const INSTANTIATE: &str = "
// Not all hosts serve `.wasm` as application/wasm.
async function instantiatePart(source, imports) {
    const response = await source;
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return (response.headers.get('Content-Type') ?? '').startsWith('application/wasm')
        ? WebAssembly.instantiateStreaming(response, imports)
        : WebAssembly.instantiate(await response.arrayBuffer(), imports);
}
";
    let text = read(script)?;
    if !text.contains(STREAMING) {
        return Err(format!("{}: it does not contain `{STREAMING}`", script.display()));
    }
    write(script, &(text.replace(STREAMING, "instantiatePart(src, imports)") + INSTANTIATE))
}

/// Reads a text file.
pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes a text file.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str, script: &str) -> PathBuf {
        let page = std::env::temp_dir().join(format!("converge-layout-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&page);
        for folder in ["app.new", "engine.new", "embed"] {
            fs::create_dir_all(page.join(folder)).expect("a folder");
        }
        for file in ["app.new/converge.js", "engine.new/converge.js"] {
            fs::write(page.join(file), script).expect("a file");
        }
        for file in VERSIONED {
            fs::write(page.join(file), "x").expect("a file");
        }
        for entry in ENTRIES {
            fs::write(page.join(entry), "a \"app/VERSION/style.css\"").expect("a file");
        }
        arrange(&page).expect("it is arranged");
        page
    }

    #[test]
    fn each_version_has_a_separate_folder_whose_name_changes_with_any_file() {
        let (one, other) = (page("one", "1"), page("other", "2"));
        let name = |page: &Path| read(&page.join("index.html")).expect("an entry");
        assert_ne!(name(&one), name(&other));
        assert!(!name(&one).contains("VERSION"));
        assert_eq!(name(&page("again", "1")), name(&one));
        let engine = read(&one.join("engine/converge.js")).expect("the engine's entry");
        assert!(engine.contains("\"../app/engine-"), "{engine}");
    }

    #[test]
    fn paths_are_compared_without_their_version() {
        for (path, expected) in [
            ("app/0123456789abcdef/converge.js", "converge.js"),
            ("app/engine-0123456789abcdef/converge_bg.wasm", "engine/converge_bg.wasm"),
            ("embed/index.html", "embed/index.html"),
        ] {
            assert_eq!(without_version(Path::new(path)), Path::new(expected));
        }
    }
}
