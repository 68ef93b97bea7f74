//! What the author of an embed hides from the visitor, and keeps from being changed.

/// Parts of the page that an embed hides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The palette.
    pub palette: bool,
    /// The inspector.
    pub inspector: bool,
    /// The verdicts, as chips and as a panel.
    pub verdicts: bool,
    /// The reasons why a copy is not consistent.
    pub why: bool,
    /// The log.
    pub log: bool,
    /// The timeline.
    pub timeline: bool,
    /// The share button.
    pub share: bool,
}

impl Hidden {
    /// Hides a part by its word in the address. Returns whether there is such a part.
    pub fn hide(&mut self, word: &str) -> bool {
        let part = match word {
            "palette" => &mut self.palette,
            "inspector" => &mut self.inspector,
            "verdicts" => &mut self.verdicts,
            "why" => &mut self.why,
            "log" => &mut self.log,
            "timeline" => &mut self.timeline,
            "share" => &mut self.share,
            _ => return false,
        };
        *part = true;
        true
    }
}

/// The actions that the visitor of an embed cannot execute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// Change the drawing.
    pub drawing: bool,
    /// Inject faults and heal them.
    pub faults: bool,
    /// Publish updates.
    pub publish: bool,
    /// Paste.
    pub paste: bool,
}

impl Locked {
    /// Locks something by its word in the address. Returns whether there is such a thing.
    pub fn lock(&mut self, word: &str) -> bool {
        let thing = match word {
            "drawing" => &mut self.drawing,
            "faults" => &mut self.faults,
            "publish" => &mut self.publish,
            "paste" => &mut self.paste,
            _ => return false,
        };
        *thing = true;
        true
    }
}
