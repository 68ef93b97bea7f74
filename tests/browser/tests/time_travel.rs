//! Verdicts and their reasons, invariants, the space-time diagram, branches.

use crate::SITE;
use browser_tests::{Browser, Look, WIDE, assert_clean_console, press, select_link, wait_for_state};
use converge::scenario::{Command, Operation, Scenario, Step, link};
use serde_json::json;

fn open(look: Look, path: &str) -> Browser {
    SITE.visit(look, path)
}

#[test]
fn the_reasons_of_a_stale_copy_lead_back_to_the_fault() {
    let browser = open(WIDE, "#ex=lost-event&t=5900");
    wait_for_state(&browser, "notification", "stale");
    browser.wait("document.querySelector('.transport .clock').textContent === '5.900 s'");
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector').textContent.includes('Why is widget stale at Notification?')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The first step is the cut itself.
    assert!(browser.text(".inspector .why li").contains("was cut"));
    let steps = browser.run("return [...document.querySelectorAll('.inspector .why li')].map(it => it.textContent)");
    browser.click(".inspector .why li button");
    browser.wait("document.querySelector('.transport .clock').textContent === '1.400 s'");
    browser.wait("document.querySelector('.link.cut')");
    // The reasons stay while the visitor follows their steps, although nothing was stale then.
    wait_for_state(&browser, "notification", "consistent");
    assert!(browser.text(".inspector .reasons").contains("As of 5.900 s"));
    let now = browser.run("return [...document.querySelectorAll('.inspector .why li')].map(it => it.textContent)");
    assert_eq!(now, steps);
    browser.click(".inspector .reasons > button");
    browser.wait("!document.querySelector('.inspector .why li')");
    assert_clean_console(&browser);
}

#[test]
fn a_copy_that_stays_stale_will_not_converge() {
    let browser = open(WIDE, "#ex=lost-event&t=5900");
    browser.wait("document.querySelector('.transport .clock').textContent === '5.900 s'");
    browser.click(".transport [data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')?.textContent.includes('ill not converge')");
    assert_clean_console(&browser);
}

#[test]
fn a_violated_guarantee_shows_the_operations_that_prove_it() {
    let browser = open(WIDE, "#ex=quorum-inversion&t=2900");
    browser.click(".transport [data-action=Verdicts]");
    browser.wait("document.querySelector('.verdict.violated')?.textContent.includes('Linearizable')");
    assert_eq!(browser.run("return document.querySelectorAll('.verdict.violated li').length"), 3);
    browser.click(".verdict.violated li:nth-child(2) button");
    browser.wait("document.querySelector('.transport .clock').textContent === '0.500 s'");
    browser.wait("document.querySelector('[data-node].selected')");
    // One event back.
    let clock = || browser.text(".transport .clock").trim_end_matches(" s").parse::<f64>().expect("a time");
    let before = clock();
    browser.click(".transport .back");
    browser.wait(&format!("parseFloat(document.querySelector('.transport .clock').textContent) < {before}"));
    assert_clean_console(&browser);
}

#[test]
fn an_added_invariant_is_checked_and_leads_to_its_violation() {
    let browser = open(WIDE, "#ex=lost-event&t=5900");
    browser.click("h1 button.title");
    press(&browser, "Add invariant");
    let find =
        "[...document.querySelectorAll('.inspector label')].find(it => it.textContent.includes('Always'))?.htmlFor";
    let id = browser.wait(find);
    let field = format!(".inspector [id='{}']", id.as_str().expect("an id"));
    // A syntax error is reported at the field.
    browser.fill(&field, "notification.widget = inventory.widget");
    browser.wait("document.querySelector('.inspector').textContent.includes('expected `==`, not `=`')");
    browser.fill(&field, "notification.widget == inventory.widget when quiescent");
    browser.click("[data-action=Verdicts]");
    browser.wait("[...document.querySelectorAll('.verdict.violated')].some(it => it.textContent.includes('when quiescent') && it.textContent.includes('It is violated.'))");
    let jump = "[...document.querySelectorAll('.verdict.violated')].find(it => it.textContent.includes('when quiescent')).querySelector('li button')";
    browser.run(&format!("{jump}.click()"));
    browser.wait("parseFloat(document.querySelector('.transport .clock').textContent) < 5.8");
    browser.wait("document.querySelectorAll('[data-node].selected').length === 2");
    assert_clean_console(&browser);
}

#[test]
fn the_diagram_highlights_causes_and_the_time_axis_zooms_and_loops() {
    let browser = open(WIDE, "#ex=inventory-notification&t=4000&speed=10");
    browser.click("[data-action=Diagram]");
    let count = "document.querySelectorAll('.arrow').length";
    browser.wait(&format!("{count} >= 10"));
    // A lost message ends in a cross.
    browser.wait("document.querySelector('.arrow.lost .cross')");
    browser.run("document.querySelector('.diagram .scroll svg').focus()");
    for _ in 0..5 {
        browser.keys(&["Right"]);
    }
    browser.wait("document.querySelector('.arrow.lit')");
    browser.wait("document.querySelector('.arrow.past') && document.querySelector('.diagram footer').textContent.includes('possible causes')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The filter keeps messages from and to the client.
    browser.fill(".diagram input[type=search]", "warehouse");
    browser.wait(&format!("{count} > 0 && {count} < 10"));
    // The zoomed axis does not start at zero, and the diagram shows the same stretch.
    browser.click("[aria-label='Zoom the timeline in']");
    browser.wait("document.querySelector('.axis .first').textContent.startsWith('2')");
    browser.wait("document.querySelector('.diagram .tick').textContent.startsWith('2')");
    // In a loop, the clock returns to the start of the stretch.
    browser.click("[aria-label=Loop]");
    browser.click(".transport [aria-label=Play]");
    let clock = "parseFloat(document.querySelector('.transport .clock').textContent)";
    browser.wait(&format!("{clock} > 4.5"));
    browser.wait(&format!("{clock} < 4"));
    browser.click(".transport [aria-label=Pause]");
    // Seek to a known instant; an operation has ended by then.
    browser.run("const s = document.querySelector('.transport input[type=range]'); s.value = 3500; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.wait(&format!("{clock} === 3.5"));
    // Charts have one line per service and one dot per operation.
    browser
        .run("[...document.querySelectorAll('.diagram .seg button')].find(it => it.textContent === 'Charts').click()");
    browser.wait("document.querySelectorAll('.charts .line').length === 5");
    browser.wait("document.querySelectorAll('.charts .dot').length >= 1");
    browser.wait("document.querySelector('.charts').getAttribute('aria-label').includes('Updates behind, Notification: at most 2')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // Exports contain the engine's text.
    browser.run("window.saved = []; const made = URL.createObjectURL; URL.createObjectURL = blob => { blob.text().then(text => window.saved.push(text)); return made(blob) }");
    for (name, has) in [
        ("Metrics (CSV)", "t_ms,stale_copies"),
        ("Sequence diagram (Mermaid)", "sequenceDiagram"),
        ("ShiViz log", "\"warehouse\":1"),
        ("History (Jepsen)", "\"type\":\"invoke\""),
    ] {
        browser.run(&format!("const s = document.querySelector('.diagram select'); s.value = '{name}'; s.dispatchEvent(new Event('change', {{ bubbles: true }}))"));
        browser.wait(&format!("window.saved.some(text => text.includes({}))", json!(has)));
    }
    browser.click("[aria-label='Close the diagram']");
    browser.wait("!document.querySelector('.diagram')");
    assert_clean_console(&browser);
}

#[test]
fn an_action_in_the_past_starts_a_branch_and_both_are_compared_and_shared() {
    let browser = open(WIDE, "#ex=first-update");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
    browser.click(".transport [aria-label=Pause]");
    // Cut the link before the event arrives; the old branch is kept.
    let seek = |ms: u32| {
        browser.run(&format!("const s = document.querySelector('.scrubber'); s.value = {ms}; s.dispatchEvent(new Event('input', {{ bubbles: true }}))"));
        browser.wait(&format!(
            "document.querySelector('.transport .clock').textContent === '{:.3} s'",
            f64::from(ms) / 1000.0
        ));
    };
    seek(100);
    select_link(&browser, 1);
    press(&browser, "Cut");
    browser.click("[data-action=Branches]");
    browser.wait("document.querySelectorAll('.branches .verdict').length === 2");
    browser.wait("document.querySelector('.branches .verdict.shown input').value === 'Branch 2'");
    browser.fill(".branches .verdict.shown input", "link cut");
    browser.keys(&["Tab"]);
    browser.wait("document.querySelector('.branches .verdict.shown input').value === 'link cut'");
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click(".branches .verdict:first-child button:nth-of-type(2)");
    browser.wait("document.querySelector('.compared')");
    seek(4000);
    let compared = "document.querySelector('.compared [data-node=notification] .badge')?.textContent.trim()";
    browser.wait(&format!("{compared} === 'consistent'"));
    browser
        .wait("document.querySelector('main.canvas [data-node=notification] .badge').textContent.trim() === 'stale'");
    browser.wait("document.querySelector('main [data-node=notification].differs') && !document.querySelector('main [data-node=inventory].differs')");
    browser.wait("document.querySelector('.compared .pane-name').textContent.includes('1 service differs')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // Showing the compared branch swaps the two.
    browser.click(".branches .verdict:first-child button");
    browser.wait(&format!("{compared} === 'stale'"));
    wait_for_state(&browser, "notification", "consistent");
    browser.click(".compared .pane-name button");
    browser.wait("!document.querySelector('.compared')");
    // The link contains both branches and opens the current one.
    browser.click(".top [data-action=Share]");
    let link = browser.wait("document.querySelector('#share-link')?.value");
    let link = link.as_str().expect("a link").to_string();
    let opened = converge::scenario::link::decode(&link).expect("a valid link").scenario;
    let names: Vec<&str> = opened.branches.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!((names, opened.branch.as_str()), (vec!["Main", "link cut"], "Main"));
    assert_clean_console(&browser);
    let fragment = link.split_once('#').expect("a fragment").1;
    let fresh = open(WIDE, &format!("#{fragment}"));
    fresh.click("[data-action=Branches]");
    fresh.wait("document.querySelectorAll('.branches .verdict').length === 2");
    assert_clean_console(&fresh);
}

#[test]
fn operations_and_repairs_of_the_script_do_not_look_like_faults() {
    let browser = SITE.visit(WIDE, "#ex=lost-event&t=0");
    let colour = "getComputedStyle(document.querySelector(selector), '::before').borderTopColor";
    let of = |selector: &str| browser.run(&format!("const selector = {}; return {colour}", json!(selector)));
    browser.wait("document.querySelectorAll('.fault-track .step').length === 2");
    assert_ne!(of(".step:not(.repair)"), of(".step.repair"), "a cut, and its end");
    // A publication is in the row of updates, above the services.
    let service = || "inventory".to_string();
    let operation = Operation::Write { key: "widget".into(), value: 7.into() };
    let operate = Command::Operate { service: service(), operation, poison: false };
    let crash = Command::Crash { service: service(), lose_disk: false };
    let mut scenario = Scenario::first();
    scenario.script = [operate, crash].map(|command| Step { at_ms: 100.0, command }).to_vec();
    let link = link::encode(&scenario).expect("a short link");
    let browser = SITE.visit(WIDE, &format!("#{link}"));
    browser.wait("document.querySelectorAll('.fault-track .step').length === 2");
    let label = |row: &str| browser.run(&format!("return document.querySelector('.fault-track{row} .step').title"));
    assert_eq!(label(".operations"), json!("0.1 s: write widget at Inventory"));
    assert_eq!(label(":not(.operations)"), json!("0.1 s: crash Inventory"));
    browser.wait("(([a, b]) => a.bottom < b.top)([...document.querySelectorAll('.fault-track .step')].map(e => e.getBoundingClientRect()))");
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn a_new_branch_and_its_deletion_are_shown_and_announced() {
    for (path, made, deleted) in [
        ("#ex=first-update", "New branch: Branch 2. The old future is kept", "Deleted “Branch 2”"),
        ("#ex=first-update&lang=de", "Neuer Zweig: Branch 2. Die alte Zukunft bleibt erhalten", "„Branch 2“ gelöscht"),
    ] {
        let browser = open(WIDE, path);
        browser.wait("document.querySelector('main .badge')");
        let reported = |text: &str| {
            for place in [".notice", ".sr[role=status]"] {
                browser.wait(&format!("document.querySelector('{place}')?.textContent.includes({})", json!(text)));
            }
        };
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["p"]);
        browser.wait("parseFloat(document.querySelector('.transport .clock').textContent.replace(',', '.')) > 0.1");
        browser.keys(&["Space", "Home", "p"]);
        reported(made);
        browser.click(".transport [data-action=Branches]");
        browser.wait("document.querySelectorAll('.branches article').length === 2");
        browser.click(".branches article:last-of-type .row button:last-child");
        browser.wait("document.querySelectorAll('.branches article').length === 1");
        reported(deleted);
        assert_clean_console(&browser);
    }
}
