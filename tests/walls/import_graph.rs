//! The graph of imports between the files of a folder, by their `use` declarations.

use std::collections::{BTreeMap, BTreeSet};

/// The path of a module below the folder, such as `["bus", "config"]`; empty for the folder's `mod.rs`.
type Module = Vec<String>;
/// The modules of the folder from which each module imports.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// Returns the files that import each other in cycles, directly or through others. `files` are the names and contents of
/// all files of the folder, such as `src/engine`.
pub fn files_in_cycles(folder: &str, files: &[(String, String)]) -> Vec<String> {
    let graph = import_graph(folder, files);
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        graph.keys().map(|module| (module, reachable(&graph, module))).collect();
    let in_cycle = graph.keys().filter(|module| reached[module].contains(module));
    in_cycle.map(|module| module.join("/")).collect()
}

fn import_graph(folder: &str, files: &[(String, String)]) -> Graph {
    let module_of = |name: &str| {
        let path = name.trim_start_matches(folder).trim_start_matches('/').trim_end_matches(".rs");
        let mut module: Module = path.split('/').map(str::to_string).collect();
        module.pop_if(|last| last == "mod");
        module
    };
    let modules: BTreeSet<Module> = files.iter().map(|(name, _)| module_of(name)).collect();
    let root: Vec<String> = folder.replacen("src", "crate", 1).split('/').map(str::to_string).collect();
    let imports = files.iter().map(|(name, text)| {
        let module = module_of(name);
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text);
        let paths = use_paths(code);
        let targets = paths.iter().filter_map(|path| resolve(path, &module, &root, &modules));
        let targets = targets.filter(|target| *target != module).collect();
        (module, targets)
    });
    imports.collect()
}

/// Returns the paths of all `use` declarations, with groups expanded.
fn use_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    // The newline is for a declaration at the very start.
    let code = format!("\n{code}");
    let declarations = code.split(';').filter_map(|statement| {
        let starts = [" use ", "\nuse ", ") use ", "pub use "];
        let start = starts.iter().filter_map(|word| statement.rfind(word).map(|at| at + word.len())).max()?;
        Some(statement[start..].split_whitespace().collect::<Vec<&str>>().join(" "))
    });
    for tree in declarations.filter(|tree| tree.contains("::")) {
        expand("", &tree, &mut paths);
    }
    paths
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        return paths.push(format!("{prefix}{path}"));
    };
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0, 0);
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        expand(&prefix, &group[start..], paths);
    }
}

/// Returns the file of the folder that a path leads to; none if it leads elsewhere.
fn resolve(path: &str, module: &Module, root: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    let parts: Vec<String> = path.split("::").map(|part| part.trim().to_string()).collect();
    let mut target = match parts[0].as_str() {
        "crate" => parts.strip_prefix(root)?.to_vec(),
        "super" => {
            let ups = parts.iter().take_while(|part| *part == "super").count();
            let base = module.len().checked_sub(ups)?;
            [&module[..base], &parts[ups..]].concat()
        }
        "self" => [&module[..], &parts[1..]].concat(),
        _ => {
            let child = [&module[..], &parts[..1]].concat();
            modules.contains(&child).then(|| [&module[..], &parts[..]].concat())?
        }
    };
    while !modules.contains(&target) {
        target.pop()?;
    }
    Some(target)
}

fn reachable<'a>(graph: &'a Graph, from: &'a Module) -> BTreeSet<&'a Module> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&Module> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&graph[module]);
        }
    }
    found
}

#[test]
fn a_cycle_through_groups_and_parents_is_found() {
    let file = |name: &str, text: &str| (name.to_string(), text.to_string());
    let mut files = vec![
        file("src/engine/mod.rs", "mod a;\nuse a::Thing;\n"),
        file("src/engine/a.rs", "mod b;\nuse super::c::{Other, nested::{Deep, Deeper}};\n"),
        file("src/engine/a/b.rs", "use crate::engine::a::Thing as It;\nuse std::fmt;\n"),
        file("src/engine/c.rs", "use crate::trace::{Fact, engine};\n"),
    ];
    assert_eq!(files_in_cycles("src/engine", &files), Vec::<String>::new());
    files[3].1.push_str("pub use super::a::{\n    b::{It},\n};\n");
    assert_eq!(files_in_cycles("src/engine", &files), ["a", "a/b", "c"]);
}
