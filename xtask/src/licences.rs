//! Checks the licences of all dependencies against a list.

use crate::{Result, cargo};
use serde_json::Value;

/// The accepted licences, as SPDX identifiers.
const ALLOWED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// Checks the licence of every package in Cargo.lock.
///
/// # Errors
/// A package has no licence, or one that is not on the list.
pub fn check() -> Result<()> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}: {}", String::from_utf8_lossy(&output.stderr)))?;
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !allowed(package["license"].as_str().unwrap_or_default()))
        .map(|package| format!("{} ({})", package["name"].as_str().unwrap_or_default(), package["license"]))
        .collect();
    if packages.is_empty() || !refused.is_empty() {
        return Err(format!("licences that are not on the list: {}", refused.join(", ")));
    }
    println!("All {} packages have licences on the list.", packages.len());
    Ok(())
}

/// Returns whether an SPDX expression can be satisfied with licences on the list.
fn allowed(expression: &str) -> bool {
    // Old crates write MIT/Apache-2.0. AND binds tighter than OR. Parentheses enclose only alternatives.
    let expression = expression.replace('/', " OR ");
    if let (Some(open), Some(close)) = (expression.find('('), expression.rfind(')')) {
        let inner = if allowed(&expression[open + 1..close]) { ALLOWED[0] } else { "none" };
        return allowed(&format!("{}{inner}{}", &expression[..open], &expression[close + 1..]));
    }
    expression.split(" OR ").any(|terms| terms.split(" AND ").all(|term| ALLOWED.contains(&term.trim())))
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn a_licence_that_is_not_on_the_list_is_refused() {
        assert!(allowed("MIT"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("GPL-3.0 OR MIT"));
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed("GPL-3.0"));
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(!allowed("(MIT OR Apache-2.0) AND GPL-3.0"));
        assert!(!allowed(""));
    }
}
