//! How the consumer of a subscription is attached to its bus, and what follows for its deliveries.

use super::{Limit, Order, Subscription, is_default};
use serde::{Deserialize, Serialize};

/// How deliveries reach a consumer. Nothing is delivered to a consumer that is not attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Attachment {
    /// Over a connection, on which the bus pushes events (RabbitMQ, JetStream, Redis).
    Connection(Connection),
    /// By polling: the consumer asks for as many events as it can work on, and its acknowledgement deadline runs from the
    /// receive (SQS).
    Polling(Polling),
}

/// A connection on which a bus pushes events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Unacknowledged deliveries to this consumer at most (RabbitMQ: basic.qos); `max_in_flight` if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prefetch: Option<u32>,
    /// Time without a heartbeat after which either end closes the connection, ms (RabbitMQ: 60,000). If absent, only the end of
    /// the consumer's process closes it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub heartbeat_ms: Option<f64>,
    /// Whether the deliveries belong to the connection, as on a RabbitMQ channel: what a link loses is sent again until it
    /// closes; then unacknowledged deliveries are requeued at once; and a missed acknowledgement deadline closes it. Otherwise
    /// they are redelivered after the acknowledgement deadline (JetStream).
    #[serde(default, skip_serializing_if = "is_default")]
    pub requeue_on_close: bool,
}

/// A consumer that asks for events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Polling {
    /// Events per receive at most (SQS: up to 10). A consumer asks for no more than its free workers.
    #[serde(default = "default_batch", skip_serializing_if = "is_default_batch")]
    pub batch: u32,
    /// Time for which an unanswered receive waits for an event, ms (SQS: long polling, up to 20 s).
    #[serde(default = "default_wait", skip_serializing_if = "is_default_wait")]
    pub wait_ms: f64,
    /// Events that the consumer receives beyond its free workers; they wait in the consumer while their deadline runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prefetch: u32,
}

impl Default for Polling {
    fn default() -> Self {
        Polling { batch: default_batch(), wait_ms: default_wait(), prefetch: 0 }
    }
}

fn default_batch() -> u32 {
    10
}
fn is_default_batch(batch: &u32) -> bool {
    *batch == default_batch()
}
fn default_wait() -> f64 {
    20_000.0
}
fn is_default_wait(ms: &f64) -> bool {
    *ms == default_wait()
}

/// What an acknowledgement does that arrives after its delivery has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LateAcknowledgement {
    /// It ends the event, also while a redelivery is under way (JetStream).
    Accept,
    /// It ends the event only if the event was not delivered again since (SQS standard: an old receipt handle has no
    /// effect).
    Ignore,
    /// It has no effect (SQS FIFO: an expired receipt handle; RabbitMQ: the tag of a closed channel).
    Refuse,
}

/// What a consumer does whose handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It sends a negative acknowledgement: the bus redelivers the event after the backoff.
    Refuse,
    /// Nothing: the bus redelivers the event after the acknowledgement deadline (SQS).
    Wait,
}

/// The most in-flight messages of an SQS queue. A subscription with this limit and no `attach` field is one of SQS.
pub(super) const SQS_IN_FLIGHT: u32 = 120_000;

impl Subscription {
    /// Returns whether the settings are those of SQS.
    fn is_sqs(&self) -> bool {
        match &self.attach {
            Some(attachment) => matches!(attachment, Attachment::Polling(_)),
            None => self.max_in_flight == SQS_IN_FLIGHT && self.order != Order::Log,
        }
    }

    /// Returns whether deliveries belong to the connection.
    pub fn requeues_on_close(&self) -> bool {
        matches!(self.attachment(), Attachment::Connection(Connection { requeue_on_close: true, .. }))
    }

    /// Returns how the consumer is attached. Without `attach` it follows from the other settings, as the presets of earlier
    /// versions wrote them: `max_in_flight` of 120,000 is SQS, a `limit` of redeliveries RabbitMQ, anything else a connection
    /// whose deliveries end with their deadline.
    pub fn attachment(&self) -> Attachment {
        match &self.attach {
            Some(attachment) => attachment.clone(),
            None if self.is_sqs() => Attachment::Polling(Polling::default()),
            None if self.limit == Limit::Redeliveries && self.order != Order::Log => {
                let (heartbeat_ms, requeue_on_close) = (Some(60_000.0), true);
                Attachment::Connection(Connection { prefetch: None, heartbeat_ms, requeue_on_close })
            }
            None => Attachment::Connection(Connection::default()),
        }
    }

    /// Returns what a late acknowledgement does.
    pub fn late_acknowledgements(&self) -> LateAcknowledgement {
        self.late_acknowledgement.unwrap_or_else(|| match self.order {
            Order::FifoPerKey if self.is_sqs() => LateAcknowledgement::Refuse,
            _ if self.is_sqs() => LateAcknowledgement::Ignore,
            _ if self.requeues_on_close() => LateAcknowledgement::Refuse,
            Order::None | Order::FifoPerKey | Order::Log => LateAcknowledgement::Accept,
        })
    }

    /// Returns what the consumer does after a failure of its handler.
    pub fn after_failure(&self) -> OnFailure {
        self.on_failure.unwrap_or(if self.is_sqs() { OnFailure::Wait } else { OnFailure::Refuse })
    }
}
