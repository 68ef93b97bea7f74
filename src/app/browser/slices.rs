//! Breaks in long work, so that the browser can react meanwhile.

use js_sys::Promise;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wasm_bindgen_futures::JsFuture;

/// Waits for the next task of the page's thread. Input that has arrived meanwhile is handled before.
pub async fn next_task() {
    sleep(0).await;
}

/// Waits for a time, ms.
pub async fn sleep(ms: i32) {
    let Some(window) = web_sys::window() else { return };
    let promise = Promise::new(&mut |resolve, _| {
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = JsFuture::from(promise).await;
}

/// Waits for work, but not longer than a time, ms.
pub async fn within<T>(ms: i32, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut timer) = (pin!(work), pin!(sleep(ms)));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}
