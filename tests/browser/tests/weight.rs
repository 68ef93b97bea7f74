//! The build counts as first load what a browser requests before the visitor touches anything.

use browser_tests::{Browser, PHONE, Site, WIDE};
use std::path::Path;
use xtask::weight::is_first_load;

#[test]
fn opening_the_page_requests_only_what_counts_as_first_load() {
    for look in [WIDE, PHONE] {
        let site = Site::start();
        let browser = Browser::start_new(look);
        browser.open(&site.at(""));
        browser.wait("document.querySelector('.card .badge')");
        // Requests that the page makes when it is idle come within a second.
        browser.run_async("setTimeout(done, 2000)");
        let requested = site.page.requested();
        assert!(requested.iter().any(|path| path.ends_with("/converge_bg.wasm")), "{requested:?}");
        let uncounted: Vec<&String> = requested.iter().filter(|path| !is_first_load(Path::new(path))).collect();
        assert_eq!(uncounted, Vec::<&String>::new(), "{look:?}");
    }
}
