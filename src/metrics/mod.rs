//! The daemon in figures: what there is to tell, where it comes from, and in which form it is told.
//!
//! | file | what it does |
//! |---|---|
//! | `catalogue` | every figure, with its kind, unit, help and labels |
//! | `collect` | the figures as they are now |
//! | `process` | those of the process, from /proc |
//! | `exposition` | the text that Prometheus and others read |
//! | `listeners` | the addresses where it is served |
//!
//! Nothing here is counted: the router, the gate and the audit log count, and are asked when somebody wants to know.

mod catalogue;
mod collect;
pub(crate) mod exposition;
mod listeners;
mod process;

pub use self::catalogue::{CATALOGUE, Figure, Kind};
pub(crate) use self::collect::{Collector, Family, Sample, Value};
pub(crate) use self::listeners::Listeners;
