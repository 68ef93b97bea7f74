//! What a visitor downloads: the size of each file of the page, gzipped, and the two budgets.

use crate::{Result, layout};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;

/// The maximum that a visitor downloads before the first click or key, in bytes, gzipped.
pub const FIRST_LOAD_BUDGET: usize = 450 * 1024;

/// The maximum size of all files of the page together, without those in `APART`, in bytes, gzipped. The page had 1.19 MiB before
/// embeds exchanged messages, values were edited on the canvas, documents had tasks, and the share dialog recorded pictures and
/// drew QR codes, 1.48 MiB before all of its texts, those of the examples and those of the simulator were in German too, 1.57
/// MiB before it warned of more settings without effect, 1.6 MiB before it kept live commands over a reload and stated why a
/// verdict is unknown, and 1.7 MiB before the verdict followed calls, promises and later faults. Most of that is loaded on
/// demand.
pub const TOTAL_BUDGET: usize = 1_866_465; // 1.78 MiB

/// Folders and files that do not count as the page: lessons, the engine as a module for other pages, course pages as examples,
/// the schemas of documents and messages, the configuration of hosts, and the page's script as the worker of sandboxed frames.
const APART: [&str; 8] = [
    "lessons",
    "engine",
    "examples",
    "scenario.schema.json",
    "messages.schema.json",
    "_headers",
    ".htaccess",
    "sandbox-worker.js",
];

/// The prefix of the names of split files that only a lesson loads.
const LESSON_CODE: &str = "split_lesson";

/// Folders of the page that opening it does not load.
const ON_DEMAND_FOLDERS: [&str; 1] = ["embed"];

/// Files of the page that opening it does not load.
const ON_DEMAND_FILES: [&str; 1] = ["embed.js"];

/// The size of the page in bytes, gzipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// What opening the page downloads.
    pub first_load: usize,
    /// All files of the page.
    pub total: usize,
}

impl Weight {
    /// Measures a folder with the built page, and prints each file's size.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of(page: &Path) -> Result<Weight> {
        let mut weight = Weight { first_load: 0, total: 0 };
        println!("{:>9} {:>9}", "bytes", "gzipped");
        for file in layout::files(page)? {
            if is_apart(&layout::without_version(&file)) {
                continue;
            }
            let bytes = fs::read(page.join(&file)).map_err(|error| format!("{}: {error}", file.display()))?;
            let gzipped = gzip(&bytes).len();
            let is_first = is_first_load(&file);
            weight.total += gzipped;
            weight.first_load += if is_first { gzipped } else { 0 };
            let when = if is_first { "" } else { " (on demand)" };
            println!("{:>9} {gzipped:>9}  {}{when}", bytes.len(), file.display());
        }
        println!("{:>19}  first load; the budget is {FIRST_LOAD_BUDGET}", weight.first_load);
        println!("{:>19}  all files; the budget is {TOTAL_BUDGET}", weight.total);
        Ok(weight)
    }

    /// Checks both budgets.
    ///
    /// # Errors
    /// A budget is exceeded.
    pub fn check(self) -> Result<()> {
        for (name, bytes, budget) in
            [("first load", self.first_load, FIRST_LOAD_BUDGET), ("all files together", self.total, TOTAL_BUDGET)]
        {
            if bytes > budget {
                return Err(format!(
                    "{name}: {bytes} bytes gzipped, {} more than the budget of {budget}",
                    bytes - budget
                ));
            }
        }
        Ok(())
    }
}

/// Returns whether opening the page loads a file, given by its path inside the page's folder. The browser tests compare this
/// with what a browser requests.
pub fn is_first_load(file: &Path) -> bool {
    let file = layout::without_version(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_split = name.ends_with(".wasm") && (name.starts_with("split_") || name.starts_with("chunk_"));
    let is_on_demand = ON_DEMAND_FILES.iter().any(|other| file == Path::new(other))
        || ON_DEMAND_FOLDERS.iter().any(|folder| file.starts_with(folder))
        || is_apart(&file);
    !is_split && !is_on_demand
}

/// Returns whether a file, given by its path without its version, does not count as the page.
fn is_apart(file: &Path) -> bool {
    APART.iter().any(|folder| file.starts_with(folder)) || file.to_string_lossy().starts_with(LESSON_CODE)
}

/// Compresses bytes as web hosts usually do, at level 6.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasm_files_that_are_fetched_on_demand_do_not_count_as_first_load() {
        for first in ["index.html", "start.js", "app/0/converge.js", "app/0/converge_bg.wasm", "app/0/style.css"] {
            assert!(is_first_load(Path::new(first)), "{first}");
        }
        for later in [
            "app/0/split_views_1.wasm",
            "app/0/chunk_0.wasm",
            "embed.js",
            "app/engine-0/converge.js",
            "examples/plain.html",
        ] {
            assert!(!is_first_load(Path::new(later)), "{later}");
        }
    }

    #[test]
    fn a_page_over_a_budget_is_refused() {
        let fits = Weight { first_load: FIRST_LOAD_BUDGET, total: TOTAL_BUDGET };
        assert_eq!(fits.check(), Ok(()));
        for heavy in [Weight { first_load: FIRST_LOAD_BUDGET + 1, ..fits }, Weight { total: TOTAL_BUDGET + 1, ..fits }]
        {
            assert!(heavy.check().is_err_and(|error| error.contains(" 1 more than the budget")), "{heavy:?}");
        }
    }
}
