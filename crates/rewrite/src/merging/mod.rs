//! Statements of a dump as far as whoever merges tables must know them: what each is about, and a table's definition taken
//! apart.

mod definition;

use std::ops::Range;

use catalog::QualifiedName;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use definition::{check_text, table_text};

use crate::label;
use crate::parse::Parsed;
use crate::rewriter::child;
use crate::split::split;
use crate::statement::paths;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStatement<'a> {
    pub text: &'a str,
    /// How people are told of it: `view app.active`.
    pub label: String,
    pub about: About,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Table(Box<TableText>),
    /// Something of a table: a key, an index, a comment.
    Part {
        table: QualifiedName,
        part: TablePart,
    },
    /// `CREATE SEQUENCE`; where its name stands in the statement.
    Sequence {
        name: QualifiedName,
        place: Range<usize>,
        /// Where ` AS integer` stands.
        of_type: Option<Range<usize>>,
    },
    /// What is said of a sequence besides: its owner, its comment, its privileges.
    OfSequence(QualifiedName),
    /// `COMMENT ON INDEX`
    OfIndex(QualifiedName),
    Other,
}

/// What of a table a statement makes or changes. Ranges are those of the statement's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TablePart {
    /// A primary key or a unique constraint; `list` is what stands between its parentheses.
    Key {
        name: String,
        primary: bool,
        columns: Vec<String>,
        list: Range<usize>,
    },
    ForeignKey(Box<ForeignKeyText>),
    /// `columns` is empty unless it is made of plain columns, all of them; `items` is between its parentheses.
    Index {
        name: String,
        unique: bool,
        columns: Vec<String>,
        items: Range<usize>,
        has_condition: bool,
    },
    Check {
        name: String,
        condition: String,
    },
    /// `ADD GENERATED … AS IDENTITY`, with the place of the sequence's name.
    Identity {
        column: String,
        sequence: Option<Range<usize>>,
    },
    Default {
        column: String,
        value: String,
    },
    /// Of a column: its comment, statistics, storage.
    Column(String),
    Trigger(String),
    /// Also what is said of a trigger.
    Policy {
        name: String,
        restrictive: bool,
    },
    Rule(String),
    Partition,
    AddedColumn,
    Grant,
    /// The table's comment, replica identity, row security, and whatever else.
    Other,
}

/// A foreign key with the places of its lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeyText {
    pub name: String,
    pub columns: Vec<String>,
    /// Between the parentheses.
    pub list: Range<usize>,
    pub parent: QualifiedName,
    pub parent_columns: Vec<String>,
    /// Empty, at the end of the parent's name, where the primary key is meant without naming it.
    pub parent_list: Range<usize>,
    /// It sets columns to NULL or to their defaults, or wants all of them or none: what a source column cannot follow.
    pub touches_columns: bool,
}

/// A table's definition taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableText {
    pub name: QualifiedName,
    pub unlogged: bool,
    pub columns: Vec<ColumnText>,
    pub checks: Vec<CheckText>,
    /// Other constraints of the table, as they stand there.
    pub others: Vec<String>,
    /// What follows the columns, without the semicolon: `WITH (fillfactor='70')`.
    pub tail: String,
}

/// One column of a table's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnText {
    pub name: String,
    pub type_text: String,
    /// `COLLATE "C"`
    pub collate: Option<String>,
    /// Without `DEFAULT`.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (…) STORED`
    pub generated: Option<String>,
    pub not_null: bool,
    /// Whatever else.
    pub rest: Vec<String>,
}

/// A CHECK constraint of a table's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckText {
    pub name: Option<String>,
    pub condition: String,
    /// What follows it: `NO INHERIT`.
    pub rest: String,
}

/// Takes `sql` apart.
pub fn table_statements(sql: &str) -> Vec<TableStatement<'_>> {
    let pieces = split(sql);
    let statement = |piece: &crate::split::Piece| {
        let text = &sql[piece.range.clone()];
        let parsed = Parsed::new(sql, piece);
        let tree = parsed.statement().filter(|_| parsed.error().is_none());
        let (label, about) = match &tree {
            Some(tree) => (label::object(tree), about(tree, text).unwrap_or(About::Other)),
            None => (label::beginning(text), About::Other),
        };
        TableStatement { text, label, about }
    };
    pieces.iter().map(statement).collect()
}

fn about(statement: &SyntaxNode, text: &str) -> Option<About> {
    use SyntaxKind as K;
    let of = |part| {
        let table = table_of(statement)?;
        Some(About::Part { table, part })
    };
    match statement.kind() {
        K::CREATE_TABLE => table_text(statement, text).map(|it| About::Table(Box::new(it))),
        K::CREATE_SEQUENCE => {
            let name = child(statement, K::SEQUENCE)?;
            Some(About::Sequence {
                place: range(&name),
                name: paths(&name).next()?,
                of_type: child(statement, K::OPTION_AS_TYPE).map(|it| range(&it)),
            })
        }
        K::ALTER_SEQUENCE => {
            let name = child(statement, K::SEQUENCE_REF)?;
            paths(&name).next().map(About::OfSequence)
        }
        K::ALTER_TABLE => of(altered(statement, text)),
        K::CREATE_INDEX => of(index(statement, text)?),
        K::CREATE_TRIGGER => of(TablePart::Trigger(name_in(statement, K::TRIGGER)?)),
        K::CREATE_RULE => of(TablePart::Rule(name_in(statement, K::RULE)?)),
        K::CREATE_POLICY => of(TablePart::Policy {
            name: name_in(statement, K::POLICY)?,
            restrictive: child(statement, K::AS_POLICY_TYPE)
                .is_some_and(|it| it.text().to_string().to_ascii_uppercase().contains("RESTRICTIVE")),
        }),
        K::CREATE_STATISTICS => of(TablePart::Other),
        K::GRANT | K::REVOKE => grant(statement),
        K::COMMENT_ON => comment(statement),
        _ => None,
    }
}

/// The table that is named first, whatever names it.
fn table_of(statement: &SyntaxNode) -> Option<QualifiedName> {
    use SyntaxKind as K;
    let kinds = [
        K::TABLE_RELATION_NAME,
        K::ON_RELATION,
        K::ON_TABLE,
        K::RULE_ON,
        K::FROM_TABLE,
    ];
    let place = statement.children().find(|it| kinds.contains(&it.kind()))?;
    paths(&place).next()
}

fn altered(statement: &SyntaxNode, text: &str) -> TablePart {
    use SyntaxKind as K;
    let mut actions = statement
        .children()
        .filter(|it| it.kind() != K::TABLE_RELATION_NAME);
    let (Some(action), None) = (actions.next(), actions.next()) else {
        return TablePart::Other;
    };
    let known = match action.kind() {
        K::ADD_CONSTRAINT => action.first_child().and_then(|it| constraint(&it, text)),
        K::ALTER_COLUMN => altered_column(&action, text),
        K::ATTACH_PARTITION => Some(TablePart::Partition),
        K::ADD_COLUMN => Some(TablePart::AddedColumn),
        K::ENABLE_TRIGGER | K::DISABLE_TRIGGER | K::ENABLE_ALWAYS_TRIGGER | K::ENABLE_REPLICA_TRIGGER => {
            action
                .children()
                .last()
                .map(|it| TablePart::Trigger(normalize_name_node(&it)))
        }
        _ => None,
    };
    known.unwrap_or(TablePart::Other)
}

fn altered_column(action: &SyntaxNode, text: &str) -> Option<TablePart> {
    use SyntaxKind as K;
    let column = normalize_name_node(&child(action, K::COLUMN_NAME_REF)?);
    if let Some(identity) = child(action, K::ADD_GENERATED) {
        let options = child(&identity, K::SEQUENCE_OPTION_LIST);
        let place = |word: &str| {
            let options = options.as_ref()?;
            let option = options
                .children()
                .find(|it| it.text().to_string().to_ascii_uppercase().starts_with(word))?;
            Some(range(&option))
        };
        let sequence = place("SEQUENCE NAME").map(|it| {
            let words = &text[it.clone()];
            let name = words.trim_end();
            let start = it.start + name.len() - name["SEQUENCE NAME".len()..].trim_start().len();
            start..it.start + name.len()
        });
        return Some(TablePart::Identity { column, sequence });
    }
    if let Some(set) = child(action, K::SET_DEFAULT) {
        let value = text[range(&set.last_child()?)].to_owned();
        return Some(TablePart::Default { column, value });
    }
    Some(TablePart::Column(column))
}

fn constraint(node: &SyntaxNode, text: &str) -> Option<TablePart> {
    use SyntaxKind as K;
    let name = name_in(node, K::CONSTRAINT_NAME)?;
    match node.kind() {
        K::PRIMARY_KEY_CONSTRAINT | K::UNIQUE_CONSTRAINT => {
            let columns = node
                .descendants()
                .find(|it| it.kind() == K::CONSTRAINT_COLUMN_REF_LIST)?;
            Some(TablePart::Key {
                name,
                primary: node.kind() == K::PRIMARY_KEY_CONSTRAINT,
                columns: listed(&columns),
                list: inside(&columns, text),
            })
        }
        K::FOREIGN_KEY_CONSTRAINT => {
            let mut lists = node
                .children()
                .filter(|it| it.kind() == K::FOREIGN_KEY_COLUMN_LIST);
            let columns = lists.next()?;
            let parent = child(node, K::TABLE_NAME_REF)?;
            let parent_columns = lists.next();
            let touches = |it: &SyntaxNode| {
                let words = it.text().to_string().to_ascii_uppercase();
                it.kind() == K::MATCH_FULL || words.contains(" SET NULL") || words.contains(" SET DEFAULT")
            };
            Some(TablePart::ForeignKey(Box::new(ForeignKeyText {
                name,
                columns: listed(&columns),
                list: inside(&columns, text),
                parent: paths(&parent).next()?,
                parent_list: match &parent_columns {
                    Some(list) => inside(list, text),
                    None => range(&parent).end..range(&parent).end,
                },
                parent_columns: parent_columns.map_or_else(Vec::new, |it| listed(&it)),
                touches_columns: node.children().any(|it| touches(&it)),
            })))
        }
        K::CHECK_CONSTRAINT => Some(TablePart::Check {
            name,
            condition: check_text(node, text)?.condition,
        }),
        _ => None,
    }
}

fn index(statement: &SyntaxNode, text: &str) -> Option<TablePart> {
    use SyntaxKind as K;
    let items = child(statement, K::PARTITION_ITEM_LIST)?;
    let plain = |item: SyntaxNode| {
        let mut children = item.children();
        let (name, rest) = (children.next()?, children.next());
        let is_plain = rest.is_none() && name.kind() == K::NAME_REF && name.text() == item.text();
        is_plain.then(|| normalize_name_node(&name))
    };
    let columns: Option<Vec<String>> = items.children().map(plain).collect();
    Some(TablePart::Index {
        name: name_in(statement, K::INDEX)?,
        unique: statement
            .children_with_tokens()
            .any(|it| it.kind() == K::UNIQUE_KW),
        columns: columns.unwrap_or_default(),
        items: inside(&items, text),
        has_condition: child(statement, K::WHERE_CLAUSE).is_some(),
    })
}

fn grant(statement: &SyntaxNode) -> Option<About> {
    use SyntaxKind as K;
    let objects = child(statement, K::ON_PRIVILEGE_OBJECTS_CLAUSE)?.first_child()?;
    let name = objects.first_child()?;
    let name = paths(&name).next()?;
    match objects.kind() {
        K::PRIVILEGE_TABLE => Some(About::Part {
            table: name,
            part: TablePart::Grant,
        }),
        K::PRIVILEGE_SEQUENCE => Some(About::OfSequence(name)),
        _ => None,
    }
}

fn comment(statement: &SyntaxNode) -> Option<About> {
    use SyntaxKind as K;
    let object = statement.first_child()?;
    let part = |table: QualifiedName, part| Some(About::Part { table, part });
    let table = || {
        let table = child(&object, K::TABLE_NAME_REF).or_else(|| child(&object, K::RELATION_NAME_REF));
        paths(&table.or_else(|| object.children().last())?).next()
    };
    match object.kind() {
        K::OBJECT_TABLE | K::OBJECT_CONSTRAINT => part(table()?, TablePart::Other),
        K::OBJECT_COLUMN => {
            let name = paths_of_three(&object)?;
            part(name.0, TablePart::Column(name.1))
        }
        K::OBJECT_INDEX => paths(&object).next().map(About::OfIndex),
        K::OBJECT_SEQUENCE => paths(&object).next().map(About::OfSequence),
        K::OBJECT_TRIGGER => part(table()?, TablePart::Trigger(first_name(&object)?)),
        K::OBJECT_POLICY => part(
            table()?,
            TablePart::Policy {
                name: first_name(&object)?,
                restrictive: false,
            },
        ),
        K::OBJECT_RULE => part(table()?, TablePart::Rule(first_name(&object)?)),
        _ => None,
    }
}

fn first_name(object: &SyntaxNode) -> Option<String> {
    let first = object.first_child()?;
    Some(normalize_name_node(&first.descendants().last().unwrap_or(first)))
}

/// `schema.table.column`
fn paths_of_three(object: &SyntaxNode) -> Option<(QualifiedName, String)> {
    let text = object.first_child()?.text().to_string();
    let (schema, rest) = plan::name_part(text.trim())?;
    let (table, rest) = plan::name_part(rest.strip_prefix('.')?)?;
    let (column, rest) = plan::name_part(rest.strip_prefix('.')?)?;
    rest.is_empty()
        .then(|| (QualifiedName::new(schema, table), column))
}

fn name_in(node: &SyntaxNode, kind: SyntaxKind) -> Option<String> {
    let name = node.descendants().find(|it| it.kind() == kind)?;
    Some(normalize_name_node(&name.descendants().last().unwrap_or(name)))
}

/// The columns that a list names, one child each.
fn listed(list: &SyntaxNode) -> Vec<String> {
    let innermost = |it: SyntaxNode| it.descendants().last().unwrap_or(it);
    list.children()
        .map(|it| normalize_name_node(&innermost(it)))
        .collect()
}

/// What stands between the parentheses of a list.
fn inside(list: &SyntaxNode, text: &str) -> Range<usize> {
    let whole = range(list);
    let own = &text[whole.clone()];
    let start = whole.start + own.find('(').map_or(0, |it| it + 1);
    let end = whole.start + own.rfind(')').unwrap_or(own.len());
    start..end.max(start)
}

fn range(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    usize::from(range.start())..usize::from(range.end())
}

#[cfg(test)]
mod tests;
