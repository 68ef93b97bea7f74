use super::*;
use crate::session::protocol::Frame;

fn ready() -> Playback {
    let mut playback = Playback::default();
    playback.enqueue(Request::Load { scenario: Box::default(), at: 0 });
    assert_eq!(playback.next_request(), None, "nothing is sent before the engine is ready");
    playback.receive(FromEngine { epoch: 0, report: Report::Ready });
    let load = playback.next_request().expect("the load");
    answer(&mut playback, load.epoch, 0);
    playback
}

fn answer(playback: &mut Playback, epoch: u32, now: Micros) -> bool {
    let frame = Frame { now, until: 10_000_000, ..Frame::default() };
    playback.receive(FromEngine { epoch, report: Report::Frame(Box::new(frame)) }).is_some()
}

#[test]
fn the_newest_goal_counts_while_a_request_is_pending() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(1000.0);
    playback.tick(1016.0);
    let first = playback.next_request().expect("an advance");
    assert_eq!(first.request, Request::Advance { to: 16_000, budget: BUDGET });
    playback.tick(1032.0);
    assert_eq!(playback.next_request(), None, "one request at a time");
    playback.tick(1048.0);
    answer(&mut playback, first.epoch, 16_000);
    assert_eq!(playback.next_request().expect("an advance").request, Request::Advance { to: 48_000, budget: BUDGET });
}

#[test]
fn a_paused_clock_does_not_advance() {
    let mut playback = ready();
    playback.tick(1000.0);
    playback.tick(9000.0);
    assert_eq!(playback.next_request(), None);
}

#[test]
fn answers_about_an_older_run_are_dropped() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(0.0);
    playback.tick(20.0);
    let advance = playback.next_request().expect("an advance");
    playback.enqueue(Request::Edit { scenario: Box::default() });
    assert!(!answer(&mut playback, advance.epoch, 20_000));
    let edit = playback.next_request().expect("the edit");
    assert!(answer(&mut playback, edit.epoch, 0));
}

#[test]
fn scrubbing_sends_only_the_newest_seek() {
    let mut playback = ready();
    playback.enqueue(Request::Seek { to: 1 });
    let pending = playback.next_request().expect("the first");
    for to in 2..50 {
        playback.enqueue(Request::Seek { to });
    }
    answer(&mut playback, pending.epoch, 1);
    assert_eq!(playback.next_request().expect("the last").request, Request::Seek { to: 49 });
}

#[test]
fn a_page_that_was_hidden_continues_at_the_time_of_the_run() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(0.0);
    playback.tick(60_000.0);
    let Some(ToEngine { request: Request::Advance { to, .. }, .. }) = playback.next_request() else {
        panic!("no advance")
    };
    assert!(to < 500_000, "jumped to {to}");
}

#[test]
fn going_back_while_playing_moves_the_clock() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(0.0);
    playback.tick(100.0);
    let advance = playback.next_request().expect("an advance");
    playback.enqueue(Request::Seek { to: 20_000 });
    playback.tick(110.0);
    answer(&mut playback, advance.epoch, 100_000);
    playback.tick(120.0);
    let seek = playback.next_request().expect("the seek");
    assert_eq!(seek.request, Request::Seek { to: 20_000 });
    // Frames of the screen come before the answer; the clock must not run on from the time before.
    playback.tick(130.0);
    playback.tick(146.0);
    answer(&mut playback, seek.epoch, 20_000);
    playback.tick(150.0);
    playback.tick(160.0);
    let next = playback.next_request().expect("an advance from the time of the seek").request;
    assert_eq!(next, Request::Advance { to: 30_000, budget: BUDGET });
}

#[test]
fn a_long_seek_continues_to_its_time_while_playing() {
    let mut playback = ready();
    playback.play(true);
    playback.enqueue(Request::Seek { to: 5_000_000 });
    let seek = playback.next_request().expect("the seek");
    let part = Frame { now: 2_000_000, until: 10_000_000, more: true, ..Frame::default() };
    playback.receive(FromEngine { epoch: seek.epoch, report: Report::Frame(Box::new(part)) });
    playback.tick(10.0);
    playback.tick(20.0);
    let rest = playback.next_request().expect("the rest").request;
    assert_eq!(rest, Request::Advance { to: 5_000_000, budget: BUDGET });
}

#[test]
fn a_run_stops_at_its_end() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(0.0);
    playback.tick(16.0);
    let advance = playback.next_request().expect("an advance");
    answer(&mut playback, advance.epoch, 10_000_000);
    assert!(playback.at_end() && !playback.playing());
    playback.enqueue(Request::Seek { to: 0 });
    assert!(!playback.at_end(), "the run leaves its end");
}

#[test]
fn changing_the_speed_does_not_move_the_clock() {
    let mut playback = ready();
    playback.play(true);
    playback.tick(0.0);
    playback.tick(100.0);
    let advance = playback.next_request().expect("an advance");
    answer(&mut playback, advance.epoch, 100_000);
    playback.set_speed(10.0);
    playback.tick(110.0);
    playback.tick(120.0);
    assert_eq!(playback.next_request().expect("an advance").request, Request::Advance { to: 200_000, budget: BUDGET });
}

#[test]
fn durations_have_few_digits() {
    assert_eq!(clock(3_300_000), "3.300 s");
    assert_eq!(short(420_000), "0.4 s");
    assert_eq!(short(45_400), "45 ms");
    assert_eq!(exact(612_345), "0.61 s");
}

#[test]
fn every_slice_of_a_long_seek_is_on_the_way_of_the_jump() {
    let mut playback = Playback { ready: true, ..Playback::default() };
    let answer = |now: Micros, more: bool| FromEngine {
        epoch: 0,
        report: Report::Frame(Box::new(Frame { now, until: 10_000_000, more, ..Frame::default() })),
    };
    playback.enqueue(Request::Seek { to: 5_000_000 });
    for (now, more) in [(2_000_000, true), (4_000_000, true), (5_000_000, false)] {
        assert!(playback.next_request().is_some());
        playback.receive(answer(now, more));
        assert!(playback.shows_jump(), "{now}");
    }
    playback.enqueue(Request::Step);
    assert!(playback.next_request().is_some());
    playback.receive(answer(5_100_000, false));
    assert!(!playback.shows_jump(), "a step reports its event");
}
