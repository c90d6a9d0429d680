//! What the workspace's tests stand on: throwaway PostgreSQL servers, databases that the project makes
//! itself, databases that exist in the wild, and the built tools run through a real shell.
//!
//! Tests and `xtask` use this crate; no tool does. What every test needs panics with a full description where
//! it fails ([`Cluster::shared`], [`Tools::locate`], [`Output::assert_success`]); the rest returns [`Error`].

pub mod bulk;
mod cluster;
pub mod data;
mod database;
mod described;
mod desk;
mod error;
mod extension;
mod findings;
pub mod fixtures;
mod install;
pub mod judge;
mod output;
mod pooler;
mod programs;
mod rounds;
mod row_judge;
mod shell;
mod skipped;
mod standby;
mod tools;
mod value_judge;
mod watchdog;

pub use cluster::{Cluster, POSTGRES, SOURCE_READER, TARGET_OWNER};
pub use database::Database;
pub use described::{assert_described, faults_by_schema};
pub use desk::{Desk, target_word};
pub use error::{Error, ErrorKind, Result};
pub use extension::{CONFIGURED, install_configured_extension};
pub use findings::finding_lines;
pub use install::{find_or_install, find_or_install_checker};
pub use output::Output;
pub use pooler::Pooler;
pub use programs::Programs;
pub use rounds::{ROUNDS, is_torture, rounds};
pub use row_judge::{Judgement, judge_rows};
pub use shell::Shell;
pub use skipped::{SKIPPED_LOG, Skipped};
pub use standby::Standby;
pub use tools::{TOOLS, Tools};
pub use value_judge::{TablePair, judge_values};
