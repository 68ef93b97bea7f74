//! Changes valid inputs at random, and collects what a target finds wrong.

use crate::MEMORY;
use crate::panics::caught;
use crate::random::Random;
use crate::targets::Target;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The maximum number of inputs that are kept and changed further.
const MAX_KEPT: usize = 4096;
/// Kinds of findings after which a campaign ends.
const MAX_FINDINGS: usize = 20;
/// The maximum number of inputs that are tried to minimize one finding.
const MAX_TRIES: usize = 3000;

/// An input that a target refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The input, made as short as possible.
    pub input: String,
    /// The problem.
    pub fault: String,
}

/// Observes a campaign.
pub trait Observer {
    /// Called before an input is checked.
    fn begin(&mut self, input: &str);
    /// Called after the input was checked. Returns whether the campaign continues.
    fn end(&mut self) -> bool;
}

/// The inputs of a target, one after the other.
pub struct Campaign<'a> {
    target: &'a Target,
    random: Random,
    /// Inputs with different answers. The first ones are the target's seeds.
    kept: Vec<String>,
    seeds: usize,
    answers: BTreeSet<u64>,
    faults: BTreeSet<u64>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// The most memory that an input needed, bytes.
    pub peak: usize,
}

impl<'a> Campaign<'a> {
    /// Begins a campaign.
    pub fn new(target: &'a Target, seed: u64) -> Campaign<'a> {
        let kept = (target.seeds)();
        Campaign {
            target,
            random: Random::new(seed),
            seeds: kept.len(),
            kept,
            answers: BTreeSet::new(),
            faults: BTreeSet::new(),
            findings: Vec::new(),
            peak: 0,
        }
    }

    /// Returns the number of different answers.
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Checks the seeds and then `count` random inputs, until the observer stops it. Returns the number of random inputs.
    pub fn run(&mut self, count: u64, observer: &mut dyn Observer) -> u64 {
        for input in self.kept.clone() {
            self.check(input, observer);
        }
        for number in 0..count {
            if self.findings.len() >= MAX_FINDINGS {
                return number;
            }
            let (input, donor) = (self.pick(), self.pick());
            let input = (self.target.change)(&self.kept[input], &self.kept[donor], &mut self.random);
            if !self.check(input, observer) {
                return number + 1;
            }
        }
        count
    }

    /// Checks an input. Returns whether to go on.
    fn check(&mut self, input: String, observer: &mut dyn Observer) -> bool {
        observer.begin(&input);
        let (answer, memory) = judge(self.target, &input);
        self.peak = self.peak.max(memory);
        let continues = observer.end();
        match answer {
            Ok(answer) => {
                if self.answers.insert(outline(&answer)) {
                    self.keep(input);
                }
            }
            Err(fault) => {
                if self.faults.insert(outline(&fault)) {
                    let input = minimized(self.target, input, outline(&fault));
                    self.findings.push(Finding { input, fault });
                }
            }
        }
        continues
    }

    /// Returns the index of an input to change: every second time that of a seed, so that the inputs do not drift to nonsense.
    fn pick(&mut self) -> usize {
        let among = if self.random.once_in(2) { self.seeds } else { self.kept.len() };
        self.random.below(among)
    }

    fn keep(&mut self, input: String) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push(input);
        } else {
            let index = self.seeds + self.random.below(MAX_KEPT - self.seeds);
            self.kept[index] = input;
        }
    }
}

/// Checks an input. Returns the kind of its answer, or the problem; and the memory that it needed, bytes.
fn judge(target: &Target, input: &str) -> (Result<String, String>, usize) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let answer = caught(|| (target.check)(input)).and_then(|answer| answer);
    let memory = MEMORY.peak_usage().saturating_sub(before);
    let limit = target.memory;
    let answer = answer.and_then(|answer| match memory > limit {
        true => Err(format!("it needs {memory} bytes of memory, at most {limit} are expected")),
        false => Ok(answer),
    });
    (answer, memory)
}

/// Returns a hash of the first error of an answer, or of a fault, without numbers and quotations, which are different for
/// every input.
fn outline(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut quote = None;
    for c in text.chars().take_while(|c| *c != ';').take(160) {
        match quote {
            Some(mark) => quote = Some(mark).filter(|mark| *mark != c),
            None if matches!(c, '`' | '"') => quote = Some(c),
            None if c.is_ascii_digit() || c == '-' => {}
            None => c.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// Removes parts of an input as long as the same is wrong with it.
fn minimized(target: &Target, input: String, fault: u64) -> String {
    let mut best: Vec<char> = input.chars().collect();
    let mut tries = 0;
    let mut length = best.len().div_ceil(2);
    while length > 0 && tries < MAX_TRIES {
        let (mut at, mut is_shorter) = (0, false);
        while at < best.len() && tries < MAX_TRIES {
            let end = (at + length).min(best.len());
            let shorter: String = best[..at].iter().chain(&best[end..]).collect();
            tries += 1;
            match judge(target, &shorter).0 {
                Err(other) if outline(&other) == fault => {
                    best.drain(at..end);
                    is_shorter = true;
                }
                Ok(_) | Err(_) => at = end,
            }
        }
        if !is_shorter || length > 1 {
            length /= 2;
        }
    }
    best.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    struct All;

    impl Observer for All {
        fn begin(&mut self, _: &str) {}

        fn end(&mut self) -> bool {
            true
        }
    }

    fn target(check: fn(&str) -> Result<String, String>) -> Target {
        let seeds = || vec!["a short text with 100 and more".to_string()];
        let change = |text: &str, donor: &str, random: &mut Random| text::changed(text, donor, &[], random);
        Target { name: "test", seeds, change, check, memory: 1 << 20 }
    }

    fn findings(check: fn(&str) -> Result<String, String>) -> Vec<Finding> {
        let target = target(check);
        let mut campaign = Campaign::new(&target, 7);
        campaign.run(2000, &mut All);
        campaign.findings
    }

    #[test]
    fn a_panic_an_error_and_much_memory_are_found_and_minimized() {
        let found = findings(|text| {
            assert!(!text.contains("%25"), "percent");
            if text.contains("<script>") {
                return Err("it contains markup".into());
            }
            let much = vec![0u8; if text.contains("1e999") { 2 << 20 } else { 0 }];
            Ok(format!("fine{}", much.first().map_or("", |_| "!")))
        });
        let of = |input: &str| found.iter().find(|finding| finding.input == input).map(|finding| &*finding.fault);
        assert!(of("%25").is_some_and(|fault| fault.ends_with("percent")), "{found:?}");
        assert_eq!(of("<script>"), Some("it contains markup"));
        assert!(of("1e999").is_some_and(|fault| fault.contains("bytes of memory")), "{found:?}");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn the_seed_determines_the_inputs() {
        let once = |seed: u64| {
            let target = target(|text| Ok(text.len().to_string()));
            let mut campaign = Campaign::new(&target, seed);
            campaign.run(300, &mut All);
            campaign.random.number()
        };
        assert_eq!(once(1), once(1));
        assert_ne!(once(1), once(2));
    }
}
