//! Messages on their way between the page and its worker. Frames cross in their own type; other messages, which contain
//! parts of documents, cross as bytes that are encoded separately.

use super::protocol::{BranchList, Frame, FromEngine, Report, ToEngine, decode, encode};
use crate::language::{Language, language};
use serde::{Deserialize, Serialize};

/// A request on its way to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossingRequest {
    /// The run.
    pub epoch: u32,
    /// Whether the session opens the first scenario before. The page has its first frame already, see
    /// [`super::first_frame`].
    pub opens_first: bool,
    /// The language of the page, in which the answer's texts are written.
    pub language: Language,
    /// Whether it is about the course, which another part of the code answers.
    pub is_about_course: bool,
    /// The encoded [`ToEngine`].
    pub bytes: Vec<u8>,
}

impl CrossingRequest {
    /// Packs a request of this thread.
    pub fn pack(message: &ToEngine, opens_first: bool) -> Self {
        let is_about_course = message.request.is_about_course();
        CrossingRequest {
            epoch: message.epoch,
            opens_first,
            language: language(),
            is_about_course,
            bytes: encode(message),
        }
    }
}

/// An answer on its way to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CrossingAnswer {
    /// [`Report::Ready`].
    Ready,
    /// A frame without branches.
    Frame {
        /// The run.
        epoch: u32,
        /// The frame.
        frame: Box<Frame>,
    },
    /// The code that answers a request could not be fetched.
    NotFetched {
        /// The run.
        epoch: u32,
    },
    /// Any other answer: the encoded [`FromEngine`] and the branches of its frame.
    Other(Vec<u8>),
}

impl CrossingAnswer {
    /// Packs any answer.
    pub fn pack(answer: FromEngine) -> Self {
        match answer {
            FromEngine { epoch, report: Report::Frame(frame) } if frame.branches.is_none() => {
                CrossingAnswer::Frame { epoch, frame }
            }
            FromEngine { epoch, report: Report::Frame(mut frame) } => {
                let branches = frame.branches.take();
                CrossingAnswer::Other(encode(&(FromEngine { epoch, report: Report::Frame(frame) }, branches)))
            }
            other => CrossingAnswer::Other(encode(&(other, None::<Box<BranchList>>))),
        }
    }

    /// Reads the bytes of [`CrossingAnswer::Other`].
    ///
    /// # Errors
    /// The bytes are not an answer: a description of the first problem.
    pub fn read_other(bytes: &[u8]) -> Result<FromEngine, String> {
        let (mut answer, branches): (FromEngine, Option<Box<BranchList>>) = decode(bytes)?;
        if let Report::Frame(frame) = &mut answer.report {
            frame.branches = branches;
        }
        Ok(answer)
    }
}
