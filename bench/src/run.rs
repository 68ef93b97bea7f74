//! A run of a million events in a session: its speed, the size of its trace, and the cost of snapshots and seeks.

use converge::engine::Stream;
use converge::session::protocol::{Query, Report, Request, ToEngine};
use converge::session::{Run, Session};
use converge::trace::Record;
use converge_bench::crowd;
use std::time::Instant;

const EVENTS: u64 = 1_000_000;

/// Sends a request; returns the time and the number of events of the frame that answers it.
fn request_frame(session: &mut Session, request: Request) -> (u64, u64) {
    match session.handle(ToEngine { epoch: 1, request }).report {
        Report::Frame(frame) => (frame.now, frame.events),
        other => panic!("a frame is expected, not {other:?}"),
    }
}

/// Returns the number of records in the trace.
fn records(session: &mut Session) -> u64 {
    match session.handle(ToEngine { epoch: 1, request: Request::Query(Query::Log { from: 0, count: 0 }) }).report {
        Report::Log { total, oldest, .. } => total - oldest,
        other => panic!("a log is expected, not {other:?}"),
    }
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn print(name: &str, mut durations: Vec<f64>) {
    durations.sort_by(f64::total_cmp);
    let (median, longest) = (durations[durations.len() / 2], durations[durations.len() - 1]);
    println!("  {name}: median {median:.2} ms, longest {longest:.2} ms");
}

/// Prints the figures.
pub fn run() {
    let scenario = crowd::scenario(12.0, 1000.0, 1e6);
    println!("run: {EVENTS} events of 200 services in a session");
    let mut session = Session::default();
    request_frame(&mut session, Request::Load { scenario: Box::new(scenario.clone()), at: 0 });
    let (mut end, mut events, mut peak) = (0, 0, 0);
    let start = Instant::now();
    while events < EVENTS {
        // One frame of the screen at speed 10.
        (end, events) = request_frame(&mut session, Request::Advance { to: end + 166_667, budget: 100_000 });
        peak = peak.max(records(&mut session));
    }
    let duration = ms(start);
    println!("  with frames: {duration:.0} ms, {:.2} M events a second", events as f64 / duration / 1e3);
    let mb = (peak as usize * size_of::<Record>()) as f64 / 1e6;
    println!("  trace: at most {peak} records of {} bytes, {mb:.1} MB", size_of::<Record>());

    let mut run = Run::new(&scenario);
    let start = Instant::now();
    run.advance(end, u64::MAX, &mut |_, _, _| {});
    println!("  without frames: {:.0} ms", ms(start));
    let clones = (0..20).map(|_| {
        let start = Instant::now();
        let snapshot = run.clone();
        let duration = ms(start);
        assert_eq!(snapshot.engine().events(), run.engine().events());
        duration
    });
    print("clone of the run at its end", clones.collect());

    let mut random = Stream::named(1, "bench", "seek");
    let (mut earlier, mut later, mut now) = (Vec::new(), Vec::new(), end);
    for _ in 0..20 {
        let to = (random.unit() * end as f64) as u64;
        let start = Instant::now();
        request_frame(&mut session, Request::Seek { to });
        if to < now { &mut earlier } else { &mut later }.push(ms(start));
        now = to;
    }
    print("seek to a random earlier time", earlier);
    print("seek to a random later time", later);
}
