//! Links and embeds of the page.

use super::*;

#[test]
fn a_shared_link_opens_as_a_preview_with_the_same_digest_and_keeps_the_visitors_work() {
    let browser = open(WIDE, "");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
    browser.click(".top [data-action=Share]");
    let link = browser.wait("document.querySelector('#share-link')?.value");
    let link = link.as_str().expect("a link").to_string();
    assert!(link.contains("&digest="), "{link}");
    let length = browser.text("#share-length");
    assert_eq!(length, format!("{} characters", link.chars().count()));
    assert!(
        browser
            .run("return document.querySelector('#share-embed').value")
            .as_str()
            .is_some_and(|s| s.starts_with("<iframe src="))
    );
    assert_clean_console(&browser);

    let fresh = Browser::start(WIDE);
    fresh.open(&link);
    fresh.wait("document.body.textContent.includes('Replayed identically')");
    fresh.wait("document.querySelector('.preview')?.textContent.includes('Preview')");
    assert_eq!(fresh.run("return localStorage.getItem('converge.work')"), Value::Null);
    fresh.click(".preview button");
    fresh.wait("!document.querySelector('.preview')");
    assert_clean_console(&fresh);
}

#[test]
fn a_truncated_link_is_reported_with_its_length_and_the_first_example_opens() {
    let scenario = EXAMPLES[0].scenario();
    let link = converge::scenario::link::encode(&scenario).expect("a link");
    let browser = open(WIDE, &format!("#{}", &link[..link.len() / 2]));
    let expected = format!("cut short ({} of {} characters)", link.len() / 2, link.len());
    browser.wait(&format!("document.body.textContent.includes({})", json!(expected)));
    wait_for_state(&browser, "notification", "consistent");
}

#[test]
fn an_embed_works_on_another_origin_with_and_without_sandbox() {
    let link = converge::scenario::link::encode(&EXAMPLES[0].scenario()).expect("a link");
    for sandbox in ["", "allow-scripts"] {
        let browser = Browser::start(WIDE);
        browser.open(&format!("{}examples/plain.html", SITE.elsewhere.address()));
        let source = SITE.at(&format!("embed/#{link}"));
        let script = format!(
            "const f = document.createElement('iframe'); f.id = 'course'; f.width = 720; f.height = 480; {} f.src = arguments[0]; document.body.append(f)",
            if sandbox.is_empty() { String::new() } else { format!("f.setAttribute('sandbox', '{sandbox}');") }
        );
        browser.run_with(&script, &source);
        browser.frame(Some("#course"));
        browser.click(".publish, .publish-wide");
        wait_for_state(&browser, "notification", "stale");
        wait_for_state(&browser, "notification", "consistent");
        assert_eq!(browser.run("return document.querySelectorAll('.palette, .inspector, .top').length"), json!(0));
        assert!(
            browser.run("return document.querySelector('a.open').href").as_str().is_some_and(|a| a.ends_with(&link))
        );
        browser.frame(None);
    }
}

#[test]
fn the_embed_element_loads_nothing_before_a_click() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/element.html"));
    browser.wait("!!document.querySelector('converge-embed')?.shadowRoot?.querySelector('button')");
    let loaded = "performance.getEntriesByType('resource').filter(r => r.name.includes('wasm')).length";
    assert_eq!(browser.run(&format!("return {loaded}")), json!(0));
    browser.run("document.querySelector('converge-embed').shadowRoot.querySelector('button').click()");
    let frame = "document.querySelector('converge-embed').shadowRoot.querySelector('iframe')?.contentDocument";
    // Query again each time: a handle into the frame becomes invalid when the frame loads.
    browser.wait(&format!("!!{frame}?.querySelector('[data-node=\"tolerant\"] .badge')"));
    assert_clean_console(&browser);
}
