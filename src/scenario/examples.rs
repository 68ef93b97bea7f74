//! Scenarios that come with the program, each with a test that it shows what it says.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Stable id, as in `#ex=<id>` and `converge examples show <id>`.
    pub id: &'static str,
    /// What it shows, in one line.
    pub shows: &'static str,
    /// The document.
    pub json: &'static str,
}

/// All examples, in the order in which they are listed.
pub const EXAMPLES: &[Example] = &[];

/// The example with that id.
pub fn find(id: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.id == id)
}
