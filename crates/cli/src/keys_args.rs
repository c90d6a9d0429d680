//! Keys in common, with the same options in every tool that must know of them.

use catalog::{Catalog, ForeignKey};
use conversion::{Choice, Unfit};
use plan::Keys;

use crate::{Failure, MappingArgs, Result};

/// Which integer keys become UUIDs.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Keys in common")]
pub struct KeysArgs {
    /// Make integer primary keys UUIDs, and every foreign key column that refers to them: those of all tables, or of
    /// TABLE alone (repeatable)
    ///
    /// A key is a primary key of one column of type smallint, integer or bigint. TABLE is `[SCHEMA.]TABLE` by its names
    /// in the source; `*` and `?` stand for any characters and for one, a name with a dot stands in double quotes. The
    /// UUID (version 8) is made from the source's name, the table's name in the source and the old key by SHA-256: every
    /// dump of the same source gives the same keys, another source others. Keys that the source's database made by
    /// itself are made by `gen_random_uuid()` from then on.
    #[arg(
        long = "uuid-keys",
        value_name = "TABLE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*",
        conflicts_with = "plan"
    )]
    pub uuid_keys: Vec<String>,
    /// Keep each old key in a column of its own with a unique index, named as the key with SUFFIX behind it [default
    /// SUFFIX: _old]
    #[arg(
        long,
        value_name = "SUFFIX",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "_old",
        requires = "uuid_keys"
    )]
    pub keep_old_keys: Option<String>,
    /// The source's name in the keys [default: the database's name, or the file's without its folder]
    ///
    /// Give it when two sources have the same name, or when one source is called now this, now that.
    #[arg(long, value_name = "NAME", requires = "uuid_keys")]
    pub key_source: Option<String>,
}

impl KeysArgs {
    /// What the options or the plan's source ask for; `None` when keys stay what they are.
    pub fn keys(&self, mapping: &MappingArgs) -> Result<Option<Keys>> {
        if let Some(planned) = mapping.planned()? {
            let name = planned.name;
            return Ok(planned.keys.map(|keys| Keys {
                source: keys.source.or(Some(name)),
                ..keys
            }));
        }
        Ok((!self.uuid_keys.is_empty()).then(|| Keys {
            uuid: self.uuid_keys.clone(),
            keep_old: self.keep_old_keys.clone(),
            source: self.key_source.clone(),
            note: None,
        }))
    }
}

/// What `keys` choose in a source that is called `source`; a usage error that names everything in the way.
pub fn choose_keys(
    catalog: &Catalog,
    foreign_keys: &[ForeignKey],
    keys: &Keys,
    source: &str,
) -> Result<Choice> {
    conversion::choose(catalog, foreign_keys, keys, source).map_err(|unfit| match &unfit {
        Unfit::Obstacles(obstacles) => {
            let failure = Failure::usage(unfit.to_string());
            let failure = obstacles
                .iter()
                .fold(failure, |failure, it| failure.with_state(it.to_string()));
            failure.with_hint("name the tables whose keys can: `--uuid-keys=TABLE`")
        }
        _ => Failure::usage(unfit),
    })
}
