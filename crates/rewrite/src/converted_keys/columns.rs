//! Columns in definitions of tables: their types, and where their values come from.

use catalog::{QualifiedName, quote_ident};
use conversion::{ColumnConversion, TableConversion};
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::uses::judge_partition_key;
use super::{ConvertedKeys, Pass, range};
use crate::parse::Parsed;
use crate::rewriter::child;
use crate::statement::paths;

/// What a key that the source's database made by itself gets from the target's.
const NEW_KEY: &str = "pg_catalog.gen_random_uuid()";

/// What a default becomes.
enum Default {
    Same,
    /// An expression; `None` for no default.
    New(Option<String>),
    Unknown,
}

impl ConvertedKeys<'_> {
    pub(super) fn create_table(&mut self, statement: &SyntaxNode, parsed: &Parsed<'_>, pass: &mut Pass) {
        use SyntaxKind as K;
        let Some(name) = child(statement, K::TABLE_NAME).and_then(|it| paths(&it).next()) else {
            return;
        };
        let Some(conversion) = self.conversion(&name) else {
            return;
        };
        let at = parsed.range.start;
        for part in child(statement, K::TABLE_ARG_LIST)
            .into_iter()
            .flat_map(|it| it.children())
        {
            let column = child(&part, K::COLUMN_NAME).filter(|_| part.kind() == K::COLUMN);
            let column = column.and_then(|it| conversion.column(&normalize_name_node(&it)));
            match column {
                Some(column) => self.column(&name, column, &part, parsed, pass),
                None => self.judge_condition(&part, at, pass),
            }
        }
        for clause in statement.children() {
            if matches!(clause.kind(), K::PARTITION_BY) {
                judge_partition_key(&clause, conversion, at, pass);
            }
        }
        for (column, kept) in conversion.kept() {
            if !self.inherits_kept(&name, &column.column) {
                let (kept, from) = (quote_ident(&kept.name), column.from.name());
                let end = parsed.text.len();
                pass.replace(
                    parsed,
                    end..end,
                    &format!(" ALTER TABLE {name} ADD COLUMN {kept} {from};"),
                );
            }
        }
    }

    fn column(
        &mut self,
        table: &QualifiedName,
        column: &ColumnConversion,
        node: &SyntaxNode,
        parsed: &Parsed<'_>,
        pass: &mut Pass,
    ) {
        use SyntaxKind as K;
        let Some(type_node) = node.children().find(|it| it.kind() == K::PATH_TYPE) else {
            return;
        };
        pass.replace(parsed, range(&type_node), "uuid");
        self.defined.insert((table.clone(), column.column.clone()));
        for part in node.children() {
            let old = &parsed.text[range(&part)];
            match part.kind() {
                K::DEFAULT_CONSTRAINT => {
                    let Some(value) = part.last_child() else { continue };
                    match self.default(table, column, &parsed.text[range(&value)]) {
                        Default::Same => {}
                        Default::New(Some(new)) => pass.replace(parsed, range(&value), &new),
                        Default::New(None) => pass.replace(parsed, range(&part), ""),
                        Default::Unknown => {
                            pass.obstacle(parsed.range.start + range(&part).start, unknown(old));
                        }
                    }
                }
                K::GENERATED_CONSTRAINT if old.to_ascii_uppercase().contains("AS IDENTITY") => {
                    let new = if self.is_key(table, column) {
                        format!("DEFAULT {NEW_KEY}")
                    } else {
                        String::new()
                    };
                    pass.replace(parsed, range(&part), &new);
                }
                K::GENERATED_CONSTRAINT => {
                    pass.obstacle(parsed.range.start + range(&part).start, unknown(old));
                }
                _ => self.judge_condition(&part, parsed.range.start, pass),
            }
        }
    }

    pub(super) fn alter_table(&mut self, statement: &SyntaxNode, parsed: &Parsed<'_>, pass: &mut Pass) {
        use SyntaxKind as K;
        let Some(table) = child(statement, K::TABLE_RELATION_NAME).and_then(|it| paths(&it).next()) else {
            return;
        };
        // The owner of a sequence is changed so, too.
        if self.sequences.contains(&table) {
            return pass.remove(parsed);
        }
        let Some(conversion) = self.conversion(&table) else {
            return;
        };
        for action in statement.children() {
            match action.kind() {
                K::ALTER_COLUMN => self.alter_column((&table, conversion), &action, parsed, pass),
                K::ADD_CONSTRAINT => {
                    let of_rows = |kind| matches!(kind, K::CHECK_CONSTRAINT | K::EXCLUDE_CONSTRAINT);
                    for constraint in action.children().filter(|it| of_rows(it.kind())) {
                        self.judge_condition(&constraint, parsed.range.start, pass);
                    }
                }
                _ => {}
            }
        }
    }

    fn alter_column(
        &self,
        (table, conversion): (&QualifiedName, &TableConversion),
        action: &SyntaxNode,
        parsed: &Parsed<'_>,
        pass: &mut Pass,
    ) {
        use SyntaxKind as K;
        let name = child(action, K::COLUMN_NAME_REF).map(|it| normalize_name_node(&it));
        let Some(column) = name.and_then(|it| conversion.column(&it)) else {
            return;
        };
        let whole = 0..parsed.text.len();
        if child(action, K::ADD_GENERATED).is_some() {
            let new = if self.is_key(table, column) {
                let column = quote_ident(&column.column);
                format!("ALTER TABLE ONLY {table} ALTER COLUMN {column} SET DEFAULT {NEW_KEY};")
            } else {
                String::new()
            };
            pass.replace(parsed, whole, &new);
        } else if let Some(set) = child(action, K::SET_DEFAULT)
            && let Some(value) = set.last_child()
        {
            let old = &parsed.text[range(&value)];
            match self.default(table, column, old) {
                Default::Same => {}
                Default::New(Some(new)) => pass.replace(parsed, range(&value), &new),
                Default::New(None) => pass.replace(parsed, whole, ""),
                Default::Unknown => pass.obstacle(parsed.range.start + range(&value).start, unknown(old)),
            }
        }
    }

    /// What the default `text` becomes. Of a number it is known which key it names.
    fn default(&self, table: &QualifiedName, column: &ColumnConversion, text: &str) -> Default {
        let value = text.trim_matches(['(', ')', ' ']);
        let value = value.split("::").next().unwrap_or_default();
        let value = value.trim_matches(['(', ')', ' ', '\'']);
        if text.contains("nextval(") {
            return Default::New(self.is_key(table, column).then(|| NEW_KEY.to_owned()));
        }
        if value.eq_ignore_ascii_case("null") {
            return if text.contains("::") {
                Default::New(None)
            } else {
                Default::Same
            };
        }
        match value.parse() {
            Ok(key) => Default::New(Some(format!("'{}'::uuid", column.namespace.uuid_text(key)))),
            Err(_) => Default::Unknown,
        }
    }
}

fn unknown(text: &str) -> String {
    format!("nobody knows what `{text}` is for a UUID")
}
