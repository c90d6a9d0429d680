//! The definitions of all sources as one: what is about a merged table is united, what two sources say in the same words
//! is said once.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use archive::SchemaMember;
use catalog::{Object, ObjectKind, QualifiedName, quote_ident};
use rewrite::{About, TablePart, TableStatement, TableText};

use super::group::{Group, Groups, PartPlace, same, table_at};
use super::notices;
use super::one_table::OneTable;
use super::shape::{Found, Shape};
use super::source::Source;

/// The statements of one source, by member.
pub(crate) type Parsed<'a> = Vec<(SchemaMember, Vec<TableStatement<'a>>)>;

/// The definitions of one archive.
pub(crate) struct United {
    pub(crate) texts: Vec<(SchemaMember, String)>,
    /// What is about merged tables.
    pub(crate) objects: Vec<Object>,
    /// Sequences of merged tables that are made, each with the source and the name that it has there.
    pub(crate) sequences: BTreeSet<(usize, QualifiedName)>,
}

/// Columns of every unique key over plain columns that a part of the group has, the primary key left out.
pub(crate) fn unique_columns(group: &Group, sources: &[Source], texts: &[Parsed<'_>]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for part in &group.parts {
        let name = table_at(sources, *part).qualified_name();
        for statement in texts[part.source].iter().flat_map(|(_, it)| it) {
            let columns = match &statement.about {
                About::Part { table, part } if *table == name => match part {
                    TablePart::Key {
                        primary: false,
                        columns,
                        ..
                    } => columns,
                    TablePart::Index {
                        unique: true,
                        columns,
                        has_condition: false,
                        ..
                    } if !columns.is_empty() => columns,
                    _ => continue,
                },
                _ => continue,
            };
            if !found.iter().any(|it| same(it, columns)) {
                found.push(columns.clone());
            }
        }
    }
    found
}

/// The definition of a part, as its source has it.
pub(crate) fn definition_of(sources: &[Source], texts: &[Parsed<'_>], part: PartPlace) -> Option<TableText> {
    let wanted = table_at(sources, part).qualified_name();
    let statements = texts[part.source].iter().flat_map(|(_, it)| it);
    let tables = statements.filter_map(|it| match &it.about {
        About::Table(table) => Some(table.as_ref()),
        _ => None,
    });
    let moved = &sources[part.source].moved;
    let mut tables = tables.filter(|it| moved.get(&it.name).unwrap_or(&it.name) == &wanted);
    tables.next().cloned()
}

/// Which sequences serve columns of merged tables: by source and name, with the group, the part and the column.
fn owned_sequences(
    groups: &Groups,
    sources: &[Source],
) -> BTreeMap<(usize, QualifiedName), (usize, usize, String)> {
    let mut owned = BTreeMap::new();
    for (place, source) in sources.iter().enumerate() {
        for sequence in &source.catalog.sequences {
            let Some(column) = &sequence.owned_by else {
                continue;
            };
            let Some(group) = groups.by_target.get(&column.table) else {
                continue;
            };
            if let Some(part) = groups.all[*group].part_of(place) {
                let name = QualifiedName::new(&sequence.schema, &sequence.name);
                owned.insert((place, name), (*group, part, column.column.clone()));
            }
        }
    }
    owned
}

/// Unites the definitions of all sources.
pub(crate) fn unite(
    groups: &Groups,
    shapes: &[Shape],
    sources: &[Source],
    texts: &[Parsed<'_>],
    found: &mut Found,
) -> United {
    let mut tables: Vec<Option<OneTable<'_>>> = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        let is_new = !groups.all[number].keeps_definition();
        tables.push(is_new.then(|| OneTable::new(groups, number, shape, sources, texts)));
    }
    let mut uniter = Uniter {
        groups,
        sources,
        owned: owned_sequences(groups, sources),
        tables,
        said: HashSet::new(),
        made: BTreeMap::new(),
        sequences: BTreeSet::new(),
    };
    let mut members = Vec::new();
    for member in SchemaMember::ALL {
        let text = uniter.member(member, texts, found);
        if !text.is_empty() || texts.iter().flatten().any(|(it, _)| *it == member) {
            members.push((member, text));
        }
    }
    notices::tell(groups, sources, texts, found);
    United {
        texts: members,
        objects: uniter
            .tables
            .into_iter()
            .flatten()
            .flat_map(|it| it.objects)
            .collect(),
        sequences: uniter.sequences,
    }
}

struct Uniter<'a> {
    groups: &'a Groups,
    sources: &'a [Source],
    owned: BTreeMap<(usize, QualifiedName), (usize, usize, String)>,
    tables: Vec<Option<OneTable<'a>>>,
    /// What sources before this one have said.
    said: HashSet<String>,
    /// Objects with the source and the words that made them first.
    made: BTreeMap<String, (usize, String)>,
    sequences: BTreeSet<(usize, QualifiedName)>,
}

impl<'a> Uniter<'a> {
    fn member(&mut self, member: SchemaMember, texts: &[Parsed<'a>], found: &mut Found) -> String {
        let mut text = String::new();
        let of = |source: usize| -> &[TableStatement<'a>] {
            let own = texts[source].iter().find(|(it, _)| *it == member);
            own.map_or(&[], |(_, statements)| statements)
        };
        // Types and routines of all sources first: a merged table can have columns of each.
        let begins = |it: &TableStatement<'_>| {
            matches!(it.about, About::Table(_) | About::Sequence { .. }) || it.text.starts_with("CREATE VIEW")
        };
        let first: Vec<usize> = (0..texts.len())
            .map(|it| of(it).iter().position(begins).unwrap_or(of(it).len()))
            .collect();
        for is_first in [true, false] {
            for (source, begin) in first.iter().copied().enumerate() {
                let statements = of(source);
                let range = if is_first {
                    0..begin
                } else {
                    begin..statements.len()
                };
                let mut said = Vec::new();
                for statement in &statements[range] {
                    if let Some(words) = self.statement(source, statement, found) {
                        text.push_str(&words);
                        text.push_str("\n\n");
                        said.push(words);
                    }
                }
                self.said.extend(said);
            }
        }
        if member == SchemaMember::PostData {
            for table in self.tables.iter_mut().flatten() {
                text.extend(table.joining_index().map(|it| format!("{it}\n\n")));
            }
        }
        text
    }

    /// What becomes of one statement.
    fn statement(
        &mut self,
        source: usize,
        statement: &TableStatement<'a>,
        found: &mut Found,
    ) -> Option<String> {
        let name = |it: &QualifiedName| self.sources[source].moved.get(it).unwrap_or(it).clone();
        match &statement.about {
            About::Table(table) => match self.table(source, &name(&table.name)) {
                Some((group, _)) => self.tables[group].as_mut()?.definition(),
                None => self.other(source, statement, found),
            },
            About::Part { table, part } => match self.table(source, &name(table)) {
                Some((group, place)) => {
                    let words = self.tables[group].as_mut()?.part(place, statement, part, found)?;
                    Some(words)
                }
                None => self.other(source, statement, found),
            },
            About::Sequence {
                name: it,
                place,
                of_type,
            } => {
                let target = name(it);
                let Some((group, part, column)) = self.owned.get(&(source, target.clone())).cloned() else {
                    return self.other(source, statement, found);
                };
                let Some(table) = &self.tables[group] else {
                    return self.other(source, statement, found);
                };
                if !table.makes_values(part, &column) {
                    return None;
                }
                self.sequences.insert((source, target.clone()));
                let type_place = of_type.clone().filter(|_| table.is_wider(part, &column));
                Some(replaced(statement.text, place, &target.to_string(), type_place))
            }
            About::OfSequence(it) => match self.owned.get(&(source, it.clone())) {
                Some((group, part, column)) => match &self.tables[*group] {
                    Some(table) => table
                        .makes_values(*part, column)
                        .then(|| statement.text.to_owned()),
                    None => Some(statement.text.to_owned()),
                },
                None => self.other(source, statement, found),
            },
            About::OfIndex(it) => {
                let lost = self.tables.iter().flatten().any(|table| table.has_lost_index(it));
                (!lost).then(|| statement.text.to_owned())
            }
            About::Other => self.other(source, statement, found),
        }
    }

    /// The group and the part that a table of a source is, where it is made anew.
    fn table(&self, source: usize, name: &QualifiedName) -> Option<(usize, usize)> {
        let group = *self.groups.by_target.get(name)?;
        let part = self.groups.all[group].part_of(source)?;
        self.tables[group].is_some().then_some((group, part))
    }

    /// What is no merged table's: said once, where two sources say the same.
    fn other(&mut self, source: usize, statement: &TableStatement<'a>, found: &mut Found) -> Option<String> {
        let text = statement.text;
        if text.starts_with("SET ") || text.starts_with("SELECT pg_catalog.set_config") {
            return Some(text.to_owned());
        }
        if self.said.contains(text) {
            return None;
        }
        if self.is_taken(source, statement, found) {
            return None;
        }
        for table in self.tables.iter().flatten() {
            found.doubts.extend(table.is_mentioned(source, statement));
        }
        Some(text.to_owned())
    }

    /// Whether another source has made an object of this name in other words, which is told.
    fn is_taken(&mut self, source: usize, statement: &TableStatement<'a>, found: &mut Found) -> bool {
        const OVERLOADED: [&str; 4] = ["function ", "procedure ", "aggregate ", "operator "];
        let (text, label) = (statement.text, &statement.label);
        if !text.starts_with("CREATE ") || OVERLOADED.iter().any(|it| label.starts_with(it)) {
            return false;
        }
        let made = self.made.entry(label.clone());
        let (first, words) = made.or_insert_with(|| (source, text.to_owned()));
        if words == text || *first == source {
            return false;
        }
        let (own, other) = (&self.sources[source].name, &self.sources[*first].name);
        let sentence = format!("{label} of source `{own}` is another one than that of source `{other}`");
        if label.contains('.') {
            let refused = format!("{sentence}; give it another name under `rename` of its source");
            found.refused.push(refused);
        } else {
            found.doubts.push(format!("{sentence}, which stands"));
        }
        true
    }
}

/// The text with another name at `place`, and without what stands at `cut`, which is behind it.
pub(crate) fn replaced(
    text: &str,
    place: &std::ops::Range<usize>,
    name: &str,
    cut: Option<std::ops::Range<usize>>,
) -> String {
    let mut new = text.to_owned();
    if let Some(cut) = cut {
        new.replace_range(cut, "");
    }
    new.replace_range(place.clone(), name);
    new
}

/// An object of a merged table.
pub(crate) fn object(kind: ObjectKind, table: &QualifiedName, name: &str, indexed: bool) -> Object {
    Object {
        kind,
        schema: table.schema.clone(),
        name: name.to_owned(),
        table: Some(table.name.clone()),
        indexed,
    }
}

/// `a, b` with quotes where they are needed.
pub(crate) fn column_list(columns: &[String]) -> String {
    let columns = columns.iter().map(|it| quote_ident(it));
    columns.collect::<Vec<_>>().join(", ")
}
