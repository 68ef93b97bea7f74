//! Encodes an animated picture as a GIF, frame by frame.

use super::files;
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use std::cell::RefCell;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, CanvasRenderingContext2d};

/// Speed of the choice of colours, from 1 (best) to 30: the page has few colours.
const COLOUR_SPEED: i32 = 20;
/// The delay after the last frame, before the picture starts again, in hundredths of a second.
const LAST_FRAME_DELAY: u16 = 150;

/// A GIF that is being written.
struct Animation {
    encoder: Encoder<Vec<u8>>,
    size: (u16, u16),
    /// The pixels of the previous frame: only what changes is written.
    previous: Vec<u8>,
}

thread_local! {
    static ANIMATION: RefCell<Option<Animation>> = const { RefCell::new(None) };
}

/// Appends the content of a canvas. The first frame starts a picture. After the last one, the picture is saved as a file with
/// this name. `delay` is how long the frame is shown, in hundredths of a second. Returns `None` if the browser or the encoder refuses.
pub(super) fn append(
    context: &CanvasRenderingContext2d,
    (width, height): (u16, u16),
    delay: u16,
    is_first: bool,
    last: Option<&str>,
) -> Option<()> {
    ANIMATION.with_borrow_mut(|animation| {
        if is_first {
            let mut encoder = Encoder::new(Vec::new(), width, height, &[]).ok()?;
            encoder.set_repeat(Repeat::Infinite).ok()?;
            *animation = Some(Animation { encoder, size: (width, height), previous: Vec::new() });
        }
        let unfinished = animation.as_mut()?;
        let (width, height) = unfinished.size;
        let pixels = context.get_image_data(0.0, 0.0, width.into(), height.into()).ok()?.data().0;
        let mut changed = pixels.clone();
        for (new, old) in changed.chunks_exact_mut(4).zip(unfinished.previous.chunks_exact(4)) {
            if new == old {
                new.fill(0);
            }
        }
        let mut frame = Frame::from_rgba_speed(width, height, &mut changed, COLOUR_SPEED);
        frame.delay = if last.is_some() { LAST_FRAME_DELAY } else { delay };
        frame.dispose = DisposalMethod::Keep;
        unfinished.encoder.write_frame(&frame).ok()?;
        unfinished.previous = pixels;
        match last {
            Some(name) => save(&animation.take()?.encoder.into_inner().ok()?, name),
            None => Some(()),
        }
    })
}

fn save(bytes: &[u8], name: &str) -> Option<()> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type("image/gif");
    let blob = Blob::new_with_u8_array_sequence_and_options(&JsValue::from(parts), &options).ok()?;
    files::download_blob(&format!("{name}.gif"), &blob);
    Some(())
}
