//! How much was compared, and how well.

use cli::{Failure, Result, count};

use crate::args::Args;
use crate::rows::quick::{BLIND_SPOTS, Quick};
use crate::rows::sample::Sample;
use crate::sides::{Live, Source};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    quick: bool,
    /// An archive's fingerprints were taken as its end names them.
    believed: bool,
    sample: Option<Sample>,
    /// Patterns of the only tables that were compared.
    tables: Vec<String>,
}

/// What a table's verdict rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proof {
    /// SHA-256 fingerprints of all rows.
    #[default]
    Fingerprint,
    /// The same, with so many rows that `load` rejected added to the target's.
    ButFor(u64),
    /// So many rows of the source are joined to another source's.
    ButJoined(u64),
    /// Count and hash by the servers.
    ServerHash,
    /// Fingerprints of some rows.
    Sample {
        /// Rows of the source's table.
        of: u64,
    },
}

impl Scope {
    /// Refuses what the source cannot give.
    pub(crate) fn of(args: &Args, source: &Source) -> Result<Self> {
        let extent = &args.extent;
        let word = match source {
            Source::Postgres(_) => None,
            Source::Sqlite(_) => Some("a SQLite file, which is read wholly in any case"),
            Source::Archive(_) => Some("an archive, which is read wholly in any case"),
        };
        if let Some(word) = word
            && (extent.quick || extent.sample.is_some())
        {
            let (option, what) = if extent.quick {
                ("--quick", "compares hashes that two PostgreSQL servers calculate")
            } else {
                ("--sample", "chooses rows by queries to two PostgreSQL servers")
            };
            let message = format!("{option} {what}, and SOURCE is {word}");
            return Err(Failure::usage(message).with_hint(format!("leave {option} out")));
        }
        if extent.fingerprints && !matches!(source, Source::Archive(_)) {
            let message = "--fingerprints takes those of an archive, and SOURCE is none";
            return Err(Failure::usage(message).with_hint("leave --fingerprints out"));
        }
        Ok(Scope {
            quick: extent.quick,
            believed: extent.fingerprints,
            sample: extent.sample.map(|percent| Sample {
                percent,
                seed: extent.seed,
            }),
            tables: extent.tables.clone(),
        })
    }

    pub(crate) fn sample(&self) -> Option<Sample> {
        self.sample
    }

    /// What both servers can hash, where that was asked for.
    pub(crate) fn quick<'a>(&self, source: &'a Source, target: &'a Live) -> Result<Option<Quick<'a>>> {
        match source {
            Source::Postgres(source) if self.quick => Quick::new(source, target).map(Some),
            _ => Ok(None),
        }
    }

    /// What the report does not claim, as sentences.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.quick {
            sentences.extend(BLIND_SPOTS.map(|it| format!("quick: {it}")));
        }
        if let Some(Sample { percent, seed }) = self.sample {
            sentences.push(format!(
                "sample: about {percent} % of each table's rows were compared (--sample {percent} --seed {seed}); nothing is \
                 known of the others but their number"
            ));
        }
        if self.believed {
            sentences.push(
                "fingerprints: those of the archive were taken as dump wrote them; its members have the SHA-256 that its \
                 end names, and `verify --archive` hashes its rows again"
                    .to_owned(),
            );
        }
        if !self.tables.is_empty() {
            sentences.push(format!(
                "only the rows of tables that --table names were compared: {}",
                self.tables.join(", ")
            ));
        }
        sentences
    }

    /// What tables are called that were not found to differ.
    pub(super) fn word(&self) -> &'static str {
        if self.quick {
            "alike by count and hash"
        } else if self.sample.is_some() {
            "identical in the sample"
        } else {
            "identical"
        }
    }
}

impl Proof {
    /// The verdict on a table that does not differ; `rows` were compared.
    pub(super) fn verdict(self, rows: u64) -> String {
        match self {
            Proof::Fingerprint => "identical".to_owned(),
            Proof::ButFor(rejected) => {
                format!(
                    "identical but for {} that load rejected",
                    super::counted(rejected, "row")
                )
            }
            Proof::ButJoined(joined) => {
                let joined = super::counted(joined, "row");
                format!("identical but for {joined} joined to another source's")
            }
            Proof::ServerHash => "same count and server's hash".to_owned(),
            Proof::Sample { of } if rows == 0 && of > 0 => {
                format!("same count; 0 of {} rows compared", count(of))
            }
            Proof::Sample { of } => format!("identical; {} of {} rows compared", count(rows), count(of)),
        }
    }

    /// For programs.
    pub(super) fn word(self) -> &'static str {
        match self {
            Proof::Fingerprint | Proof::ButFor(_) | Proof::ButJoined(_) => "fingerprint",
            Proof::ServerHash => "server_hash",
            Proof::Sample { .. } => "sample",
        }
    }
}
