//! Whether a source's role may read all that has to be moved.

use std::collections::BTreeMap;

use catalog::{ObjectKind, quote_ident};
use cli::{Failure, Result, count};
use database::postgres::check_large_objects_readable;
use database::postgres::health::{Hindrance, Unreadable, read_unreadable};
use postgres::Client;

use super::{Check, Subject, Topic, ways_out};

/// Objects that a line names, at most.
const NAMED_MAX: usize = 3;

pub(super) fn judge(subject: &Subject<'_>, session: Option<&mut Client>) -> Result<Vec<Check>> {
    let name = subject.name;
    let Some(client) = session else {
        let what = if subject.source.inventory.server.archive {
            "an archive"
        } else {
            "a file"
        };
        let text = format!("{name}: {what}, which was read");
        return Ok(vec![Check::holds(Topic::Privileges, text)]);
    };
    let role: String = client
        .query_one("SELECT current_user::pg_catalog.text", &[])
        .map_err(|error| {
            Failure::new(cli::Exit::Source, "the role could not be asked for").with_source(error)
        })?
        .get(0);
    let mut checks = Vec::new();
    let mut by_hindrance: BTreeMap<(u8, Option<String>), Vec<Unreadable>> = BTreeMap::new();
    for it in read_unreadable(client).map_err(Failure::source)? {
        let key = match it.why {
            Hindrance::NoUsageOnSchema => (0, Some(it.name.schema.clone())),
            Hindrance::NoSelect => (1, Some(it.name.schema.clone())),
            Hindrance::RowSecurity => (2, None),
        };
        by_hindrance.entry(key).or_default().push(it);
    }
    checks.extend(by_hindrance.values().map(|it| line(name, &role, it)));
    match check_large_objects_readable(client, None, false) {
        Ok(()) => {}
        Err(error) if error.kind() == database::ErrorKind::Unsupported => {
            let way_out = error.hint().unwrap_or_default().to_owned();
            checks.push(Check::fails(
                Topic::Privileges,
                format!("{name}: {error}"),
                way_out,
            ));
        }
        Err(error) => return Err(Failure::source(error)),
    }
    if checks.is_empty() {
        let text = format!("{name}: role {role} may read everything");
        checks.push(Check::holds(Topic::Privileges, text));
    }
    Ok(checks)
}

/// All of `unreadable` have one hindrance, and one schema unless it is row security.
fn line(name: &str, role: &str, unreadable: &[Unreadable]) -> Check {
    let named: Vec<String> = unreadable
        .iter()
        .take(NAMED_MAX)
        .map(|it| match it.kind {
            ObjectKind::Sequence => format!("sequence {}", it.name),
            _ => it.name.to_string(),
        })
        .collect();
    let more = match unreadable.len() - named.len() {
        0 => String::new(),
        more => format!(" and {} more", count(more as u64)),
    };
    let list = format!("{}{more}", named.join(", "));
    let Some(first) = unreadable.first() else {
        return Check::holds(
            Topic::Privileges,
            format!("{name}: role {role} may read everything"),
        );
    };
    let schema = quote_ident(&first.name.schema);
    let has_sequence = unreadable.iter().any(|it| it.kind == ObjectKind::Sequence);
    let has_table = unreadable.iter().any(|it| it.kind != ObjectKind::Sequence);
    match first.why {
        Hindrance::NoUsageOnSchema => Check::fails(
            Topic::Privileges,
            format!("{name}: role {role} may not enter schema {schema}, which has {list}"),
            ways_out::enter_schema(&first.name.schema, role),
        ),
        Hindrance::NoSelect => Check::fails(
            Topic::Privileges,
            format!("{name}: role {role} may not read {list}"),
            ways_out::read_schema(&first.name.schema, role, has_table, has_sequence),
        ),
        Hindrance::RowSecurity => Check::fails(
            Topic::Privileges,
            format!("{name}: row security would hide rows of {list} from role {role}"),
            ways_out::pass_row_security(role),
        ),
    }
}
