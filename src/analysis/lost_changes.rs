//! The acknowledged changes that the servers lost, as a run or a history states them.

/// How the servers lost a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another change replaced it, which had not seen it.
    Overwritten,
    /// Its group rolled it back.
    RolledBack,
    /// It was a deletion, and an older value came back after its tombstone was purged.
    Resurrected,
    /// Disks were lost, and with them its last copy.
    DiskLost,
}

/// The numbers of lost changes, by how they were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounts {
    /// The number of those that another change replaced.
    pub overwritten: u64,
    /// The number of those that their group rolled back.
    pub rolled_back: u64,
    /// The number of deletions whose older value came back.
    pub resurrected: u64,
    /// The number of those whose last copy was lost with a disk.
    pub disk_lost: u64,
}

impl LossCounts {
    /// Returns the number of all.
    pub fn count(&self) -> u64 {
        self.overwritten + self.rolled_back + self.resurrected + self.disk_lost
    }

    /// Counts a lost change.
    pub fn add(&mut self, loss: Loss) {
        match loss {
            Loss::Overwritten => self.overwritten += 1,
            Loss::RolledBack => self.rolled_back += 1,
            Loss::Resurrected => self.resurrected += 1,
            Loss::DiskLost => self.disk_lost += 1,
        }
    }

    /// Returns the numbers without those of `others`.
    pub fn without(&self, others: &LossCounts) -> LossCounts {
        LossCounts {
            overwritten: self.overwritten.saturating_sub(others.overwritten),
            rolled_back: self.rolled_back.saturating_sub(others.rolled_back),
            resurrected: self.resurrected.saturating_sub(others.resurrected),
            disk_lost: self.disk_lost.saturating_sub(others.disk_lost),
        }
    }
}

impl FromIterator<Loss> for LossCounts {
    fn from_iter<I: IntoIterator<Item = Loss>>(losses: I) -> Self {
        let mut counts = LossCounts::default();
        losses.into_iter().for_each(|loss| counts.add(loss));
        counts
    }
}

/// The acknowledged changes that the servers lost, as far as a run knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostChanges {
    /// Their numbers, with those that no operation of the history made.
    pub counts: LossCounts,
    /// The number of changes of which no copy is left, and whose key no operation has read since. They are not lost for certain.
    pub hidden: u64,
    /// The indexes of their operations, in order, each with how it was lost.
    pub operations: Vec<(usize, Loss)>,
}
