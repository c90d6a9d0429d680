//! The options for what a SQLite file's keys and names become.

use clap::ValueEnum;
use database::sqlite::{Choices, FullText, NameStyle, Nocase, Orphans, Rename};

use crate::{Failure, MappingArgs, Result};

const HEADING: &str = "SQLite";

/// What becomes of keys, and of what has no counterpart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct SqliteKeyArgs {
    /// What becomes of rows whose foreign key leads to no row [default: stop]
    ///
    /// What is left out or becomes NULL is told for each foreign key, and stands in the archive.
    #[arg(long, value_enum, value_name = "WHAT", help_heading = HEADING)]
    orphans: Option<OrphansArg>,
    /// What becomes of COLLATE NOCASE [default: ignore]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = HEADING)]
    nocase: Option<NocaseArg>,
    /// What becomes of full-text tables (FTS3 to FTS5) [default: leave-out]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = HEADING)]
    full_text: Option<FullTextArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OrphansArg {
    /// Nothing is moved, and the rows are named
    Stop,
    /// They stay, and the foreign key becomes NOT VALID
    Keep,
    /// They are left out, with the rows that refer to them
    Delete,
    /// Their foreign key becomes NULL
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NocaseArg {
    /// Text is compared as the database does, by case too
    Ignore,
    /// The type `citext`, of the extension of that name
    Citext,
    /// A nondeterministic collation of ICU, made beside the tables
    Icu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FullTextArg {
    /// They are left out
    LeaveOut,
    /// Plain tables with a generated column of type `tsvector` and a GIN index
    Tsvector,
}

/// New names for what is in a file. Where names of a PostgreSQL source can be given too, [`MappingArgs`] has the same
/// options.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SqliteNameArgs {
    /// Call a table, a view, an index or a column NEW, as `TABLE=NEW` or `TABLE.COLUMN=NEW`; goes before --snake-case
    /// [repeatable]
    ///
    /// Names are those of the file. A name with a dot, an equals sign or a double quote in it stands in double quotes.
    #[arg(long, value_name = "OLD=NEW", help_heading = HEADING)]
    rename: Vec<String>,
    /// Standardise all names: `OrderItems` becomes `order_items`
    #[arg(long, help_heading = HEADING)]
    snake_case: bool,
}

impl SqliteKeyArgs {
    /// Which of the options say something.
    pub(crate) fn given(self) -> [(bool, &'static str); 3] {
        [
            (self.orphans.is_some(), "--orphans"),
            (self.nocase.is_some(), "--nocase"),
            (self.full_text.is_some(), "--full-text"),
        ]
    }

    /// Enters what was said; the rest stays as it is.
    pub(crate) fn apply(self, choices: &mut Choices) {
        if let Some(word) = self.orphans {
            choices.orphans = match word {
                OrphansArg::Stop => Orphans::Stop,
                OrphansArg::Keep => Orphans::Keep,
                OrphansArg::Delete => Orphans::Delete,
                OrphansArg::Null => Orphans::Null,
            };
        }
        if let Some(word) = self.nocase {
            choices.nocase = match word {
                NocaseArg::Ignore => Nocase::Ignore,
                NocaseArg::Citext => Nocase::Citext,
                NocaseArg::Icu => Nocase::Icu,
            };
        }
        if let Some(word) = self.full_text {
            choices.full_text = match word {
                FullTextArg::LeaveOut => FullText::LeaveOut,
                FullTextArg::Tsvector => FullText::TsVector,
            };
        }
    }
}

impl SqliteNameArgs {
    /// Enters the names into `choices`, before those that a plan has entered.
    pub fn apply(&self, choices: &mut Choices) -> Result<()> {
        enter(self.snake_case, self.rename.iter(), choices)
    }

    /// Whether the options name tables, which only one file can have.
    pub fn name_tables(&self) -> bool {
        !self.rename.is_empty()
    }

    /// Refuses options that say nothing about `source`, which is no SQLite file.
    pub fn refuse_for(&self, source: &str) -> Result<()> {
        if !self.snake_case && self.rename.is_empty() {
            return Ok(());
        }
        let message =
            format!("--rename and --snake-case give names of a SQLite file new ones, and {source} is none");
        Err(Failure::usage(message).with_hint("remap-schema has the same options for an archive"))
    }
}

impl MappingArgs {
    /// The same options for a SQLite file: its names, and what the mapping does with those afterwards. A rename of
    /// something in schema `public`, where a file's tables come to stand, is the mapping's.
    pub fn split_for_sqlite(&self, choices: &mut Choices) -> Result<MappingArgs> {
        let is_mapped = |it: &&String| it.starts_with("public.") || it.starts_with("\"public\".");
        let (mapped, own): (Vec<&String>, Vec<&String>) = self.rename.iter().partition(is_mapped);
        enter(self.snake_case, own.into_iter(), choices)?;
        Ok(MappingArgs {
            rename: mapped.into_iter().cloned().collect(),
            ..self.clone()
        })
    }
}

fn enter<'a>(
    snake_case: bool,
    renames: impl Iterator<Item = &'a String>,
    choices: &mut Choices,
) -> Result<()> {
    if snake_case {
        choices.names = NameStyle::SnakeCase;
    }
    let mut said = Vec::new();
    for pair in renames {
        let wrong = || {
            Failure::usage(format!("`{pair}` gives nothing in a SQLite file a new name"))
                .with_hint("write TABLE=NEW or TABLE.COLUMN=NEW; a name with a dot stands in double quotes")
        };
        said.push(parse(pair).ok_or_else(wrong)?);
    }
    // A plan's name for the same thing gives way.
    let is_free = |it: &Rename| !said.iter().any(|one| is_same_object(one, it));
    choices.renames.retain(is_free);
    choices.renames.splice(..0, said);
    Ok(())
}

fn is_same_object(one: &Rename, other: &Rename) -> bool {
    let columns = match (&one.column, &other.column) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, None) => true,
        _ => false,
    };
    columns && one.table.eq_ignore_ascii_case(&other.table)
}

/// Reads `TABLE=NEW` or `TABLE.COLUMN=NEW`.
fn parse(pair: &str) -> Option<Rename> {
    let (table, rest) = plan::name_part(pair)?;
    let (column, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (column, rest) = plan::name_part(rest)?;
            (Some(column), rest)
        }
        None => (None, rest),
    };
    let new_name = match rest.strip_prefix('=')? {
        quoted if quoted.starts_with('"') => {
            let (name, rest) = plan::name_part(quoted)?;
            rest.is_empty().then_some(name)?
        }
        // `b.t` would be meant as a move into a schema.
        bare if bare.contains('.') => return None,
        bare => bare.to_owned(),
    };
    (!new_name.is_empty()).then_some(Rename {
        table,
        column,
        new_name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_read_as_sql_quotes_names() {
        let check = |pair: &str, expected: Option<(&str, Option<&str>, &str)>| {
            let found = parse(pair);
            let found = found
                .as_ref()
                .map(|it| (it.table.as_str(), it.column.as_deref(), it.new_name.as_str()));
            assert_eq!(found, expected, "{pair}");
        };
        check("Order Items=items", Some(("Order Items", None, "items")));
        check("\"a.b\".\"c=\"=\"d.e\"", Some(("a.b", Some("c="), "d.e")));
        check("t.\"\"=x", Some(("t", Some(""), "x")));
        for wrong in ["t", "t=", "t=a.b", "t.a.b=c", "\"t=x", "t=\"x"] {
            check(wrong, None);
        }
    }

    #[test]
    fn renames_in_public_are_those_of_the_mapping() {
        let args = MappingArgs {
            rename: vec!["public.t=u".to_owned(), "t.a=b".to_owned(), "x=y".to_owned()],
            ..MappingArgs::default()
        };
        let mut choices = Choices::default();
        let mapping = args.split_for_sqlite(&mut choices).unwrap();
        assert_eq!(mapping.rename, ["public.t=u"]);
        assert_eq!(choices.renames.len(), 2);
    }
}
