//! Integer keys that become UUIDs: what is converted, and the definitions that go with it. Rows pass as they are.

use archive::{Content, Header, SchemaMember};
use cli::{Failure, count};
use conversion::{TableConversion, redefine, settle};
use plan::Keys;
use rewrite::{ConvertedKeys, Doubt, foreign_keys};

use crate::report::Account;

/// Asks for the conversion in the header, which keeps its names, and changes the definitions.
pub(crate) fn convert(
    source: &mut Header,
    texts: Vec<(SchemaMember, String)>,
    keys: &Keys,
    wants_edits: bool,
    account: &mut Account,
) -> cli::Result<Vec<(SchemaMember, String)>> {
    refuse_what_is_not_the_source(source)?;
    let all = texts.iter().flat_map(|(_, sql)| foreign_keys(sql));
    let choice = cli::choose_keys(
        &source.catalog,
        &all.collect::<Vec<_>>(),
        keys,
        &source.source.database,
    )?;
    let mut rewriter = ConvertedKeys::new(&source.catalog, &choice.tables);
    let indexes = rewriter.kept_indexes(&choice.tables);
    rewriter.learn(texts.iter().map(|(_, sql)| sql.as_str()));
    let mut changed = Vec::with_capacity(texts.len());
    for (member, sql) in texts {
        let mut rewritten = rewriter.rewrite(&sql);
        if !wants_edits {
            rewritten.edits.clear();
        }
        let mut text = account.take(Some(member.name()), rewritten);
        if member == SchemaMember::PostData {
            text.push_str(&indexes);
        }
        changed.push((member, text));
    }
    refuse(&rewriter.obstacles())?;
    tell(source, &choice.tables, keys, account);
    account.left_keys = choice.left;
    let mut definitions = std::mem::take(&mut source.catalog.definitions);
    redefine(&mut definitions, &source.catalog, &choice.tables);
    source.catalog.definitions = definitions;
    settle(&mut source.catalog, &choice.tables);
    source.convert(choice.tables);
    Ok(changed)
}

/// Keys are made from the source's own names, once.
fn refuse_what_is_not_the_source(source: &Header) -> cli::Result<()> {
    let (message, hint) = if !source.conversions.is_empty() {
        ("the archive's keys become UUIDs already", "leave --uuid-keys out")
    } else if !source.mappings.is_empty() {
        (
            "the archive has new names already, and keys are made from the source's own",
            "give --uuid-keys to the first `remap-schema`",
        )
    } else if source.content == Content::DataOnly {
        (
            "the archive has no definitions, so that nobody knows what refers to a key",
            "dump it without --data-only",
        )
    } else {
        return Ok(());
    };
    Err(Failure::usage(message).with_hint(hint))
}

fn refuse(obstacles: &[Doubt]) -> cli::Result<()> {
    if obstacles.is_empty() {
        return Ok(());
    }
    let failure = Failure::usage("integer keys cannot become UUIDs as asked");
    let failure = obstacles.iter().fold(failure, |failure, it| {
        failure.with_state(format!("{}: {}", it.object, it.reason))
    });
    Err(failure.with_hint("change the source, or name the tables whose keys can: `--uuid-keys=TABLE`"))
}

fn tell(source: &Header, conversions: &[TableConversion], keys: &Keys, account: &mut Account) {
    let tables = &source.catalog.tables;
    let mut number = 0;
    for conversion in conversions {
        let Some(table) = tables.iter().find(|it| it.number == conversion.table) else {
            continue;
        };
        for column in &conversion.columns {
            let is_key =
                column.key_of == table.qualified_name() && table.primary_key == [column.column.clone()];
            number += u64::from(is_key);
            let name = format!(
                "{}.{}",
                table.qualified_name(),
                catalog::quote_ident(&column.column)
            );
            account.converted.push((name, column.key_of.to_string()));
        }
    }
    account.converted_keys = format!(
        "{} keys and {} columns that refer to them become UUIDs of source `{}`",
        count(number),
        count(account.converted.len() as u64 - number),
        keys.source.as_deref().unwrap_or(&source.source.database)
    );
}
