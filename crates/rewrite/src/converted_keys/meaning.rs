//! What a column's name means where it stands: a key that becomes a UUID, and whose it is; a column that stays as it is; or
//! something that nobody knows.

use std::collections::HashMap;

use catalog::QualifiedName;
use conversion::{IntegerType, Namespace};
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{ConvertedKeys, Pass, range};
use crate::parse::Parsed;
use crate::rewriter::child;
use crate::scope::{Binding, binding, visible};
use crate::split::split;
use crate::statement::paths;

/// What the values of a column are on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// UUIDs of the table with this namespace.
    Key(Namespace),
    /// What they are in the source: integers.
    Integer,
    /// What they are in the source, or what a query makes of them.
    Other,
    /// A column of a query, or of a relation that is not the source's own.
    Unknown,
}

impl Meaning {
    /// Whether the values stay what they are in the source.
    pub(super) fn stays(&self) -> bool {
        matches!(self, Meaning::Integer | Meaning::Other)
    }
}

/// What the columns of a view are.
pub(super) type Outputs = HashMap<String, Meaning>;

impl ConvertedKeys<'_> {
    /// Learns which columns of views hold keys, and what queries call them. To be called with all texts, in their order,
    /// before one is rewritten: a view may be defined twice, first without its query.
    pub fn learn<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        let mut statements = Vec::new();
        for sql in texts {
            let may_query = |text: &str| ["VIEW", "POLICY", "RULE"].iter().any(|it| text.contains(it));
            let pieces = split(sql).into_iter();
            let pieces = pieces.filter(|it| may_query(&sql[it.range.clone()]));
            statements.extend(pieces.filter_map(|it| Parsed::new(sql, &it).statement()));
        }
        statements.retain(|it| is_view(it) || may_hold_query(it.kind()));
        // What stands for a view in advance says nothing of it, and a query may come before the one that it reads, so
        // that some names are understood in a later round. Each round but the last understands a target more.
        let all = statements.iter().flat_map(SyntaxNode::descendants);
        let rounds_max = all.filter(|it| it.kind() == SyntaxKind::TARGET).count() + 1;
        for _ in 0..rounds_max {
            let before = (self.views.clone(), self.names.len());
            for statement in &statements {
                if is_view(statement) {
                    self.learn_view(statement);
                }
                self.learn_names(statement);
            }
            if (&self.views, self.names.len()) == (&before.0, before.1) {
                break;
            }
        }
    }

    fn learn_view(&mut self, statement: &SyntaxNode) {
        let Some(name) = paths(statement).next() else {
            return;
        };
        let Some(select) = statement.children().find_map(|it| first_select(&it)) else {
            return;
        };
        if stands_for_a_view(&select) && self.views.contains_key(&name) {
            return;
        }
        let mut outputs = Outputs::new();
        for target in targets(&select) {
            let column = plain_column(&target);
            let meaning = match column.as_ref().map(|it| self.meaning(it)) {
                Some(Meaning::Key(_)) if self.is_mixed(&target) => Meaning::Unknown,
                meaning => meaning.unwrap_or(Meaning::Other),
            };
            let own_name = column.as_ref().map(normalize_name_node);
            let Some(name) = given_name(&target).or(own_name) else {
                continue;
            };
            outputs.insert(name, meaning);
        }
        self.views.insert(name, outputs);
    }

    /// Names that queries inside of a statement give to keys are looked for, too.
    fn learn_names(&mut self, statement: &SyntaxNode) {
        for target in statement
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::TARGET)
        {
            let is_key = plain_column(&target).is_some_and(|it| !self.meaning(&it).stays());
            if let Some(name) = given_name(&target).filter(|_| is_key) {
                self.names.insert(name);
            }
        }
        for table in statement
            .descendants()
            .filter(|it| it.kind() == SyntaxKind::WITH_TABLE)
        {
            let keys = self.keys_of_with(&table);
            self.names.extend(keys);
        }
    }

    /// Whether the relation is a table with converted columns, or a view that shows one.
    pub(super) fn has_keys(&self, relation: &QualifiedName) -> bool {
        let shows_key = |it: &Outputs| it.values().any(|it| !it.stays());
        self.tables.contains_key(relation) || self.views.get(relation).is_some_and(shows_key)
    }

    /// Gives what stands in advance for a view the types that the view will have.
    pub(super) fn stand_in(&self, statement: &SyntaxNode, parsed: &Parsed<'_>, pass: &mut Pass) {
        let select = statement.children().find_map(|it| first_select(&it));
        let view = paths(statement).next().and_then(|it| self.views.get(&it));
        let Some((select, outputs)) = select.filter(stands_for_a_view).zip(view) else {
            return;
        };
        for target in targets(&select) {
            let cast = target.first_child();
            let Some(old) = cast.and_then(|it| child(&it, SyntaxKind::PATH_TYPE)) else {
                continue;
            };
            let meaning = given_name(&target).and_then(|it| outputs.get(&it));
            if matches!(meaning, Some(Meaning::Key(_))) {
                pass.replace(parsed, range(&old), "uuid");
            }
        }
    }

    /// What the column `name` means where it stands.
    pub(super) fn meaning(&self, name: &SyntaxNode) -> Meaning {
        self.meaning_within(name, 0)
    }

    /// The same, asked of this many queries around it already.
    pub(super) fn meaning_within(&self, name: &SyntaxNode, depth: u8) -> Meaning {
        // Most names are none of a key anywhere.
        if self.names.contains(&normalize_name_node(name)) {
            self.resolved(name, depth)
        } else {
            Meaning::Other
        }
    }

    /// Whether the column stays an integer, for certain.
    pub(super) fn stays_integer(&self, name: &SyntaxNode) -> bool {
        self.resolved(name, 0) == Meaning::Integer
    }

    fn resolved(&self, name: &SyntaxNode, depth: u8) -> Meaning {
        let column = normalize_name_node(name);
        let of_query = |called: Option<&str>| self.column_of_query(name, called, &column, depth);
        let field = name
            .parent()
            .filter(|it| it.kind() == SyntaxKind::FIELD_EXPR && it.last_child().as_ref() == Some(name));
        let found = match field.and_then(|it| it.first_child()) {
            Some(qualifier) if qualifier.kind() == SyntaxKind::NAME_REF => {
                let called = normalize_name_node(&qualifier);
                match binding(&qualifier, &called) {
                    Some(Binding::Named(path) | Binding::Aliased(path)) => {
                        paths(&path).next().and_then(|it| self.column_of(&it, &column))
                    }
                    Some(Binding::Fixed) => of_query(Some(&called)),
                    None if called == "old" || called == "new" => {
                        own_relation(name).and_then(|it| self.column_of(&it, &column))
                    }
                    None => None,
                }
            }
            Some(qualifier) => {
                let mut names = qualifier
                    .descendants()
                    .filter(|it| it.kind() == SyntaxKind::NAME_REF);
                let relation = names.next().zip(names.next()).map(|(schema, table)| {
                    QualifiedName::new(normalize_name_node(&schema), normalize_name_node(&table))
                });
                relation.and_then(|it| self.column_of(&it, &column))
            }
            // `pg_dump` leaves the relation out where there is but one.
            None => visible(name).into_iter().find_map(|it| match it {
                Binding::Named(path) | Binding::Aliased(path) => {
                    self.column_of(&paths(&path).next()?, &column)
                }
                Binding::Fixed => Some(of_query(None).unwrap_or(Meaning::Unknown)),
            }),
        };
        found.unwrap_or(Meaning::Unknown)
    }

    /// What a column of a relation means; `None` where it has none of this name.
    fn column_of(&self, relation: &QualifiedName, column: &str) -> Option<Meaning> {
        if let Some(it) = self.conversion(relation).and_then(|it| it.column(column)) {
            return Some(Meaning::Key(it.namespace.clone()));
        }
        if let Some(outputs) = self.views.get(relation) {
            return outputs.get(column).cloned();
        }
        let mut tables = self.catalog.tables.iter();
        match tables.find(|it| it.qualified_name() == *relation) {
            Some(table) => {
                let column = table.columns.iter().find(|it| it.name == column)?;
                let is_integer = IntegerType::of(column).is_some();
                Some(if is_integer {
                    Meaning::Integer
                } else {
                    Meaning::Other
                })
            }
            None => Some(Meaning::Unknown),
        }
    }

    /// Whether `JOIN … USING` joins by a column that means different things on both sides.
    pub(super) fn joins_unlike(&self, name: &SyntaxNode) -> bool {
        let column = normalize_name_node(name);
        let meanings = visible(name).into_iter().filter_map(|it| match it {
            Binding::Named(path) | Binding::Aliased(path) => self.column_of(&paths(&path).next()?, &column),
            Binding::Fixed => Some(Meaning::Unknown),
        });
        let meanings: Vec<Meaning> = meanings.collect();
        let holds_key = meanings.iter().any(|it| !it.stays());
        holds_key && (meanings.contains(&Meaning::Unknown) || meanings.iter().any(|it| *it != meanings[0]))
    }

    /// Whether the target's column is a key in one query of a UNION or its like, and something else in another.
    pub(super) fn is_mixed(&self, target: &SyntaxNode) -> bool {
        use SyntaxKind as K;
        let Some(list) = target.parent() else { return false };
        let place = list.children().filter(|it| it.kind() == K::TARGET);
        let place = place.take_while(|it| it != target).count();
        let Some(select) = list.ancestors().find(|it| it.kind() == K::SELECT) else {
            return false;
        };
        let compound = select
            .ancestors()
            .skip(1)
            .take_while(|it| is_around_select(it.kind()))
            .filter(|it| it.kind() == K::COMPOUND_SELECT)
            .last();
        let Some(compound) = compound else { return false };
        let is_key = |select: &SyntaxNode| {
            let target = targets(select).nth(place);
            target.is_some_and(|target| match plain_column(&target) {
                Some(it) => matches!(self.meaning(&it), Meaning::Key(_)),
                None => target.text().to_string().eq_ignore_ascii_case("null"),
            })
        };
        !selects(&compound).iter().all(is_key)
    }
}

fn is_view(statement: &SyntaxNode) -> bool {
    matches!(
        statement.kind(),
        SyntaxKind::CREATE_VIEW | SyntaxKind::CREATE_MATERIALIZED_VIEW
    )
}

/// Whether there can be queries in what is judged as one, beside views.
fn may_hold_query(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::CREATE_POLICY | SyntaxKind::CREATE_RULE)
}

/// The SELECTs that a query brings together.
fn selects(query: &SyntaxNode) -> Vec<SyntaxNode> {
    match query.kind() {
        SyntaxKind::SELECT | SyntaxKind::VALUES => vec![query.clone()],
        kind if is_around_select(kind) => query.children().flat_map(|it| selects(&it)).collect(),
        _ => Vec::new(),
    }
}

fn is_around_select(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT | SyntaxKind::PAREN_EXPR
    )
}

/// The SELECT that gives a query's columns their names.
pub(super) fn first_select(query: &SyntaxNode) -> Option<SyntaxNode> {
    selects(query).into_iter().next()
}

pub(super) fn targets(select: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    let list = child(select, SyntaxKind::SELECT_CLAUSE).and_then(|it| child(&it, SyntaxKind::TARGET_LIST));
    let targets: Vec<SyntaxNode> = list.map(|it| it.children().collect()).unwrap_or_default();
    targets.into_iter().filter(|it| it.kind() == SyntaxKind::TARGET)
}

/// Whether the query is what `pg_dump` writes for a view that others need before it can be made: `NULL::t AS c, …`.
fn stands_for_a_view(select: &SyntaxNode) -> bool {
    let is_null = |it: &SyntaxNode| {
        let cast = it.first_child().filter(|it| it.kind() == SyntaxKind::CAST_EXPR);
        let value = cast.and_then(|it| it.first_child());
        value.is_some_and(|it| it.text().to_string().eq_ignore_ascii_case("null"))
    };
    child(select, SyntaxKind::FROM_CLAUSE).is_none() && targets(select).all(|it| is_null(&it))
}

pub(super) fn given_name(target: &SyntaxNode) -> Option<String> {
    let name = child(target, SyntaxKind::AS_NAME)?;
    name.first_child().map(|it| normalize_name_node(&it))
}

/// The name of the column that is all of an expression, or of a target.
pub(super) fn plain_column(node: &SyntaxNode) -> Option<SyntaxNode> {
    match node.kind() {
        SyntaxKind::NAME_REF => Some(node.clone()),
        SyntaxKind::PAREN_EXPR | SyntaxKind::TARGET => plain_column(&node.first_child()?),
        SyntaxKind::FIELD_EXPR => node.last_child().filter(|it| it.kind() == SyntaxKind::NAME_REF),
        _ => None,
    }
}

/// The relation whose rows a trigger or a rule calls `old` and `new`.
fn own_relation(node: &SyntaxNode) -> Option<QualifiedName> {
    let mut places = node.ancestors().filter_map(|it| match it.kind() {
        SyntaxKind::CREATE_TRIGGER => child(&it, SyntaxKind::ON_RELATION),
        SyntaxKind::CREATE_RULE => child(&it, SyntaxKind::RULE_ON),
        _ => None,
    });
    places.next().and_then(|it| paths(&it).next())
}
