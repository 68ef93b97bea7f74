//! What updates, operations and messages contain, for the protocol.

use super::protocol::{Change, MessageContent, OperationRequest, OperationView, UpdateView};
use crate::analysis::{Analysis, MessageInFlight};
use crate::trace::{MessageKind, Names, OperationId, UpdateId};

/// Returns an update as fields.
pub fn update(id: UpdateId, analysis: &Analysis, names: &Names) -> UpdateView {
    let change = analysis.updates.get(id).map(|info| Change {
        key: names.key(info.key).into(),
        value: info.value.clone(),
        version: info.version,
    });
    UpdateView { update: id.0, change }
}

/// Returns an operation as fields.
pub fn operation(id: OperationId, analysis: &Analysis, names: &Names) -> OperationView {
    let request = analysis.operations.recall(id).map(|request| OperationRequest {
        kind: request.kind,
        key: names.key(request.key).into(),
        value: request.value.clone(),
    });
    OperationView { operation: id.0, request }
}

/// Returns what a message contains.
pub fn message(message: &MessageInFlight, analysis: &Analysis, names: &Names) -> MessageContent {
    match (message.update, message.operation) {
        (Some(id), _) => MessageContent::Update(update(id, analysis, names)),
        (None, Some(id)) => MessageContent::Operation(operation(id, analysis, names)),
        (None, None) => presence(message, names),
    }
}

/// Returns the content of a message about the attachment of a consumer.
fn presence(message: &MessageInFlight, names: &Names) -> MessageContent {
    match message.kind {
        MessageKind::Poll if names.is_bus(message.from) => MessageContent::NoEvents,
        MessageKind::Connection if names.polls(message.from, message.to) => MessageContent::EndOfPolling,
        _ => MessageContent::Empty,
    }
}
