//! What becomes of one name that is a value.

use std::collections::HashSet;

use catalog::{Catalog, NameKind, ObjectKind, Table};
use plan::is_built_in;

use crate::known::Owner;
use crate::literal::Naming;
use crate::parse::{Parsed, single_statement};
use crate::reference::{self, Reference, Role};
use crate::rewriter::Rewriter;
use crate::split::Piece;
use crate::statement_pass::StatementPass;
use crate::stored_names::TableNames;

/// The first OID that is given to an object of a user's (`FirstNormalObjectId` in `transam.h`).
const FIRST_USER_OID: u64 = 16_384;

/// New names for values, by the verdicts that a literal such as `'s.t'::regclass` gets.
#[derive(Clone, Debug)]
pub struct NameMap {
    rewriter: Rewriter,
    /// Functions and operators of which there are several: their names alone say nothing.
    overloaded: HashSet<(NameKind, String, String)>,
}

/// What becomes of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    New(String),
    /// It means nothing on the target, for this reason.
    Unresolved(String),
}

impl NameMap {
    /// For the values of the source with this `catalog`, under its old names.
    pub fn new(rewriter: Rewriter, catalog: &Catalog) -> Self {
        let members = catalog.extensions.iter().flat_map(|it| &it.members);
        let members = members.map(|it| (it.kind, &it.schema, &it.name));
        let objects = catalog.objects.iter().map(|it| (it.kind, &it.schema, &it.name));
        let (mut once, mut overloaded) = (HashSet::new(), HashSet::new());
        for (kind, schema, name) in members.chain(objects) {
            let kind = match kind {
                ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => NameKind::RegProc,
                ObjectKind::Operator => NameKind::RegOper,
                _ => continue,
            };
            let key = (kind, schema.clone(), name.clone());
            if let Some(key) = once.replace(key) {
                overloaded.insert(key);
            }
        }
        NameMap { rewriter, overloaded }
    }

    /// For the rows of one table; `None` when there are no names in them.
    pub fn table(&self, table: &Table) -> Option<TableNames<'_>> {
        table.stores_names().then(|| TableNames::new(self, table))
    }

    /// What becomes of `text`, which a server wrote for a value of type `kind` under an empty search path.
    pub(super) fn fate(&self, kind: NameKind, text: &str) -> Fate {
        if text == "-" || text == "0" {
            return Fate::Keep;
        }
        if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
            return Fate::Unresolved("the object is gone".to_owned());
        }
        // Without a schema it is the system's.
        if kind != NameKind::RegNamespace && !text.contains('.') {
            return Fate::Keep;
        }
        self.renamed(kind, text)
    }

    fn renamed(&self, kind: NameKind, text: &str) -> Fate {
        let unreadable = || Fate::Unresolved("it cannot be read as a name".to_owned());
        let Some(naming) = Naming::of_type(kind.type_name()) else {
            return unreadable();
        };
        let (prefix, suffix) = naming.wrapper();
        let sql = format!("{prefix}{text}{suffix}");
        let Some(statement) = single_statement(&sql) else {
            return unreadable();
        };
        let mut references = reference::names(&statement);
        if let Some(reason) = references.find_map(|it| self.unresolved(kind, &it)) {
            return Fate::Unresolved(reason);
        }
        let whole = Piece {
            range: 0..sql.len(),
            // It has been read as a single statement.
            too_deep: false,
            complete: false,
        };
        let parsed = Parsed::new(&sql, &whole);
        let mut pass = StatementPass::new(&self.rewriter, &parsed);
        pass.run(&statement);
        if let Some(concern) = pass.concerns.into_iter().next() {
            return Fate::Unresolved(concern.reason);
        }
        pass.changes.sort_by_key(|change| change.range.start);
        let mut new = sql.clone();
        for change in pass.changes.iter().rev() {
            new.replace_range(change.range.clone(), &change.new);
        }
        match new.strip_prefix(prefix).and_then(|it| it.strip_suffix(suffix)) {
            Some(new) if new == text => Fate::Keep,
            Some(new) => Fate::New(new.to_owned()),
            None => unreadable(),
        }
    }

    /// Why what `reference` means will not be on the target, if so.
    fn unresolved(&self, kind: NameKind, reference: &Reference) -> Option<String> {
        let Reference { schema, name, .. } = reference;
        let known = self.rewriter.known();
        let Role::Object(space) = reference.role else {
            let there = is_built_in(schema) || known.is_own_schema(schema) || known.has_extension(schema);
            return (!there).then(|| format!("schema {schema} is not in the archive"));
        };
        let key = (kind, schema.clone(), name.clone());
        // The server leaves out the schema of what it has one of, see `regprocout` and `regoperout`.
        let by_name_alone = matches!(kind, NameKind::RegProc | NameKind::RegOper);
        if self.overloaded.contains(&key) || by_name_alone && schema == "pg_catalog" {
            return Some(format!("there are several {schema}.{name}"));
        }
        if is_built_in(schema) {
            return is_of_one_database(schema, name).then(|| "it belongs to one database alone".to_owned());
        }
        (known.owner(space, schema, name) == Owner::Unknown)
            .then(|| format!("{schema}.{name} is not in the archive"))
    }
}

/// Temporary tables, and TOAST tables of users' tables, which are called after OIDs.
fn is_of_one_database(schema: &str, name: &str) -> bool {
    let number = |it: &str| {
        it.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
            .parse::<u64>()
    };
    let is_users_toast = schema == "pg_toast" && number(name).is_ok_and(|it| it >= FIRST_USER_OID);
    is_users_toast || schema.starts_with("pg_temp") || schema.starts_with("pg_toast_temp")
}
