//! Reads the trace of a run in parts.

use crate::trace::{Record, Trace};

/// Number of records that one part of the work reads.
const RECORDS_PER_PART: u64 = 256;

/// A position in the records that the trace had when an export began.
#[derive(Debug)]
pub(super) struct RecordCursor {
    /// The number of the next record.
    next: u64,
    /// The number of records when the export began.
    total: u64,
}

impl RecordCursor {
    /// Returns a cursor at the oldest record of a trace.
    pub fn new(trace: &Trace) -> Self {
        RecordCursor { next: trace.oldest(), total: trace.total() }
    }

    /// Returns the records of the next part, without those that the trace has discarded in the meantime.
    pub fn next_part<'t>(&mut self, trace: &'t Trace) -> impl Iterator<Item = &'t Record> + use<'t> {
        let from = self.next.max(trace.oldest()).min(self.total);
        self.next = (from + RECORDS_PER_PART).min(self.total);
        trace.since(from).take((self.next - from) as usize)
    }

    /// Returns whether all records are read.
    pub fn is_at_end(&self) -> bool {
        self.next >= self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{CHUNK, Fact, Level, MessageId};

    #[test]
    fn records_that_the_trace_discards_or_adds_during_an_export_are_left_out() {
        let mut trace = Trace::with_limit(Level::Full, CHUNK);
        let push = |trace: &mut Trace, count: usize| {
            for _ in 0..count {
                trace.push(0, Fact::MessageDelivered { message: MessageId(trace.total()) });
            }
        };
        push(&mut trace, CHUNK);
        let mut cursor = RecordCursor::new(&trace);
        let numbers = |cursor: &mut RecordCursor, trace: &Trace| -> Vec<u64> {
            let part = cursor.next_part(trace).map(|record| {
                let Fact::MessageDelivered { message } = record.fact else { unreachable!("only these were added") };
                message.0
            });
            part.collect()
        };
        assert_eq!(numbers(&mut cursor, &trace), (0..RECORDS_PER_PART).collect::<Vec<u64>>());
        while trace.oldest() <= RECORDS_PER_PART {
            push(&mut trace, 1);
        }
        let (oldest, end) = (trace.oldest(), CHUNK as u64);
        let mut rest = Vec::new();
        while !cursor.is_at_end() {
            rest.extend(numbers(&mut cursor, &trace));
        }
        assert_eq!(rest, (oldest..end).collect::<Vec<u64>>());
        assert_eq!(numbers(&mut cursor, &trace), Vec::<u64>::new());
    }
}
