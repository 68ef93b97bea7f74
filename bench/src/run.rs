//! A run of a million events under the session: how fast, how much of it is kept, what a snapshot costs, and what it costs
//! to stand at another instant.

use converge::engine::Stream;
use converge::session::protocol::{Query, Report, Request, ScenarioJson, ToEngine};
use converge::session::{Run, Session};
use converge::trace::Record;
use converge_bench::crowd;
use std::time::Instant;

const EVENTS: u64 = 1_000_000;

/// Sends a request; returns the instant, the events, and the frame's size as it crosses the worker.
fn ask(session: &mut Session, request: Request) -> (u64, u64) {
    match session.handle(ToEngine { epoch: 1, request }).report {
        Report::Frame(frame) => (frame.now, frame.events),
        other => panic!("no frame but {other:?}"),
    }
}

/// The records that are kept.
fn kept(session: &mut Session) -> u64 {
    match session.handle(ToEngine { epoch: 1, request: Request::Query(Query::Log { from: 0, count: 0 }) }).report {
        Report::Log { total, oldest, .. } => total - oldest,
        other => panic!("no log but {other:?}"),
    }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn spread(what: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    println!("  {what}: median {:.2} ms, most {:.2} ms", figures[figures.len() / 2], figures[figures.len() - 1]);
}

/// Prints the figures.
pub fn run() {
    let scenario = crowd::scenario(12.0, 1000.0, 1e6);
    println!("run: {EVENTS} events of 200 services, through the session");
    let mut session = Session::default();
    ask(&mut session, Request::Load { scenario: ScenarioJson::from(&scenario), at: 0 });
    let (mut end, mut events, mut peak) = (0, 0, 0);
    let start = Instant::now();
    while events < EVENTS {
        // A frame of the screen at speed 10.
        (end, events) = ask(&mut session, Request::Advance { to: end + 166_667, budget: 100_000 });
        peak = peak.max(kept(&mut session));
    }
    let took = ms(start);
    println!("  played in {took:.0} ms, {:.2} M events a second with their frames", events as f64 / took / 1e3);
    let mb = (peak as usize * size_of::<Record>()) as f64 / 1e6;
    println!("  trace: at most {peak} records of {} bytes are kept, {mb:.1} MB", size_of::<Record>());

    let mut run = Run::new(&scenario);
    let start = Instant::now();
    run.advance(end, u64::MAX, &mut |_, _, _| {});
    println!("  without frames in {:.0} ms", ms(start));
    let clones = (0..20).map(|_| {
        let start = Instant::now();
        let snapshot = run.clone();
        let took = ms(start);
        assert_eq!(snapshot.engine().events(), run.engine().events());
        took
    });
    spread("clone of the run at its end", clones.collect());

    let mut chance = Stream::named(1, "bench", "seek");
    let (mut back, mut forth, mut at) = (Vec::new(), Vec::new(), end);
    for _ in 0..20 {
        let to = (chance.unit() * end as f64) as u64;
        let start = Instant::now();
        ask(&mut session, Request::Seek { to });
        if to < at { &mut back } else { &mut forth }.push(ms(start));
        at = to;
    }
    spread("seek to a random earlier instant", back);
    spread("seek to a random later instant", forth);
}
