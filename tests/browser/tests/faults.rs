//! The faults that a thorough trial of the page has found, one test for each, by its number.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, open_from_gallery, wait_for_state};
use serde_json::{Value, json};

const CLOCK: &str = "parseFloat(document.querySelector('.transport .clock').textContent)";

fn open(look: Look, path: &str) -> Browser {
    let browser = SITE.visit(look, path);
    browser.wait("document.querySelector('main .badge') || document.querySelector('main.canvas[tabindex=\"0\"]')");
    browser
}

fn cards(browser: &Browser, count: usize) {
    browser.wait(&format!("document.querySelectorAll('main [data-node]').length === {count}"));
}

fn stock(browser: &Browser, node: &str) -> String {
    browser.text(&format!("[data-node=\"{node}\"] .rows .v"))
}

#[test]
fn fault_1_the_previous_event_before_the_first_one_leaves_the_clock_at_0() {
    let browser = open(WIDE, "");
    browser.keys(&[",", ","]);
    browser.click(".transport [data-action=StepBack]");
    browser.wait(&format!("{CLOCK} === 0"));
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    assert_clean_console(&browser);
}

#[test]
fn fault_2_going_back_while_playing_moves_the_clock() {
    let browser = open(WIDE, "#ex=inventory-notification&speed=1");
    browser.click(".transport [aria-label=Play]");
    for _ in 0..5 {
        browser.wait(&format!("{CLOCK} > 1.2"));
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["Home"]);
        browser.wait(&format!("{CLOCK} < 1"));
        browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    }
    assert_clean_console(&browser);
}

#[test]
fn fault_5_undo_reverts_live_commands_and_reset_in_their_order() {
    let browser = open(WIDE, "");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    browser.click(".transport [aria-label=Pause]");
    assert_eq!(stock(&browser, "inventory"), "51");
    browser.click("[aria-label=Undo]");
    browser.wait("document.querySelector('[data-node=\"inventory\"] .rows .v').textContent === '50'");
    browser.click("[aria-label=Redo]");
    browser.wait("document.querySelector('[data-node=\"inventory\"] .rows .v').textContent === '51'");
    browser.click(".transport [data-action=Reset]");
    browser.wait("document.querySelector('[data-node=\"inventory\"] .rows .v').textContent === '50'");
    browser.wait("document.querySelector('.notice')?.textContent.includes('Undo brings them back')");
    browser.click("[aria-label=Undo]");
    browser.wait("document.querySelector('[data-node=\"inventory\"] .rows .v').textContent === '51'");
    assert_clean_console(&browser);
}

#[test]
fn fault_6_keys_act_right_after_loading_and_the_focus_is_never_lost() {
    let browser = open(WIDE, "");
    browser.keys(&["p"]);
    wait_for_state(&browser, "notification", "stale");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.matches('.commands-input')");
    let commands = browser.wait("[...document.querySelectorAll('.commands-list li .grow')].map(e => e.textContent)");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog')");
    let labels: Vec<&str> = commands.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(labels.len() > 30, "{labels:?}");
    let other = ["Open the example", "Open the challenge", "Save the"];
    // The next language comes last: with it, all others have other names.
    let (last, labels): (Vec<&str>, Vec<&str>) = labels.into_iter().partition(|label| label.ends_with("next language"));
    assert_eq!(last.len(), 1);
    let labels = labels.iter().filter(|label| !other.iter().any(|start| label.starts_with(start)));
    for label in labels.chain(&last) {
        browser.keys(&["Control+k"]);
        browser.wait("document.activeElement.matches('.commands-input')");
        let letters: Vec<String> = label.chars().map(String::from).collect();
        browser.keys(&letters.iter().map(String::as_str).collect::<Vec<_>>());
        browser.keys(&["Enter"]);
        browser.wait("!document.querySelector('.commands-input')");
        // A label in the expression names the action if the wait fails.
        let focused = format!(
            "document.activeElement !== document.body && document.activeElement?.getClientRects().length > 0 && {}",
            json!(label)
        );
        browser.wait(&focused);
        if browser.run("return !!document.querySelector('dialog')") == json!(true) {
            browser.keys(&["Escape"]);
            browser.wait("!document.querySelector('dialog')");
            browser.wait(&focused);
        }
        if browser.run("return document.activeElement.matches('.card input')") == json!(true) {
            // While a card is renamed, its keys belong to the field.
            browser.keys(&["Escape"]);
            browser.wait("!document.querySelector('.card input')");
        }
    }
}

#[test]
fn fault_7_lifting_the_finger_after_a_long_press_chooses_nothing() {
    let browser = open(PHONE, "#ex=first-update");
    let card = browser.middle("main [data-node=\"notification\"]");
    browser.touch(&[&[card]], 700);
    browser.wait("document.querySelectorAll('[role=menuitem]').length > 3");
    assert_eq!(browser.run("return !!document.querySelector('[role=menu]')"), json!(true), "the menu stays open");
    assert_eq!(browser.run("return document.querySelector('main .badge.down, .link.cut') === null"), json!(true));
    // A second touch chooses.
    let crash = browser.middle("[role=menuitem]");
    browser.touch(&[&[crash]], 0);
    browser.wait("!document.querySelector('[role=menu]')");
    assert_clean_console(&browser);
}

#[test]
fn a_tap_on_a_card_of_a_phone_presses_nothing_of_the_sheet_that_appears_under_the_finger() {
    let browser = open(PHONE, "#ex=raft-and-quorum");
    // The page shows the instants on the way to the one at which the example opens.
    let clock = browser.wait("document.querySelector('.transport .clock').textContent === '4.500 s' && '4.500 s'");
    for y in [470.0, 500.0, 530.0] {
        browser.touch(&[&[(90.0, y)]], 0);
        browser.wait("document.querySelector('.inspector h2')?.checkVisibility()");
        browser.run_async("let left = 6; const next = () => left-- ? requestAnimationFrame(next) : done(1); next()");
        assert_eq!(browser.run("return document.querySelector('.transport .clock').textContent"), clock);
        browser.keys(&["Escape"]);
        browser.wait("!document.querySelector('.inspector h2')?.checkVisibility()");
    }
    assert_clean_console(&browser);
}

#[test]
fn the_fault_buttons_of_the_uppermost_card_of_a_phone_are_not_behind_the_verdict() {
    let browser = open(PHONE, "#new");
    browser.click(".more-button");
    browser_tests::press_in(&browser, ".more", "Add a service");
    browser.wait("document.querySelectorAll('.card-tools button').length > 1");
    let covered = "return [...document.querySelectorAll('.card-tools button')].filter(b => { const r = b.getBoundingClientRect(); \
        const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); return !(top && b.contains(top)); }).map(b => b.ariaLabel)";
    browser.wait("document.querySelector('main .chip')");
    assert_eq!(browser.run(covered), json!([]));
}

#[test]
fn the_fault_buttons_of_a_tapped_card_of_a_phone_cover_no_other_card() {
    let browser = open(PHONE, "#ex=first-update");
    browser.touch(&[&[browser.middle("main [data-node=inventory] header")]], 0);
    browser.wait("document.querySelectorAll('.card-tools button').length > 1");
    browser.wait("document.querySelector('.inspector h2')?.checkVisibility()");
    let covered = "(() => { const r = e => e.getBoundingClientRect(), tools = r(document.querySelector('.card-tools')), \
        sheet = r(document.querySelector('.inspector')).top, \
        over = [...document.querySelectorAll('main .card:not([data-node=inventory])')].map(r) \
            .filter(card => card.top < tools.bottom && tools.top < card.bottom); \
        return over.length || (tools.bottom > sheet ? 'sheet' : 0) })()";
    browser.wait(&format!("{covered} === 0"));
    assert_clean_console(&browser);
}

#[test]
fn faults_9_and_20_items_of_the_palette_stay_where_mouse_or_finger_drop_them() {
    let browser = open(WIDE, "#new");
    cards(&browser, 0);
    let service = browser.middle(".palette .placeable");
    for (count, at) in [(400.0, 200.0), (900.0, 450.0), (650.0, 330.0)].into_iter().enumerate() {
        if count == 2 {
            browser.touch(&[&[service, (service.0 + 60.0, service.1), at]], 0);
        } else {
            browser.drag(service, at);
        }
        cards(&browser, count + 1);
        let middle = browser.middle(&format!("main [data-node=\"service-{}\"]", count + 1));
        assert!(
            (middle.0 - at.0).abs() < 24.0 && (middle.1 - at.1).abs() < 34.0,
            "dropped at {at:?}, is at {middle:?}"
        );
    }
    for count in 4..8 {
        browser.click(".palette .placeable");
        cards(&browser, count);
    }
    let overlaps = "const r = [...document.querySelectorAll('main [data-node]')].map(e => e.getBoundingClientRect()); \
        return r.some((a, i) => r.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom && !(i === 2 || j === 2)))";
    assert_eq!(browser.run(overlaps), json!(false));
    assert_clean_console(&browser);
}

#[test]
fn fault_10_a_drawing_made_by_hand_shows_staleness() {
    let browser = open(WIDE, "");
    browser.click(".palette .placeable");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    let bus = browser.middle("[data-node=\"stock_updated\"] .handle");
    let service = browser.middle("[data-node=\"service-1\"]");
    browser.drag(bus, service);
    browser.wait("document.querySelectorAll('.links path.link').length === 3");
    browser.click(".publish");
    browser.wait("document.querySelector('[data-node=\"service-1\"]').textContent.includes('51')");
    assert_clean_console(&browser);
}

#[test]
fn fault_15_published_twice_fast_the_values_differ() {
    let browser = open(WIDE, "");
    browser.keys(&["p", "p", "p"]);
    browser.wait("document.querySelector('[data-node=\"inventory\"] .rows .v').textContent === '53'");
    assert_clean_console(&browser);
}

fn drop_text(browser: &Browser, name: &str, text: &str) {
    let script = "const [name, text] = JSON.parse(arguments[0]); const data = new DataTransfer(); \
        data.items.add(new File([text], name)); \
        document.querySelector('main.canvas').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))";
    browser.run_with(script, &json!([name, text]).to_string());
}

#[test]
fn fault_16_a_dropped_file_opens_and_an_invalid_one_is_reported() {
    let browser = open(WIDE, "");
    let mut scenario = converge::scenario::examples::EXAMPLES[0].scenario();
    scenario.title = "Dropped".into();
    drop_text(&browser, "a.json", &scenario.to_json());
    browser.wait("document.querySelector('.top .title button, button.title').textContent === 'Dropped'");
    browser.wait("location.hash.startsWith('#d=')");
    drop_text(&browser, "b.json", "{ \"converge\": 1, \"services\": 5 }");
    browser.wait("document.querySelector('.notice')?.textContent.includes('could not be opened')");
    drop_text(&browser, "c.txt", "hello");
    browser.wait("document.querySelector('.notice')?.textContent.includes('neither a scenario file nor a link')");
    browser.click("[aria-label=Undo]");
    browser.wait("document.querySelector('button.title').textContent !== 'Dropped'");
}

#[test]
fn fault_17_selects_and_titles_show_names() {
    let browser = open(WIDE, "#ex=inventory-notification");
    browser.click("[data-node=\"warehouse\"] header");
    browser.wait("[...document.querySelectorAll('.inspector option')].some(o => o.textContent === 'Inventory')");
    assert_eq!(
        browser
            .run("return [...document.querySelectorAll('.inspector option')].some(o => o.textContent === 'inventory')"),
        json!(false)
    );
}

#[test]
fn fault_18_a_click_on_a_fault_of_the_script_opens_it() {
    let browser = open(WIDE, "#ex=lost-event");
    browser.wait("document.querySelectorAll('.fault-track .step').length === 2");
    browser.wait("(r => r.left > 100)(document.querySelector('.fault-track .step').getBoundingClientRect())");
    browser.click(".fault-track .step");
    browser.wait("document.activeElement.id === 'field-script-0-at_ms'");
    assert_clean_console(&browser);
}

#[test]
fn fault_19_the_address_follows_what_is_open_and_back_returns() {
    let browser = open(WIDE, "");
    let choose = |id: &str| open_from_gallery(&browser, id);
    choose("outbox");
    browser.wait("location.hash === '#ex=outbox'");
    choose("lost-event");
    browser.wait("location.hash === '#ex=lost-event'");
    cards(&browser, 4);
    let title = browser.text("button.title");
    browser.run("history.back()");
    browser.wait(&format!(
        "location.hash === '#ex=outbox' && document.querySelector('button.title').textContent !== {}",
        json!(title)
    ));
    browser.run("history.forward()");
    browser.wait(&format!("document.querySelector('button.title').textContent === {}", json!(title)));
    // An edited example is a drawing of the visitor.
    browser.click(".palette .placeable");
    cards(&browser, 5);
    browser.wait("location.hash.startsWith('#d=')");
    browser.wait("document.querySelector('.saved')?.textContent === 'Saved'");
    browser.run("location.reload()");
    cards(&browser, 5);
}

#[test]
fn fault_21_an_empty_dead_letter_queue_is_called_empty() {
    let browser = open(WIDE, "#ex=poison-message&t=0");
    browser.click("[data-node=\"stock_updated\"] header");
    browser.wait(
        "[...document.querySelectorAll('.inspector section')].some(s => s.textContent.startsWith('Dead lettersNone.'))",
    );
}

#[test]
fn fault_22_a_group_without_a_workload_states_what_is_missing() {
    let browser = open(WIDE, "#new");
    browser.keys(&["4"]);
    cards(&browser, 3);
    browser.click("button.area-label");
    browser.wait("document.querySelector('.inspector')?.textContent.includes('add a client of the group')");
    assert_eq!(
        browser.run("return [...document.querySelectorAll('.inspector button')].some(b => b.textContent === 'Measure all three')"),
        json!(false)
    );
}

#[test]
fn fault_23_escape_puts_the_scissors_down_while_their_button_has_the_focus() {
    let browser = open(WIDE, "");
    browser.click(".palette [data-action=Scissors]");
    browser.wait("document.querySelector('main.cut-tool')");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('main.cut-tool')");
}

#[test]
fn fault_24_a_replayed_run_is_no_longer_called_so_after_a_publication() {
    let browser = open(WIDE, "");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    browser.click("[data-action=Share]");
    let link = browser.wait("document.querySelector('#share-link')?.value");
    let fresh = Browser::start(WIDE);
    fresh.open(link.as_str().expect("a link"));
    fresh.wait("document.querySelector('.chips')?.textContent.includes('Replayed identically')");
    fresh.click(".publish");
    fresh.wait("!document.querySelector('.chips').textContent.includes('Replayed identically')");
}

#[test]
fn fault_25_samples_may_have_a_header() {
    let browser = open(WIDE, "#ex=first-update");
    browser_tests::select_link(&browser, 0);
    browser.wait("[...document.querySelectorAll('.inspector select option')].some(o => o.value === 'samples')");
    browser.run("const s = [...document.querySelectorAll('.inspector select')].find(s => [...s.options].some(o => o.value === 'samples')); s.value = 'samples'; s.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait("document.querySelector('.inspector textarea')");
    browser.run("const t = document.querySelector('.inspector textarea'); t.value = 'latency_ms\\n10\\n20\\n30'; t.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait("document.querySelector('.histogram figcaption')?.textContent.startsWith('3 samples')");
    assert_eq!(browser.run("return document.querySelector('.field .err')"), Value::Null);
}

#[test]
fn faults_27_and_30_ten_nudges_are_one_step_and_copies_have_names_of_their_own() {
    let browser = open(WIDE, "");
    browser.click("[data-node=\"inventory\"] header");
    // The inspector narrows the canvas, which moves and scales the drawing, so the place on the drawing is compared.
    let place = "new DOMMatrix(document.querySelector('[data-node=\"inventory\"]').style.transform).e";
    browser.wait("document.querySelector('.inspector h3')");
    let before = browser.run(&format!("return {place}")).as_f64().expect("a number");
    browser.keys(&["Right"; 10]);
    browser.wait(&format!("{place} > {}", before + 40.0));
    browser.keys(&["Control+z"]);
    browser.wait(&format!("{place} === {before}"));
    browser.keys(&["Control+d", "Control+d"]);
    cards(&browser, 5);
    let names = browser.run("return [...document.querySelectorAll('main [data-node] h2')].map(e => e.textContent)");
    let names: Vec<&str> = names.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"Inventory 2") && names.contains(&"Inventory 3"), "{names:?}");
    browser.wait("document.activeElement.dataset.node === 'service-2'");
}

#[test]
fn fault_28_headings_landmarks_and_announcements() {
    let browser = open(WIDE, "");
    let levels = "return [...document.querySelectorAll('h1, h2, h3, h4, h5')].filter(h => h.checkVisibility()).map(h => Number(h.tagName[1]))";
    let check = |what: &str| {
        let levels = browser.run(levels);
        let levels: Vec<u64> = levels.as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{what}: {levels:?}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{what}: {levels:?}");
    };
    check("opened");
    browser.click("[data-node=\"inventory\"] header");
    browser.wait("document.querySelector('.inspector h3')");
    check("inspected");
    let wait_for_announcement = |text: &str| {
        browser.wait(&format!("document.querySelector('[role=status].sr').textContent.includes({})", json!(text)))
    };
    browser.keys(&["1"]);
    wait_for_announcement("Added Service 1");
    browser.keys(&["Delete"]);
    wait_for_announcement("Deleted Service 1");
    browser.keys(&["Control+z"]);
    wait_for_announcement("Undone: Deleted Service 1");
    browser.keys(&["o"]);
    browser.wait("document.querySelector('.outline[role=main]')");
}
