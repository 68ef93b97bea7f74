//! Other tabs of the page: each reports the drawings that it has saved.

use crate::app::kept_drawings::DrawingInfo;
use crate::app::model::DrawingsMsg;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// The name of the channel.
const CHANNEL: &str = "converge.drawings";

/// The channel to the other tabs.
pub struct Tabs {
    channel: Option<BroadcastChannel>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Tabs {
    /// Opens the channel. Calls `receive` for each drawing that another tab has saved.
    pub fn open(receive: impl Fn(DrawingsMsg) + 'static) -> Tabs {
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            if let Some((revision, id)) = text.split_once(' ')
                && let Ok(revision) = revision.parse()
            {
                receive(DrawingsMsg::ChangedElsewhere(id.into(), revision));
            }
        });
        // A frame without an origin has no channel.
        let channel = BroadcastChannel::new(CHANNEL).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        }
        Tabs { channel, _on_message: on_message }
    }

    /// Reports a saved drawing to the other tabs.
    pub fn report(&self, info: &DrawingInfo) {
        if let Some(channel) = &self.channel {
            let _ = channel.post_message(&format!("{} {}", info.revision, info.id).into());
        }
    }
}
