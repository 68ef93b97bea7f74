//! Cards of services, buses and clients, and the summary.

use crate::analysis::{EndedOperation, HandledEvent, KeyCopy, MemberState, ServiceTables, SubscriptionQueue};
use crate::scenario::{Attachment, Micros, Scenario, Subscription, micros};
use crate::session::content;
use crate::session::protocol::{
    BusView, ClientView, InboxRow, LastOperation, MemberView, OperationRequest, PartitionDepth, QueuedEvent, RowView,
    SHOWN_ROWS, ServiceView, SubscriptionView, Summary, TreeLevel, Window,
};
use crate::session::run::Run;
use crate::trace::{KeyId, Names, NodeId, SubscriptionId, UpdateId};
use std::collections::BTreeMap;

/// Limit of the events, outbox rows and dead letters of a card.
const MAX_EVENTS: usize = 12;
/// Maximum number of events of a queue that are examined for those of one consumer.
const MAX_EXAMINED: usize = 1_000;
/// Limit of the partitions of a subscription.
const MAX_PARTITIONS: usize = 50;

/// Returns a service's card. `load` is busy, waiting and blocked requests.
pub fn service_view(run: &Run, scenario: &Scenario, node: NodeId, load: (u32, u32, u32)) -> ServiceView {
    let tables = run.analysis().tables.get(node);
    let staleness = &run.analysis().staleness;
    let copies: Vec<(KeyId, &KeyCopy)> = staleness.copies_of(node).collect();
    let (busy, waiting, blocked) = load;
    ServiceView {
        node,
        state: staleness.state(node),
        row_count: copies.len() as u32,
        behind: copies.iter().map(|(_, copy)| copy.behind()).sum(),
        stale_since: copies.iter().filter_map(|(_, copy)| copy.stale_since()).min(),
        rows: rows(run, node, copies),
        busy,
        waiting,
        blocked,
        outbox: tables.map_or(0, |tables| tables.outbox.len() as u32),
        outbox_rows: tables
            .map(|tables| tables.outbox.iter().take(MAX_EVENTS).map(|(_, update)| update.0).collect())
            .unwrap_or_default(),
        inbox: tables.map(|tables| inbox(run, scenario, node, tables)).unwrap_or_default(),
        applied_already: tables.map_or(0, |tables| tables.inbox_hits),
        member: run.analysis().members.get(node).and_then(member_view),
    }
}

/// Returns the first rows by key, without building the others.
fn rows(run: &Run, node: NodeId, mut copies: Vec<(KeyId, &KeyCopy)>) -> Vec<RowView> {
    let names = run.engine().names();
    let by_key = |(key, _): &(KeyId, &KeyCopy)| names.key(*key);
    if copies.len() > SHOWN_ROWS {
        copies.select_nth_unstable_by(SHOWN_ROWS, |a, b| by_key(a).cmp(by_key(b)));
        copies.truncate(SHOWN_ROWS);
    }
    copies.sort_unstable_by(|a, b| by_key(a).cmp(by_key(b)));
    copies.into_iter().map(|(key, copy)| row_view(run, node, key, copy)).collect()
}

/// Returns the rows of a service's inboxes: the events that it handled for a subscription with an inbox, until the inbox's window
/// is over.
fn inbox(run: &Run, scenario: &Scenario, node: NodeId, tables: &ServiceTables) -> Vec<InboxRow> {
    let subscribes = &scenario.services[node.index()].subscribes;
    if subscribes.iter().all(|subscription| subscription.inbox.is_none()) {
        return Vec::new();
    }
    // The ids of a service's subscriptions are in the order of the document.
    let (names, now) = (run.engine().names(), run.engine().now());
    let own = names.subscriptions();
    let own: Vec<_> = own.filter(|id| names.subscription(*id).service == node).zip(subscribes).collect();
    let is_remembered = |handled: &&HandledEvent| {
        let subscription = own.iter().find(|(id, _)| *id == handled.by);
        let inbox = subscription.and_then(|(_, subscription)| subscription.inbox.as_ref());
        let until = |ms| handled.at.saturating_add(micros(ms));
        inbox.is_some_and(|inbox| inbox.window_ms.is_none_or(|ms| now < until(ms)))
    };
    let rows = tables.handled.iter().filter(is_remembered);
    rows.map(|handled| InboxRow { update: handled.update.0, again: handled.redelivered }).collect()
}

fn member_view(member: &MemberState) -> Option<MemberView> {
    let (last_entry, committed) = member.log;
    let comparison = member.compared.filter(|(.., differing)| *differing > 0);
    let view = MemberView {
        leads: member.leads.then_some(member.term),
        last_entry,
        committed,
        hints: member.hints.len() as u32,
        prepared: !member.promised.is_empty(),
        comparison: comparison.map(|(_, level, compared, differing)| TreeLevel { level, compared, differing }),
    };
    let has_something =
        view.leads.is_some() || view.last_entry > 0 || view.hints > 0 || view.prepared || view.comparison.is_some();
    has_something.then_some(view)
}

fn row_view(run: &Run, node: NodeId, key: KeyId, copy: &KeyCopy) -> RowView {
    let held = copy.held_at(node);
    let single = held.filter(|_| copy.siblings().is_empty());
    RowView {
        key: run.engine().names().key(key).to_string(),
        value: single.and_then(|held| held.value.clone()),
        deleted: copy.is_tombstone(),
        siblings: copy.siblings().to_vec(),
        version: single.filter(|held| held.value.is_some() || copy.is_tombstone()).map(|held| held.version),
        update: held.and_then(|held| held.update).map(|update| update.0),
        state: copy.state(),
        behind: copy.behind(),
        stale_since: copy.stale_since(),
        lost: run.analysis().lost.count_at(node, key),
    }
}

/// Returns a bus's card. `index` is its place in the document.
pub fn bus_view(run: &Run, scenario: &Scenario, node: NodeId, index: u32) -> BusView {
    let names = run.engine().names();
    let bus = &scenario.buses[index as usize];
    // The number of subscriptions before, by service. The ids of a service's subscriptions are in the order of the document.
    let mut before: BTreeMap<NodeId, usize> = BTreeMap::new();
    let subscriptions = names.subscriptions().filter_map(|id| {
        let ends = names.subscription(id);
        let place = before.entry(ends.service).or_default();
        *place += 1;
        if ends.bus != node {
            return None;
        }
        let buses = &run.analysis().buses;
        let (queue, topic) = (buses.get(buses.queue_of(id)), bus.topics.get(ends.topic as usize));
        let partitions = topic.map_or(1, |topic| topic.partitions);
        let service = scenario.services.get(ends.service.index());
        let subscription = service.and_then(|service| service.subscribes.get(*place - 1));
        let attachment = subscription.map(Subscription::attachment);
        let limit = subscription.map_or(0, |subscription| subscription.max_in_flight);
        let (polls, max_held) = match attachment {
            Some(Attachment::Polling(polling)) => (true, polling.batch.min(limit)),
            Some(Attachment::Connection(connection)) => (false, connection.prefetch.unwrap_or(limit).min(limit)),
            None => (false, limit),
        };
        let view = SubscriptionView {
            service: ends.service,
            attached: buses.is_attached(id),
            polls,
            held: buses.in_flight_to(id),
            most: max_held,
            topic: topic.map_or(&bus.id, |topic| &topic.name).clone(),
            partitions,
            depth: 0,
            events: Vec::new(),
            depths: Vec::new(),
            dead: 0,
            dead_letters: Vec::new(),
            discarded: 0,
        };
        Some(match queue {
            Some(queue) if buses.queue_of(id) == id => with_queue(view, run, queue, id),
            Some(queue) => {
                SubscriptionView { depth: view.held, events: events_at(run, queue, |at| at == Some(id)), ..view }
            }
            None => view,
        })
    });
    BusView { node, subscriptions: subscriptions.collect() }
}

/// Returns the view of the first subscription to a queue, with what no other consumer has.
fn with_queue(view: SubscriptionView, run: &Run, queue: &SubscriptionQueue, first: SubscriptionId) -> SubscriptionView {
    let buses = &run.analysis().buses;
    let shared = run.engine().names().subscriptions().filter(|id| *id != first && buses.queue_of(*id) == first);
    let at_others: u32 = shared.map(|id| buses.in_flight_to(id)).sum();
    let update = |update: &UpdateId| content::update(*update, run.analysis(), run.engine().names());
    SubscriptionView {
        depth: (queue.events.len() as u32).saturating_sub(at_others),
        events: events_at(run, queue, |at| at.is_none_or(|consumer| consumer == first)),
        depths: if view.partitions > 1 { depths(queue) } else { Vec::new() },
        dead: queue.dead_letters.len() as u32,
        dead_letters: queue.dead_letters.values().take(MAX_EVENTS).map(|dead| update(&dead.update)).collect(),
        discarded: queue.discarded,
        ..view
    }
}

/// Returns the events of a queue at the consumers that meet a condition; an event that is not in flight is at none.
fn events_at(
    run: &Run,
    queue: &SubscriptionQueue,
    is_meant: impl Fn(Option<SubscriptionId>) -> bool,
) -> Vec<QueuedEvent> {
    let oldest = queue.events.values().take(MAX_EXAMINED);
    let meant = oldest.filter(|kept| is_meant(kept.reader.filter(|_| kept.in_flight)));
    meant.take(MAX_EVENTS).map(|kept| queued_event(run, kept)).collect()
}

fn depths(queue: &SubscriptionQueue) -> Vec<PartitionDepth> {
    let view = |(partition, (queued, in_flight)): (&u32, &(u32, u32))| PartitionDepth {
        partition: *partition,
        queued: *queued,
        in_flight: *in_flight,
    };
    queue.depths().iter().take(MAX_PARTITIONS).map(view).collect()
}

fn queued_event(run: &Run, kept: &crate::analysis::QueuedEvent) -> QueuedEvent {
    QueuedEvent {
        update: content::update(kept.update, run.analysis(), run.engine().names()),
        in_flight: kept.in_flight,
        deliveries: kept.deliveries,
        not_before: (!kept.in_flight && kept.not_before > run.engine().now()).then_some(kept.not_before),
    }
}

/// Returns a client's card.
pub fn client_view(run: &Run, node: NodeId) -> ClientView {
    let tally = run.analysis().operations.get(node).cloned().unwrap_or_default();
    ClientView {
        node,
        pending: tally.pending,
        ok: tally.ok,
        fail: tally.fail,
        unknown: tally.unknown,
        reads: tally.reads,
        stale_reads: tally.stale_reads,
        last: tally.last.map(|ended| last_operation(&ended, run.engine().names())),
    }
}

fn last_operation(ended: &EndedOperation, names: &Names) -> LastOperation {
    LastOperation {
        request: OperationRequest { kind: ended.kind, key: names.key(ended.key).into(), value: ended.value.clone() },
        outcome: ended.outcome,
        refusal: ended.refusal,
        took: ended.took,
        stale: ended.stale,
    }
}

/// Returns the number of copies in each state, and the pending work.
pub fn summary(run: &Run) -> Summary {
    let (analysis, names) = (run.analysis(), run.engine().names());
    let window = analysis.staleness.last_window().map(|(update, took): (_, Micros)| {
        let info = analysis.updates.get(update);
        let missed_again = info.is_some_and(|info| analysis.staleness.is_missed_again(info.key, info.version));
        Window { update: content::update(update, analysis, names), took, missed_again }
    });
    Summary {
        copies: analysis.staleness.copies(),
        stale: analysis.staleness.stale(),
        diverged: analysis.staleness.diverged(),
        conflicted: analysis.staleness.conflicted(),
        lost: analysis.lost.count() as u32,
        down: analysis.staleness.down(),
        acknowledged: analysis.staleness.acknowledged(),
        queued: analysis.buses.iter().map(|(_, queue)| queue.events.len() as u32).sum(),
        dead: analysis.buses.iter().map(|(_, queue)| queue.dead_letters.len() as u32).sum(),
        pending: analysis.operations.pending() as u32,
        window,
    }
}

#[cfg(test)]
mod tests {
    use super::{bus_view, summary};
    use crate::scenario::{examples, micros};
    use crate::session::run::Run;

    #[test]
    fn an_update_that_reached_every_copy_and_was_overwritten_at_one_is_not_shown_as_if_it_were_still_everywhere() {
        let mut run = Run::new(&examples::find("reordering").expect("an example").scenario());
        for (ms, missed_again) in [(1_500.0, false), (5_000.0, true)] {
            run.complete(micros(ms));
            assert_eq!(summary(&run).window.map(|window| window.missed_again), Some(missed_again), "at {ms} ms");
        }
    }

    #[test]
    fn an_event_is_shown_at_the_worker_that_has_it_and_not_at_the_first_of_its_group() {
        let scenario = examples::find("consumer-dies").expect("an example").scenario();
        let mut run = Run::new(&scenario);
        run.complete(micros(2_800.0));
        let bus = run.engine().names().find_node(&scenario.buses[0].id).expect("the bus");
        let shown = bus_view(&run, &scenario, bus, 0).subscriptions;
        let at = |worker: usize| (shown[worker].depth, shown[worker].events.len(), shown[worker].held);
        assert_eq!((at(0), at(1)), ((0, 0, 0), (1, 1, 1)));
    }
}
