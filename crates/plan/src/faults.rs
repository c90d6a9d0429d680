//! What is wrong with a plan: everything at once, each with its place.

use std::fmt;

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `sources[1].map`; empty for the file as a whole.
    pub path: String,
    /// From 1; `None` where no text was read.
    pub line: Option<usize>,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A plan that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// At least one.
    faults: Vec<Fault>,
}

impl PlanError {
    pub(crate) fn one(path: impl Into<String>, message: String) -> Self {
        PlanError {
            faults: vec![Fault {
                path: path.into(),
                line: None,
                message,
            }],
        }
    }

    pub(crate) fn unless_empty(faults: Vec<Fault>) -> Result<(), PlanError> {
        if faults.is_empty() {
            Ok(())
        } else {
            Err(PlanError { faults })
        }
    }

    /// Everything that is wrong, in the order of the file where lines are known.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            if let Some(line) = fault.line {
                write!(f, "line {line}: ")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}

/// Collects faults below a place.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        self.0.push(Fault {
            path: path.into(),
            line: None,
            message: message.to_string(),
        });
    }
}

/// The place of `key` below `path`: `sources[0].map`, `sources[0].tables["public.users"]`.
pub(crate) fn below(path: &str, key: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if key.is_empty() || !key.chars().all(plain) {
        return format!("{path}[{}]", serde_json::Value::from(key));
    }
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
