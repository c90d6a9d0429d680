//! Which columns follow which keys, and what stands in the way.

use catalog::{ColumnType, GeneratedKind, NameKind, StoredNames};

use super::*;

fn column(name: &str, text: &str) -> Column {
    Column {
        name: name.to_owned(),
        new_name: None,
        column_type: ColumnType {
            schema: "pg_catalog".to_owned(),
            name: text.to_owned(),
            text: text.to_owned(),
            base: None,
        },
        not_null: false,
        identity: None,
        generated: None,
        binary_safe: true,
        names: None,
    }
}

/// `table key column:type …`: the key is a column, several with `+` between them, or `-`.
fn catalog(tables: &[&str]) -> Catalog {
    let table = |(number, text): (u32, &&str)| {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let key = words.next().unwrap_or_default();
        let columns = words.map(|it| it.split_once(':').unwrap_or((it, "integer")));
        Table {
            number,
            schema: "s".to_owned(),
            name: name.to_owned(),
            kind: TableKind::Ordinary,
            unlogged: false,
            columns: columns.map(|(name, text)| column(name, text)).collect(),
            primary_key: key
                .split('+')
                .filter(|it| *it != "-")
                .map(str::to_owned)
                .collect(),
            partition_of: None,
            partition_key: None,
            through_root: None,
            inherits: Vec::new(),
            rows_estimate: None,
            bytes: 0,
            index_bytes: None,
            origin: None,
            extension: None,
            condition: None,
            merged: None,
            part: None,
            changes: None,
        }
    };
    Catalog {
        tables: (0..).zip(tables).map(table).collect(),
        ..Catalog::default()
    }
}

/// `a.x,a.y>b.x,b.y`
fn keys(keys: &[&str]) -> Vec<ForeignKey> {
    let side = |text: &str| {
        let parts: Vec<(&str, &str)> = text.split(',').filter_map(|it| it.split_once('.')).collect();
        let table = QualifiedName::new("s", parts[0].0);
        (table, parts.iter().map(|it| it.1.to_owned()).collect())
    };
    let key = |text: &&str| {
        let (from, to) = text.split_once('>').unwrap_or_default();
        let ((table, columns), (parent, parent_columns)) = (side(from), side(to));
        ForeignKey {
            table,
            columns,
            parent,
            parent_columns,
        }
    };
    keys.iter().map(key).collect()
}

/// `table.column>key's table` of everything that is converted, or what stands in the way.
fn chosen(catalog: &Catalog, foreign_keys: &[&str], patterns: &[&str]) -> Result<Vec<String>, Vec<String>> {
    let wish = Keys {
        uuid: patterns.iter().map(ToString::to_string).collect(),
        keep_old: Some("_old".to_owned()),
        source: None,
        note: None,
    };
    match choose(catalog, &keys(foreign_keys), &wish, "source") {
        Ok(choice) => {
            let column = |(number, it): (u32, &ColumnConversion)| {
                let kept = if it.kept_as.is_some() { "!" } else { "" };
                let table = &catalog.tables[usize::try_from(number).unwrap_or_default()].name;
                format!("{table}.{}>{}{kept}", it.column, it.key_of.name)
            };
            let all = choice.tables.iter();
            Ok(all
                .flat_map(|it| it.columns.iter().map(move |column| (it.table, column)))
                .map(column)
                .collect())
        }
        Err(Unfit::Obstacles(obstacles)) => Err(obstacles.iter().map(ToString::to_string).collect()),
        Err(Unfit::Pattern(error)) => Err(vec![error.to_string()]),
    }
}

#[track_caller]
fn check(tables: &[&str], foreign_keys: &[&str], patterns: &[&str], expected: &str) {
    let found = chosen(&catalog(tables), foreign_keys, patterns).map(|it| it.join(" "));
    assert_eq!(
        found,
        Ok(expected.to_owned()),
        "{tables:?} {foreign_keys:?} {patterns:?}"
    );
}

#[track_caller]
fn refused(catalog: &Catalog, foreign_keys: &[&str], patterns: &[&str], expected: &str) {
    let found = chosen(catalog, foreign_keys, patterns).map_err(|it| it.join("; "));
    assert_eq!(found, Err(expected.to_owned()), "{foreign_keys:?} {patterns:?}");
}

#[test]
fn columns_follow_the_key_that_they_refer_to() {
    let tables = ["a id id", "b id id:bigint a", "c - b:smallint x"];
    check(
        &tables,
        &["b.a>a.id", "c.b>b.id"],
        &["*"],
        "a.id>a! b.id>b! b.a>a c.b>b",
    );
    check(&tables, &["b.a>a.id", "c.b>b.id"], &["a"], "a.id>a! b.a>a");
    check(&["a id id a"], &["a.a>a.id"], &["*"], "a.id>a! a.a>a");
    // A key of keys, and what refers to it.
    let chain = ["a id id", "b id id", "c id id b"];
    check(&chain, &["b.id>a.id", "c.b>b.id"], &["a"], "a.id>a! b.id>a c.b>a");
    // Several columns.
    let pairs = ["a id id", "b a+n a n", "c id id a n"];
    check(
        &pairs,
        &["b.a>a.id", "c.a,c.n>b.a,b.n"],
        &["a"],
        "a.id>a! b.a>a c.a>a",
    );
}

#[test]
fn circles_of_keys_have_one_key() {
    let tables = ["b id id", "a id id", "c - x"];
    check(
        &tables,
        &["a.id>b.id", "b.id>a.id", "c.x>b.id"],
        &["b"],
        "b.id>a a.id>a! c.x>a",
    );
    let apart = ["a id id b", "b id id a"];
    check(
        &apart,
        &["a.b>b.id", "b.a>a.id"],
        &["*"],
        "a.id>a! a.b>b b.id>b! b.a>a",
    );
}

#[test]
fn partitions_and_heirs_follow_their_parents() {
    let mut it = catalog(&["root id id x", "part id id x", "heir id id"]);
    it.tables[1].partition_of = Some(QualifiedName::new("s", "root"));
    it.tables[2].inherits = vec![QualifiedName::new("s", "root")];
    let expected = ["root.id>root!", "part.id>root!", "heir.id>root!"].map(str::to_owned);
    assert_eq!(chosen(&it, &[], &["root"]), Ok(expected.to_vec()));
}

#[test]
fn what_cannot_be_converted_is_named() {
    let it = catalog(&[
        "a id id",
        "b id id",
        "c - x",
        "t code code:text",
        "u - n",
        "d id id",
    ]);
    let two = "s.c.x refers to s.a.id and to s.b.id: one value cannot become two keys";
    refused(&it, &["c.x>a.id", "c.x>b.id"], &["*"], two);
    refused(&it, &["c.x>a.id", "c.x>b.id"], &["a"], two);
    let follows = "s.b.id holds values of s.a.id, which stays an integer: name that table, too";
    refused(&it, &["b.id>a.id"], &["b", "d"], follows);
    refused(
        &it,
        &[],
        &["t"],
        "the primary key of s.t is no single integer column",
    );
    let none = "the source has no table `nobody`";
    refused(&it, &[], &["nobody"], none);
    let elsewhere = "s.c.x refers to s.gone, which is not here: its keys stay integers";
    refused(&it, &["c.x>a.id", "c.x>gone.id"], &["a"], elsewhere);
    let text = "s.c.x refers to s.a.id and is numeric, no integer";
    refused(
        &catalog(&["a id id", "c - x:numeric"]),
        &["c.x>a.id"],
        &["a"],
        text,
    );
    // Declared, though PostgreSQL would not take the foreign key: its values are keys all the same.
    let mut loose = catalog(&["a id id", "c - x:text y"]);
    loose.left_out_keys = keys(&["c.x>a.id"]);
    refused(
        &loose,
        &[],
        &["a"],
        "s.c.x refers to s.a.id and is text, no integer",
    );
    loose.left_out_keys = keys(&["c.y>a.id"]);
    let found = chosen(&loose, &[], &["a"]).map(|it| it.join(" "));
    assert_eq!(found, Ok("a.id>a! c.y>a".to_owned()));
    let taken = "s.a cannot keep the old key as `id_old`: the name is taken, too long or the key's own";
    refused(&catalog(&["a id id id_old"]), &[], &["a"], taken);
}

#[test]
fn tables_whose_rows_are_special_are_refused() {
    let mut it = catalog(&["a id id b"]);
    it.tables[0].columns[1].names = Some(StoredNames::Object(NameKind::RegClass));
    refused(
        &it,
        &[],
        &["a"],
        "s.a has a column of a type such as regclass, whose rows go in late",
    );
    let mut it = catalog(&["a id id", "b - a"]);
    it.tables[1].columns[0].generated = Some(GeneratedKind::Stored);
    refused(
        &it,
        &["b.a>a.id"],
        &["a"],
        "s.b.a is generated from other columns",
    );
}

#[test]
fn a_wide_pattern_leaves_keys_that_follow_other_columns() {
    let it = catalog(&["a id id", "b id id", "u - n"]);
    let wish = Keys {
        uuid: vec!["*".to_owned()],
        ..Keys::default()
    };
    let choice = choose(&it, &keys(&["b.id>u.n"]), &wish, "source").unwrap();
    assert_eq!(choice.tables.len(), 1);
    assert_eq!(
        choice.left,
        ["s.b.id stays an integer: it holds values of s.u.n, which does"]
    );
}
