//! Cases that were built from reports about real systems, and hostile input: each gives the right result. The inputs are in
//! `cases/` and `hostile/`.

mod cases;
mod checker;
mod convergence;
mod expiry;
mod input;
mod limits;
mod log_positions;
mod lost_disks;
mod measurements;
mod missing_updates;
mod operations;
mod repeated_writes;
mod slices;
mod stores;
mod systems;
mod uncertain_verdicts;
mod unfinished_work;
mod versions;
mod witness_names;
mod workers;
