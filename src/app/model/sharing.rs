//! Sharing: the run as a link or file, and the check that a shared run is reproduced.

use super::{Effect, Model, Redraw};
use super::{Msg, NoticeAction, PlaybackMsg};
use crate::app::picture::{PictureFailure, PictureFormat};
use crate::app::recording::Recording;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::{ExportKind, Query, Request};
use crate::text;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A run as a document, for sharing.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedRun {
    /// The scenario, with the live commands in its script.
    pub scenario: Box<Scenario>,
    /// The digest of the trace at `now`.
    pub digest: String,
    /// The virtual time of the run.
    pub now: Micros,
    /// The number of live commands, which are the last steps of the script.
    pub live: u32,
}

/// The state of sharing.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// Whether the share dialog is open.
    pub open: bool,
    /// The run as a document, once the engine has described it.
    pub shared_run: Option<Rc<SharedRun>>,
    /// The digest of the run that was opened from a link, until the run reaches the same instant.
    pub(super) expected_digest: Option<String>,
    /// Whether a run from a link has the digest that it was shared with.
    pub replayed: Option<bool>,
    /// The animated picture that is being recorded.
    pub recording: Option<Recording>,
    /// The format of the export in progress, and the slice that was requested last.
    exporting: Option<(ExportKind, u32)>,
    /// A slice of a file that the engine has exported.
    pub(super) exported: Option<FileSlice>,
}

/// A slice of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSlice {
    /// The name of the file.
    pub name: String,
    /// The next part of its content.
    pub text: String,
    /// Whether it is the first part.
    pub is_first: bool,
    /// Whether it is the last part.
    pub is_last: bool,
}

/// An action of the visitor to share the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharingMsg {
    /// Open or close the share dialog.
    Open(bool),
    /// Save the run as a text file.
    Export(ExportKind),
    /// Save a picture of the drawing.
    Picture {
        /// The format.
        format: PictureFormat,
        /// Whether it shows only the selected cards.
        selection: bool,
        /// The name of the file, without its extension.
        name: String,
    },
    /// The browser did not save a picture.
    PictureFailed(PictureFailure),
    /// Record an animated picture of the drawing, at the current speed.
    Record {
        /// Start and end in virtual time, µs.
        interval: (Micros, Micros),
        /// The name of the file, without its extension.
        name: String,
    },
    /// The frame that was due has been recorded.
    FrameRecorded,
    /// Stop recording, without a picture.
    CancelRecording,
}

impl Sharing {
    /// Returns the request for the first slice of an export.
    fn begin_export(&mut self, kind: ExportKind) -> Request {
        self.exporting = Some((kind, 0));
        Request::Query(Query::Export { kind, slice: 0 })
    }

    /// Receives a slice, and returns the request for the next one. Ignores a slice of an export that another export has replaced.
    pub(super) fn receive_slice(&mut self, (kind, slice): (ExportKind, u32), file: FileSlice) -> Option<Request> {
        if self.exporting != Some((kind, slice)) {
            return None;
        }
        let next = (!file.is_last).then_some((kind, slice + 1));
        self.exported = Some(file);
        self.exporting = next;
        next.map(|(kind, slice)| Request::Query(Query::Export { kind, slice }))
    }

    /// Gives up the export in progress.
    pub(super) fn cancel_export(&mut self) {
        self.exporting = None;
    }

    /// Forgets whether the run is reproduced, because it has changed since.
    pub(super) fn forget_replay(&mut self) {
        self.replayed = None;
    }
}

impl Model {
    pub(super) fn update_sharing(&mut self, msg: SharingMsg, effects: &mut Vec<Effect>) {
        match msg {
            SharingMsg::Open(open) => {
                self.sharing.open = open;
                self.sharing.shared_run = None;
                self.redraw.page = true;
                if open {
                    self.playback.play(false);
                    self.playback.enqueue(Request::Query(Query::Describe));
                }
            }
            SharingMsg::Export(kind) => {
                let request = self.sharing.begin_export(kind);
                self.playback.enqueue(request);
            }
            SharingMsg::Picture { format, selection, name } => {
                let selected: BTreeSet<usize> =
                    self.selected_nodes().iter().filter_map(|id| self.scene.find(id)).collect();
                let only = Some(selected).filter(|selected| selection && !selected.is_empty());
                effects.push(Effect::SavePicture { format, only, name });
            }
            SharingMsg::PictureFailed(failure) => {
                self.stop_recording();
                self.report_problem(failure.notice());
            }
            SharingMsg::Record { interval: (from, to), name } => {
                let interval = (from, to.min(self.run.until));
                match Recording::new(interval, self.playback.speed(), self.run.now, name) {
                    Ok(recording) => {
                        self.sharing.open = false;
                        self.playback.play(false);
                        self.sharing.recording = Some(recording);
                        self.record_next();
                    }
                    Err(problem) => self.notify(problem),
                }
            }
            SharingMsg::FrameRecorded => {
                if let Some(recording) = &mut self.sharing.recording {
                    recording.advance();
                    self.record_next();
                }
            }
            SharingMsg::CancelRecording => {
                if self.stop_recording() {
                    self.notify(text!("Recording stopped.").into());
                }
            }
        }
    }

    /// Stops the recording, and goes to the instant before it. Returns whether there was a recording.
    fn stop_recording(&mut self) -> bool {
        let Some(recording) = self.sharing.recording.take() else { return false };
        self.update_playback(PlaybackMsg::Seek(recording.back_to));
        true
    }

    /// Goes to the instant of the next frame; after the last one, to the instant before the recording.
    fn record_next(&mut self) {
        let Some(recording) = &self.sharing.recording else { return };
        let (recorded, frames) = (recording.recorded(), recording.frames());
        match recording.instant() {
            Some(instant) => {
                self.playback.enqueue(Request::Seek { to: instant });
                // Only the first notice is announced.
                if recorded == 0 {
                    self.notify(text!("Recording an animated picture.").into());
                }
                self.notices.notice = Some(text!("Recording frame {} of {}.", recorded + 1, frames));
                let cancel = Box::new(Msg::Sharing(SharingMsg::CancelRecording));
                self.notices.action = Some(NoticeAction { label: text!("Cancel"), msg: cancel });
                self.redraw = Redraw { page: true, paint: true };
            }
            None => {
                let saved = text!("Saved {}.gif, {} frames.", recording.name, frames);
                self.update_playback(PlaybackMsg::Seek(recording.back_to));
                self.sharing.recording = None;
                self.notify(saved);
            }
        }
    }

    /// Returns the file's name and the format of the frame to record now: the run is at its instant, or has halted before.
    pub fn due_frame(&self) -> Option<(String, PictureFormat)> {
        let recording = self.sharing.recording.as_ref()?;
        let (recorded, frames) = (recording.recorded(), recording.frames());
        let format = PictureFormat::Gif { is_first: recorded == 0, is_last: recorded + 1 == frames };
        self.playback.is_settled().then(|| (recording.name.clone(), format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::language::{Language, in_language};

    #[test]
    fn a_picture_that_the_browser_refuses_is_reported_with_its_size_and_ends_the_recording() {
        let mut page = TestPage::new();
        page.update(Msg::Sharing(SharingMsg::Record { interval: (0, 500_000), name: "run".into() }));
        assert!(page.model.sharing.recording.is_some());
        let failed = Msg::Sharing(SharingMsg::PictureFailed(PictureFailure::NotEncoded { width: 40_000, height: 9 }));
        page.update(failed.clone());
        let notice = page.model.notices.notice.take().expect("a notice");
        assert!(notice.contains("was not saved") && notice.contains("40000 × 9 pixels"), "{notice}");
        assert!(page.model.sharing.recording.is_none());
        in_language(Language::German, || page.update(failed));
        let notice = page.model.notices.notice.take().expect("a notice");
        assert!(notice.contains("nicht gespeichert") && notice.contains("40000 × 9 Pixel"), "{notice}");
    }

    #[test]
    fn a_slice_of_an_export_that_another_replaced_is_in_no_file() {
        let file = |text: &str, is_last| FileSlice {
            name: "run".into(),
            text: text.into(),
            is_first: text == "first",
            is_last,
        };
        let mut sharing = Sharing::default();
        sharing.begin_export(ExportKind::Shiviz);
        assert!(sharing.receive_slice((ExportKind::Shiviz, 0), file("first", false)).is_some());
        sharing.exported = None;
        // The second slice is requested.
        sharing.begin_export(ExportKind::Mermaid);
        assert_eq!(sharing.receive_slice((ExportKind::Shiviz, 1), file("other", false)), None);
        assert!(sharing.exported.is_none());
        assert_eq!(sharing.receive_slice((ExportKind::Mermaid, 0), file("first", true)), None);
        assert!(sharing.exported.is_some_and(|file| file.is_first && file.is_last));
        assert_eq!(sharing.exporting, None);
    }
}
