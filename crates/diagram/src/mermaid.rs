//! A diagram as Mermaid's `erDiagram`. Its grammar allows fewer names than databases do: what it refuses becomes `_`, and
//! a comment keeps the true name.
//!
//! The grammar: `packages/mermaid/src/diagrams/er/parser/erDiagram.jison` of Mermaid.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::model::{Cardinality, Diagram, Row, Table};
use crate::text::visible;

/// Writes it.
pub fn mermaid(diagram: &Diagram) -> String {
    let mut out = String::from("erDiagram\n");
    comment(&mut out, &diagram.title);
    let mut taken = HashSet::new();
    let mut entities = Vec::new();
    for table in &diagram.tables {
        let name = unlike(&mut taken, &entity(&table.name));
        if name != table.name {
            comment(&mut out, &format!("\"{name}\" is {}", table.name));
        }
        write_table(&mut out, table, &name, &diagram.groups);
        entities.push(name);
    }
    for (_, edge) in diagram.sound_edges() {
        let _ = writeln!(
            out,
            "    \"{}\" {} \"{}\" : \"{}\"",
            entities[edge.parent.table],
            signs(edge.cardinality),
            entities[edge.child.table],
            quoted(&edge.label)
        );
    }
    out
}

fn write_table(out: &mut String, table: &Table, name: &str, groups: &[String]) {
    let note = crate::svg::subtitle(table, groups);
    if !note.is_empty() {
        comment(out, &format!("{}: {note}", table.name));
    }
    let _ = writeln!(out, "    \"{name}\" {{");
    let mut taken = HashSet::new();
    for row in &table.rows {
        write_row(out, row, &mut taken);
    }
    if table.left_out > 0 {
        comment(out, &crate::svg::left_out(table.left_out));
    }
    out.push_str("    }\n");
}

fn write_row(out: &mut String, row: &Row, taken: &mut HashSet<String>) {
    let name = unlike(taken, &word(&row.name));
    let kind = if row.type_name.is_empty() {
        "untyped".to_owned()
    } else {
        word(&row.type_name)
    };
    let _ = write!(out, "        {kind} {name}");
    let keys: Vec<&str> = row
        .marks
        .words()
        .map(|it| if it == "U" { "UK" } else { it })
        .collect();
    if !keys.is_empty() {
        let _ = write!(out, " {}", keys.join(", "));
    }
    let mut notes = Vec::new();
    if name != row.name {
        notes.push(quoted(&row.name));
    }
    if row.not_null && !row.marks.primary {
        notes.push("not null".to_owned());
    }
    if !notes.is_empty() {
        let _ = write!(out, " \"{}\"", notes.join(", "));
    }
    out.push('\n');
}

/// From parent to child.
fn signs(cardinality: Cardinality) -> String {
    let parent = if cardinality.optional { "|o" } else { "||" };
    let child = if cardinality.one_to_one { "o|" } else { "o{" };
    format!("{parent}--{child}")
}

/// A line of its own, in which nothing can end it or begin a directive. Mermaid drops it before it reads the rest.
fn comment(out: &mut String, text: &str) {
    let text: String = visible(text)
        .chars()
        .filter(|it| !matches!(it, '%' | '{' | '}'))
        .collect();
    if !text.trim().is_empty() {
        let _ = writeln!(out, "    %% {text}");
    }
}

/// For between quotes: all but what would end them, or be read as markup.
fn quoted(text: &str) -> String {
    let kept = |letter: char| match letter {
        '"' => '\'',
        '%' | '\\' | '`' | '#' | ';' | '<' | '>' | '{' | '}' => '_',
        _ => letter,
    };
    // `direction LR` is taken for a statement wherever it stands in a line.
    let text: String = visible(text).chars().map(kept).collect();
    let mut plain = String::with_capacity(text.len());
    for part in text.split_inclusive(char::is_whitespace) {
        let word = part.trim_end();
        plain.push_str(word);
        let is_statement = word.to_lowercase().ends_with("direction");
        plain.push_str(if is_statement && part != word {
            "_"
        } else {
            &part[word.len()..]
        });
    }
    plain
}

fn entity(name: &str) -> String {
    let plain = quoted(name).replace('\'', "_");
    if plain.trim().is_empty() {
        "_".to_owned()
    } else {
        plain
    }
}

/// A type or a column: no spaces, and no word that begins like the mark of a key.
fn word(text: &str) -> String {
    let kept = |letter: char| {
        let plain = letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '[' | ']' | '(' | ')');
        let foreign = letter >= '\u{c0}' && !letter.is_whitespace();
        if plain || foreign { letter } else { '_' }
    };
    let mut plain: String = visible(text).chars().map(kept).collect();
    let begins = |it: char| it.is_ascii_alphabetic() || it == '_' || it >= '\u{c0}';
    if !plain.starts_with(begins) || begins_like_key(&plain) {
        plain.insert(0, '_');
    }
    plain
}

/// `pk`, `FK(x)`: the grammar would read the mark, and then the rest.
fn begins_like_key(word: &str) -> bool {
    let Some((head, rest)) = word.split_at_checked(2) else {
        return false;
    };
    ["pk", "fk", "uk"].iter().any(|it| head.eq_ignore_ascii_case(it))
        && !rest.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_')
}

/// The name, or the first of `name_2`, `name_3`, … that nothing has.
fn unlike(taken: &mut HashSet<String>, name: &str) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while !taken.insert(free.clone()) {
        number += 1;
        free = format!("{name}_{number}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Edge, End, Marks};

    #[test]
    fn names_that_the_grammar_refuses_are_changed_and_kept_in_comments() {
        let row = |name: &str, kind: &str, marks: Marks| Row {
            name: name.to_owned(),
            type_name: kind.to_owned(),
            marks,
            not_null: marks.primary,
        };
        let primary = Marks {
            primary: true,
            ..Marks::default()
        };
        let both = Marks {
            foreign: true,
            unique: true,
            ..Marks::default()
        };
        let table = |name: &str, rows: Vec<Row>| Table {
            name: name.to_owned(),
            rows,
            ..Table::default()
        };
        let diagram = Diagram {
            title: "shop %%{init: {}}%%".to_owned(),
            tables: vec![
                table("a \"b\"", vec![row("1 st", "character varying(20)", primary)]),
                table("a 'b'", vec![row("PK", "numeric(10,2)", both)]),
                table("x direction TB", vec![]),
            ],
            edges: vec![Edge {
                child: End {
                    table: 1,
                    rows: vec![0],
                },
                parent: End {
                    table: 0,
                    rows: vec![0],
                },
                label: "fk \"x\"\n".to_owned(),
                cardinality: Cardinality {
                    one_to_one: true,
                    optional: true,
                },
            }],
            ..Diagram::default()
        };
        let expected = r#"erDiagram
    %% shop init: 
    %% "a _b_" is a "b"
    "a _b_" {
        character_varying(20) _1_st PK "1 st"
    }
    %% "a _b__2" is a 'b'
    "a _b__2" {
        numeric(10_2) _PK FK, UK "PK"
    }
    %% "x direction_TB" is x direction TB
    "x direction_TB" {
    }
    "a _b_" |o--o| "a _b__2" : "fk 'x'␊"
"#;
        assert_eq!(mermaid(&diagram), expected);
    }
}
