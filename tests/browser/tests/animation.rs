//! The animated picture of an interval: what the file shows, and what recording leaves behind.

use crate::SITE;
use browser_tests::{Browser, WIDE, assert_clean_console, press_in};
use serde_json::json;

/// Keeps the content of files instead of saving them.
const KEEP_FILES: &str = "window.files = {}; const made = URL.createObjectURL; window.blobs = {}; \
    URL.createObjectURL = blob => { const url = made(blob); window.blobs[url] = blob; return url }; \
    HTMLAnchorElement.prototype.click = function () { window.files[this.download] = window.blobs[this.href] }";

fn open(fragment: &str) -> Browser {
    let browser = SITE.visit(WIDE, fragment);
    browser.run(KEEP_FILES);
    browser.click(".top [data-action=Share]");
    browser.wait("document.querySelector('#animation-from')");
    browser
}

fn set(browser: &Browser, id: &str, value: &str) {
    browser.run(&format!(
        "const field = document.getElementById('{id}'); field.value = '{value}'; field.dispatchEvent(new InputEvent('input', {{ bubbles: true }}))"
    ));
}

const CLOCK: &str = "document.querySelector('.transport .clock').textContent.trim()";

#[test]
fn an_animated_picture_shows_the_messages_of_the_interval_and_the_time_is_as_before() {
    let browser = open("#ex=inventory-notification&t=1000");
    set(&browser, "animation-from", "0.2");
    set(&browser, "animation-to", "0.7");
    press_in(&browser, "dialog", "Animated picture as GIF");
    browser.wait("window.files['inventory-publishes-to-notification.gif']");
    let decode = "window.files['inventory-publishes-to-notification.gif'].arrayBuffer().then(async data => { \
        const decoder = new ImageDecoder({ data, type: 'image/gif' }); await decoder.tracks.ready; await decoder.completed; \
        const pixels = async frameIndex => { const { image } = await decoder.decode({ frameIndex }); \
            const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight); const pen = canvas.getContext('2d'); \
            pen.drawImage(image, 0, 0); return [...pen.getImageData(0, 0, canvas.width, canvas.height).data].join() }; \
        const frames = decoder.tracks.selectedTrack.frameCount; const shown = new Set(); \
        for (let i = 0; i < frames; i++) shown.add(await pixels(i)); done({ frames, shown: shown.size }) })";
    let found = browser.run_async(decode);
    // One frame each 100 ms, and the end. Inventory writes at 300 ms; from then on a message moves.
    assert_eq!(found["frames"], json!(6), "{found}");
    assert!(found["shown"].as_u64().is_some_and(|shown| shown >= 5), "{found}");
    browser.wait(&format!("{CLOCK} === '1.000 s'"));
    browser.wait("document.querySelector('.notice').textContent.includes('Saved inventory-publishes-to-notification.gif, 6 frames')");
    assert_clean_console(&browser);
}

#[test]
fn recording_can_be_cancelled_and_an_impossible_interval_is_refused_with_what_is_possible() {
    let browser = open("#ex=inventory-notification&t=1000");
    set(&browser, "animation-to", "soon");
    browser.wait("document.querySelector('.animation').textContent.includes('seconds from 0')");
    set(&browser, "animation-to", "60");
    browser.wait("document.querySelector('.animation').textContent.includes('30 s, not 60 s')");
    assert_eq!(browser.run("return document.querySelector('.animation button').disabled"), json!(true));
    set(&browser, "animation-to", "30");
    press_in(&browser, "dialog", "Animated picture as GIF");
    browser.wait("document.querySelector('.notice')?.textContent.includes('Recording frame')");
    press_in(&browser, ".notice", "Cancel");
    browser.wait("document.querySelector('.notice')?.textContent.includes('Recording stopped')");
    browser.wait(&format!("{CLOCK} === '1.000 s'"));
    assert_eq!(browser.run("return Object.keys(window.files).length"), json!(0));
    assert_clean_console(&browser);
}
