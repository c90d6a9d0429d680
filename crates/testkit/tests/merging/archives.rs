//! Merged archives made by hand: the definitions of a model database, and the rows of dumps.

use std::fs::File;

use archive::{Header, MergedSource, Reader, SchemaMember, TableForm, TarSink, TarStore, Writer, decompress};
use catalog::{Followed, Merged, Part, PartValue, QualifiedName, Table, TableKind};
use conversion::{ColumnConversion, ConversionKind, IntegerType, Namespace, TableConversion};
use fingerprint::scan_chunk;
use plan::Mapping;
use testkit::Desk;

/// A table of the model, which the tables of the sources with the same name become.
pub(crate) struct Wish<'a> {
    pub(crate) table: &'a str,
    pub(crate) dedupe: &'a [&'a str],
    /// Column, table that it refers to, and that one's column.
    pub(crate) follows: &'a [(&'a str, &'a str, &'a str)],
    /// Columns with keys, each with the table whose keys they are; they become others in the way that is asked for.
    pub(crate) keys: &'a [(&'a str, &'a str)],
}

/// How keys are kept apart.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keys {
    /// This much is added for each source behind the first.
    Offset(i64),
    Uuid,
    AsIs,
}

type Archive = Reader<TarStore<File>>;

fn open(desk: &Desk, name: &str) -> (Archive, Vec<(SchemaMember, String)>) {
    let file = File::open(desk.path(name)).unwrap();
    let mut reader = Reader::new(TarStore::new(file)).unwrap();
    let schema = reader.schema().unwrap();
    (reader, schema)
}

/// Folds the dumps of `sources`, each of the name and the file, into one archive with the definitions of `model`.
pub(crate) fn merge(
    desk: &Desk,
    model: &str,
    sources: &[(&str, &str)],
    keys: Keys,
    wishes: &[Wish<'_>],
    output: &str,
) {
    let (mut definitions, schema) = open(desk, model);
    let mut header = definitions.header().clone();
    let opened: Vec<(&str, Archive)> = sources
        .iter()
        .map(|(name, file)| (*name, open(desk, file).0))
        .collect();
    let number_of = |table: &str| {
        let found = header.catalog.tables.iter().find(|it| it.name == table);
        found.unwrap().number
    };
    let mut merged: Vec<Merged> = wishes.iter().map(|it| merged_of(it, &number_of)).collect();
    let numbers: Vec<u32> = wishes.iter().map(|it| number_of(it.table)).collect();
    let mut places = Vec::new();
    for (place, (source, archive)) in opened.iter().enumerate() {
        let mut listed = Vec::new();
        for table in &archive.header().catalog.tables {
            let wish = wishes.iter().position(|it| it.table == table.name).unwrap();
            let number = u32::try_from(header.catalog.tables.len()).unwrap();
            let into = header.catalog.tables[numbers[wish] as usize].clone();
            let values = values_of(&into, table, (*source, place), keys, &wishes[wish]);
            let (source, into) = ((*source).to_owned(), numbers[wish]);
            if keys == Keys::Uuid {
                let conversion = conversion_of(table, number, &source, wishes[wish].keys);
                header.conversions.push(conversion);
            }
            header.catalog.tables.push(Table {
                number,
                kind: TableKind::Part,
                part: Some(Part { source, into, values }),
                ..table.clone()
            });
            merged[wish].parts.push(number);
            listed.push(number);
            places.push((place, table.number, number));
        }
        header.merged_from.push(MergedSource {
            name: (*source).to_owned(),
            run: archive.header().run.clone(),
            identity: archive.header().source.clone(),
            mapping: Mapping::default(),
            tables: listed,
        });
    }
    for (number, merged) in numbers.iter().zip(merged) {
        let table = &mut header.catalog.tables[*number as usize];
        (table.kind, table.merged) = (TableKind::Merged, Some(merged));
    }
    header.forms.retain(|it| !numbers.contains(&it.table));
    for (place, from, number) in &places {
        let form = opened[*place].1.header().form(*from).unwrap();
        header.forms.push(TableForm { table: *number, form });
    }
    header.requires = Header::features(&header.catalog);
    if keys == Keys::Uuid {
        header.requires.push("conversions".to_owned());
    }
    let mut writer = Writer::new(TarSink::new(File::create(desk.path(output)).unwrap()), &header).unwrap();
    for (member, sql) in schema {
        writer.schema(member, &sql).unwrap();
    }
    copy(&mut writer, &mut definitions, |number| {
        (!numbers.contains(&number)).then_some(number)
    });
    for (place, (_, mut archive)) in opened.into_iter().enumerate() {
        copy(&mut writer, &mut archive, |number| {
            let found = places.iter().find(|it| (it.0, it.1) == (place, number));
            found.map(|it| it.2)
        });
    }
    writer.finish().unwrap();
}

fn merged_of(wish: &Wish<'_>, number_of: &dyn Fn(&str) -> u32) -> Merged {
    let follows = wish.follows.iter().map(|(column, parent, key)| Followed {
        columns: vec![(*column).to_owned()],
        parent: number_of(parent),
        parent_columns: vec![(*key).to_owned()],
    });
    Merged {
        parts: Vec::new(),
        source_column: Some("source".to_owned()),
        dedupe: wish.dedupe.iter().map(|it| (*it).to_owned()).collect(),
        follows: follows.collect(),
    }
}

fn values_of(
    into: &Table,
    table: &Table,
    (source, place): (&str, usize),
    keys: Keys,
    wish: &Wish<'_>,
) -> Vec<PartValue> {
    let value = |column: &str| {
        let has = table.columns.iter().any(|it| it.name == column);
        let key = wish.keys.iter().find(|it| it.0 == column);
        let (sql, back) = match (key, keys) {
            _ if !has && column == "source" => (format!("'{source}'"), None),
            _ if !has => ("NULL".to_owned(), None),
            (Some(_), Keys::Offset(step)) => {
                let offset = step * i64::try_from(place).unwrap();
                let back = format!("(t.{column} - {offset})::integer");
                (format!("s.{column}::bigint + {offset}"), Some(back))
            }
            (Some((_, of)), Keys::Uuid) => (namespace(source, of).sql(&format!("s.{column}")), None),
            (Some(_), Keys::AsIs) => (format!("s.{column}"), Some(format!("t.{column}::integer"))),
            (None, _) => (format!("s.{column}"), Some(format!("t.{column}"))),
        };
        PartValue {
            column: column.to_owned(),
            sql,
            from: has.then(|| column.to_owned()),
            back,
        }
    };
    into.stored_columns().map(|it| value(&it.name)).collect()
}

fn namespace(source: &str, table: &str) -> Namespace {
    Namespace::of(source, &QualifiedName::new("public", table))
}

fn conversion_of(table: &Table, number: u32, source: &str, keys: &[(&str, &str)]) -> TableConversion {
    let columns = keys.iter().map(|(column, of)| ColumnConversion {
        column: (*column).to_owned(),
        kind: ConversionKind::UuidKey,
        from: IntegerType::Integer,
        key_of: QualifiedName::new("public", *of),
        namespace: namespace(source, of),
        kept_as: None,
    });
    let place = |name: &str| table.columns.iter().position(|it| it.name == name);
    let mut columns: Vec<ColumnConversion> = columns.collect();
    columns.sort_by_key(|it| place(&it.column));
    TableConversion {
        table: number,
        columns,
    }
}

/// Copies the chunks of tables that get a number.
fn copy(writer: &mut Writer<TarSink<File>>, archive: &mut Archive, number_of: impl Fn(u32) -> Option<u32>) {
    while let Some((rows, _)) = archive.next_chunk().unwrap() {
        let stored = archive.chunk_bytes().unwrap();
        let Some(number) = number_of(rows.table) else {
            continue;
        };
        let table = &archive.header().catalog.tables[rows.table as usize];
        let names: Vec<&str> = table.stored_columns().map(|it| it.name.as_str()).collect();
        let bytes = decompress(rows.codec, stored.clone(), rows.raw).unwrap();
        let fingerprint = scan_chunk(rows.form, names, &bytes).unwrap();
        writer
            .chunk(number, rows.codec, rows.raw, &stored, &fingerprint)
            .unwrap();
    }
}
