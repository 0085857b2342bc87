//! The program as a process: exit codes, what it prints, and what it leaves.

mod demo;
mod rig;
mod schedule;
mod typed;
