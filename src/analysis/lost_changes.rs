/// How the servers lost an acknowledged change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLoss {
    /// Another change replaced it, which had not seen it, or an older value came back.
    Overwritten,
    /// Its group undid it.
    RolledBack,
    /// Disks were lost, and with them its last copy.
    DiskLost,
}

/// The acknowledged changes that the servers lost, as far as a run knows: another change replaced them without having seen them,
/// their group undid them, or their last copy was lost with a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostChanges {
    /// The number of those that another change replaced, with those that no operation of the history made.
    pub overwritten: u64,
    /// The number of those that their group undid, with those that no operation of the history made.
    pub rolled_back: u64,
    /// The number of those whose last copy was lost with a disk, with those that no operation of the history made.
    pub disk_lost: u64,
    /// The number of changes of which no copy is left, and whose key no operation has read since. They are not lost for certain.
    pub hidden: u64,
    /// The indexes of the operations of the lost changes, in order, each with how it was lost.
    pub operations: Vec<(usize, ChangeLoss)>,
}

impl LostChanges {
    /// Returns the number of lost changes.
    pub fn count(&self) -> u64 {
        self.overwritten + self.rolled_back + self.disk_lost
    }

    /// Returns the number of changes that were lost in a way.
    pub fn number_mut(&mut self, loss: ChangeLoss) -> &mut u64 {
        match loss {
            ChangeLoss::Overwritten => &mut self.overwritten,
            ChangeLoss::RolledBack => &mut self.rolled_back,
            ChangeLoss::DiskLost => &mut self.disk_lost,
        }
    }
}
