//! What can be asked about a run: verdicts, reasons, messages, metrics, texts for other tools. The page fetches it when
//! something is first asked.

use super::loaded::Loaded;
use super::protocol::{Report, Request};
use super::{export, findings};

/// Who answers questions about the run that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Examiner(fn(&Loaded, &Request) -> Option<Report>);

impl Examiner {
    /// Knows all the answers. Whoever names it brings them along.
    pub fn new() -> Self {
        Examiner(answer)
    }

    /// Answers a question; none if it is no question.
    pub(super) fn answer(self, loaded: &Loaded, request: &Request) -> Option<Report> {
        self.0(loaded, request)
    }
}

impl Default for Examiner {
    fn default() -> Self {
        Examiner::new()
    }
}

fn answer(loaded: &Loaded, request: &Request) -> Option<Report> {
    let Loaded { run, scenario, live, .. } = loaded;
    Some(match request {
        Request::Examine { node } => Report::Findings(findings::findings(run, scenario, live, *node)),
        Request::Diagram { from, to } => Report::Arrows(findings::arrows(run, *from, *to)),
        Request::Charts => Report::Charts(export::charts(run, scenario)),
        Request::Export(kind) => {
            let (name, text) = export::text(run, scenario, *kind);
            Report::Text { name, text }
        }
        Request::Load { .. }
        | Request::Edit { .. }
        | Request::Advance { .. }
        | Request::Step
        | Request::StepBack
        | Request::Act { .. }
        | Request::Seek { .. }
        | Request::Reset
        | Request::Branch(_)
        | Request::Log { .. }
        | Request::Describe => return None,
    })
}
