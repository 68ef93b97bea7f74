//! Results as plain data: what the command line prints with `--json` and what the JavaScript module returns. The
//! fields are described in the documentation of the command line.

mod check;
mod input;
mod reasons;
mod run;
mod sweep;
#[cfg(test)]
mod tests;

pub use check::{CheckOptions, CheckReport, OperationReport, VerdictReport, check, guarantee};
pub use input::{InputError, ValidationReport, is_link, plain_types, scenario_from, validate};
pub use reasons::{ReasonReport, ReasonsReport, StepReport};
pub use run::{
    ClientReport, ConvergenceReport, CopiesReport, CopyReport, InvariantReport, RunReport, ServiceReport, TraceLine,
};
pub use sweep::{CurvePoint, Figures, Quantiles, SweepReport};
