//! All tests of the page in Chromium: one program, which links once. Those in Firefox are apart, because a machine may lack it.

use browser_tests::Site;
use std::sync::LazyLock;

mod animation;
mod appearance;
mod canvas_editing;
mod challenges;
mod course_pages;
mod deployment;
mod drawings;
mod engine;
mod faults;
mod focus;
mod gallery;
mod hostile;
mod internals;
mod journeys;
mod kept_work;
mod keyboard_and_touch;
mod language;
mod lessons;
mod messages;
mod outline;
mod overlaps;
mod package;
mod page;
mod recovery;
mod room;
mod sharing;
mod sight;
mod time_travel;
mod typing;
mod weight;

/// The built page, served for all tests.
static SITE: LazyLock<Site> = LazyLock::new(Site::start);
