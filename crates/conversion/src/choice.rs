//! Which columns are converted: the keys that were asked for, and every column that follows one of them.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Catalog, Column, ForeignKey, IDENTIFIER_BYTES_MAX, QualifiedName, Table, TableKind};
use plan::{Keys, TablePattern};

use crate::follow::{Follows, Node, parents};
use crate::{
    ColumnConversion, ConversionKind, IntegerType, KeptColumn, Namespace, Obstacle, TableConversion, Unfit,
};

/// What is converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// In the order of the tables' numbers.
    pub tables: Vec<TableConversion>,
    /// Keys that a wide pattern means and that stay as they are, as sentences.
    pub left: Vec<String>,
}

/// Chooses by `keys` what is converted in a source that is called `source`. The tables must have their names in the
/// source; `foreign_keys` are all that its definitions make.
pub fn choose(
    catalog: &Catalog,
    foreign_keys: &[ForeignKey],
    keys: &Keys,
    source: &str,
) -> Result<Choice, Unfit> {
    let mut choosing = Choosing {
        catalog,
        follows: Follows::new(catalog, foreign_keys.iter().chain(&catalog.left_out_keys)),
        obstacles: BTreeSet::new(),
        left: Vec::new(),
    };
    let wanted = choosing.wanted(keys)?;
    let roots = choosing.roots(&wanted);
    if roots.is_empty() && choosing.obstacles.is_empty() {
        choosing.obstacles.insert(Obstacle::NoKey(keys.uuid.join(", ")));
    }
    let kept = choosing.kept(&roots, keys.keep_old.as_deref());
    choosing.check(&roots);
    if !choosing.obstacles.is_empty() {
        return Err(Unfit::Obstacles(choosing.obstacles.into_iter().collect()));
    }
    let source = keys.source.as_deref().unwrap_or(source);
    let mut tables: BTreeMap<u32, Vec<ColumnConversion>> = BTreeMap::new();
    for (&(table, column), root) in &roots {
        let (table, key_of) = (&catalog.tables[table], catalog.tables[root.0].qualified_name());
        let it = &table.columns[column];
        let Some(from) = IntegerType::of(it) else { continue };
        tables.entry(table.number).or_default().push(ColumnConversion {
            column: it.name.clone(),
            kind: ConversionKind::UuidKey,
            from,
            namespace: Namespace::of(source, &catalog.tables[root.0].first_name()),
            key_of,
            kept_as: kept.get(&(table.number, it.name.as_str())).cloned(),
        });
    }
    let tables = tables
        .into_iter()
        .map(|(table, columns)| TableConversion { table, columns });
    Ok(Choice {
        tables: tables.collect(),
        left: choosing.left,
    })
}

struct Choosing<'a> {
    catalog: &'a Catalog,
    follows: Follows,
    obstacles: BTreeSet<Obstacle>,
    left: Vec<String>,
}

impl<'a> Choosing<'a> {
    /// The keys that the patterns mean, each with whether it was named by itself.
    fn wanted(&mut self, keys: &Keys) -> Result<BTreeMap<Node, bool>, Unfit> {
        let mut wanted = BTreeMap::new();
        for text in &keys.uuid {
            let pattern = TablePattern::parse(text).map_err(Unfit::Pattern)?;
            let meant = self
                .catalog
                .tables
                .iter()
                .enumerate()
                .filter(|(_, it)| it.is_own());
            let mut meant = meant
                .filter(|(_, it)| pattern.matches(&it.qualified_name()) || pattern.matches(&it.first_name()))
                .peekable();
            if meant.peek().is_none() && !pattern.is_wide() {
                self.obstacles.insert(Obstacle::NoTable(text.clone()));
            }
            for (place, table) in meant {
                match key_of(table) {
                    Some(column) => *wanted.entry((place, column)).or_insert(false) |= !pattern.is_wide(),
                    None if pattern.is_wide() => {}
                    None => {
                        let name = table.qualified_name().to_string();
                        self.obstacles.insert(Obstacle::NoIntegerKey(name));
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Every column that is converted, with the key whose values it holds.
    fn roots(&mut self, wanted: &BTreeMap<Node, bool>) -> BTreeMap<Node, Node> {
        let nodes: BTreeSet<Node> = self.follows.nodes().chain(wanted.keys().copied()).collect();
        let mut roots = BTreeMap::new();
        for node in nodes {
            let ends = self.follows.ends(node);
            let key = |end: &BTreeSet<Node>| {
                let is_wanted = end.iter().any(|it| wanted.contains_key(it));
                let keys = end.iter().filter(|it| self.is_key(**it));
                // The same for every choice of tables, and in every dump.
                let first = keys.min_by_key(|it| (self.table(**it).qualified_name(), it.1));
                first.filter(|_| is_wanted).copied()
            };
            let found: Vec<Option<Node>> = ends.iter().map(key).collect();
            match found.as_slice() {
                [Some(root)] => {
                    roots.insert(node, *root);
                }
                _ if found.iter().any(Option::is_some) => {
                    let mut others = ends.iter().filter_map(|it| it.first()).map(|it| self.name(*it));
                    self.obstacles.insert(Obstacle::TwoKeys {
                        column: self.name(node),
                        first: others.next().unwrap_or_default(),
                        second: others.next().unwrap_or_default(),
                    });
                }
                _ => self.leave(node, &ends, wanted),
            }
        }
        roots
    }

    /// A key that was asked for and follows something that was not.
    fn leave(&mut self, node: Node, ends: &[BTreeSet<Node>], wanted: &BTreeMap<Node, bool>) {
        let Some(by_itself) = wanted.get(&node) else {
            return;
        };
        let other = ends.first().and_then(|it| it.first()).map(|it| self.name(*it));
        let (column, other) = (self.name(node), other.unwrap_or_default());
        if *by_itself {
            self.obstacles.insert(Obstacle::FollowsInteger { column, other });
        } else {
            self.left.push(format!(
                "{column} stays an integer: it holds values of {other}, which does"
            ));
        }
    }

    /// Looks at every column that is to be converted.
    fn check(&mut self, roots: &BTreeMap<Node, Node>) {
        for (&node, &root) in roots {
            let (table, column) = (self.table(node), self.column(node));
            let name = table.qualified_name().to_string();
            let found = if table.kind == TableKind::Foreign {
                Some(Obstacle::ForeignTable(name))
            } else if column.generated.is_some() {
                Some(Obstacle::Generated(self.name(node)))
            } else if IntegerType::of(column).is_none() {
                Some(Obstacle::NotAnInteger {
                    column: self.name(node),
                    type_name: type_name(column),
                    key: self.name(root),
                })
            } else if table.stores_names() {
                Some(Obstacle::HoldsNames(name))
            } else {
                self.follows.outside(node).map(|parent| Obstacle::Outside {
                    column: self.name(node),
                    parent: parent.to_string(),
                })
            };
            self.obstacles.extend(found);
        }
    }

    /// The columns that keep old values, by table and column: of keys, and of what inherits them.
    fn kept(
        &mut self,
        roots: &BTreeMap<Node, Node>,
        suffix: Option<&str>,
    ) -> BTreeMap<(u32, &'a str), KeptColumn> {
        let Some(suffix) = suffix else {
            return BTreeMap::new();
        };
        let tables = &self.catalog.tables;
        let mut nodes: BTreeSet<Node> = roots
            .iter()
            .filter(|(node, root)| node == root)
            .map(|(node, _)| *node)
            .collect();
        loop {
            let keeps = |(table, column): &Node| {
                let name = &tables[*table].columns[*column].name;
                parents(&tables[*table]).any(|parent| {
                    nodes.iter().any(|it| {
                        tables[it.0].qualified_name() == *parent && tables[it.0].columns[it.1].name == *name
                    })
                })
            };
            let heirs: Vec<Node> = roots
                .keys()
                .filter(|it| !nodes.contains(it) && keeps(it))
                .copied()
                .collect();
            if heirs.is_empty() {
                break;
            }
            nodes.extend(heirs);
        }
        let mut kept = BTreeMap::new();
        for (place, column) in nodes {
            let table = &tables[place];
            let name = format!("{}{suffix}", table.columns[column].name);
            let is_taken = table
                .columns
                .iter()
                .any(|it| it.name == name || it.target_name() == name);
            if suffix.is_empty() || is_taken || name.len() > IDENTIFIER_BYTES_MAX {
                self.obstacles.insert(Obstacle::KeptName {
                    table: table.qualified_name().to_string(),
                    name: name.clone(),
                });
            }
            let of = (table.number, table.columns[column].name.as_str());
            kept.insert(of, KeptColumn { name, new_name: None });
        }
        kept
    }

    fn table(&self, node: Node) -> &'a Table {
        &self.catalog.tables[node.0]
    }

    fn column(&self, node: Node) -> &'a Column {
        &self.table(node).columns[node.1]
    }

    fn name(&self, node: Node) -> String {
        let column = catalog::quote_ident(&self.column(node).name);
        format!("{}.{column}", self.table(node).qualified_name())
    }

    fn is_key(&self, node: Node) -> bool {
        key_of(self.table(node)) == Some(node.1)
    }
}

/// The place of the column that is the table's primary key by itself, if it is an integer.
fn key_of(table: &Table) -> Option<usize> {
    let [name] = table.primary_key.as_slice() else {
        return None;
    };
    let place = table.columns.iter().position(|it| it.name == *name)?;
    IntegerType::of(&table.columns[place]).map(|_| place)
}

fn type_name(column: &Column) -> String {
    let it = &column.column_type;
    if it.schema == catalog::ColumnType::BUILT_IN_SCHEMA {
        it.text.clone()
    } else {
        format!("{}{}", QualifiedName::new(&it.schema, &it.name), it.text)
    }
}

#[cfg(test)]
mod tests;
