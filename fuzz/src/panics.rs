//! Panics of the code under test, as values.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The message of the last panic, while this thread catches panics.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a function and returns its result, or the location and the message of its panic.
///
/// # Errors
/// It panicked.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let is_caught =
                CAUGHT.with_borrow_mut(|caught| caught.as_mut().map(|text| *text = sentence(info)).is_some());
            if !is_caught {
                before(info);
            }
        }));
    });
    CAUGHT.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let message = CAUGHT.take().unwrap_or_default();
    result.map_err(|_| message)
}

fn sentence(info: &PanicHookInfo) -> String {
    let location =
        info.location().map(|location| format!(" at {}:{}", location.file(), location.line())).unwrap_or_default();
    let message = info.payload_as_str().unwrap_or("no message");
    format!("it panics{location}: {message}")
}
