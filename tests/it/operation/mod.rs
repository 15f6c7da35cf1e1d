//! Keeping a daemon running (`docs/OPERATION.md`): another configuration while sessions stay, what systemd is told, the log, figures.

mod figures;
mod reload;
mod restart;
mod systemd;
