//! Bins of keys as conditions that a server understands: it sends the rows of a few bins, and not the table.

use fingerprint::{BinRule, Form, KeyBins, OrderedKind};

use catalog::quote_ident;

use super::row_keys::{ColumnShape, literal};

/// SQL that is true for the rows of these bins, given in ascending order; `None` where the server cannot tell. `columns`
/// are those of the key in its order, or all columns that are read where the whole row is the key.
pub fn bins_condition(
    rule: &KeyBins,
    bins: &[usize],
    form: Form,
    columns: &[&ColumnShape],
) -> Option<String> {
    match rule.rule() {
        BinRule::Whole => None,
        BinRule::Ranges { kind, bounds } => {
            let column = quote_ident(&columns.first()?.name);
            let runs = runs(bins);
            let ranges: Vec<String> = runs
                .into_iter()
                .map(|(first, last)| range(&column, *kind, bounds, first, last))
                .collect();
            Some(format!("({})", ranges.join(" OR ")))
        }
        BinRule::Hash { skipped, digits } => {
            let framed: Option<Vec<String>> = columns.iter().map(|it| framed(it, form)).collect();
            let count = columns.len();
            let mut row = vec![format!("pg_catalog.int2send('{count}'::pg_catalog.int2)")];
            row.extend(framed?);
            let row = row.join(" OPERATOR(pg_catalog.||) ");
            let wanted: Vec<String> = bins.iter().map(|it| format!("{it:0digits$x}")).collect();
            Some(format!(
                "pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256({row}), 'hex'), {}, {digits}) \
                 OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.text[])",
                skipped + 1,
                wanted.join(",")
            ))
        }
    }
}

/// Bins that follow each other, as the first and the last of them.
fn runs(bins: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &bin in bins {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == bin => *last = bin,
            _ => runs.push((bin, bin)),
        }
    }
    runs
}

fn range(column: &str, kind: OrderedKind, bounds: &[u128], first: usize, last: usize) -> String {
    let from = first.checked_sub(1).and_then(|it| bounds.get(it));
    let from = from.map(|it| format!("{column} OPERATOR(pg_catalog.>=) {}", literal(kind, *it)));
    let to = bounds.get(last);
    let to = to.map(|it| format!("{column} OPERATOR(pg_catalog.<) {}", literal(kind, *it)));
    match (from, to) {
        (Some(from), Some(to)) => format!("({from} AND {to})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "true".to_owned(),
    }
}

/// A value as the hash of a row has it: its length and its bytes, or the length that NULL has.
fn framed(column: &ColumnShape, form: Form) -> Option<String> {
    let name = quote_ident(&column.name);
    let bytes = match form {
        Form::Binary => format!("{}({name})", column.send.as_ref()?),
        // What COPY writes too; a cast to text can be another one.
        Form::Text => format!("pg_catalog.convert_to(pg_catalog.format('%s', {name}), 'UTF8')"),
    };
    // `IS NULL` would be true for a composite value of NULLs, which is a value.
    Some(format!(
        "CASE WHEN {name} IS NOT DISTINCT FROM NULL THEN '\\xffffffff'::pg_catalog.bytea \
         ELSE pg_catalog.int4send(pg_catalog.octet_length({bytes})) OPERATOR(pg_catalog.||) {bytes} END"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str) -> ColumnShape {
        ColumnShape {
            name: name.to_owned(),
            send: Some("pg_catalog.textsend".to_owned()),
            type_sql: "pg_catalog.text".to_owned(),
        }
    }

    #[test]
    fn bins_that_follow_each_other_are_one_range() {
        let bounds = [10, 20, 30, 40].map(OrderedKind::from_integer).to_vec();
        let rule = KeyBins::ranges(vec![0], OrderedKind::BigInt, bounds);
        let column = shape("Id");
        let sql = |bins: &[usize]| bins_condition(&rule, bins, Form::Binary, &[&column]).unwrap_or_default();
        assert_eq!(
            sql(&[0]),
            r#"("Id" OPERATOR(pg_catalog.<) '10'::pg_catalog.int8)"#
        );
        assert_eq!(
            sql(&[1, 2, 4]),
            "((\"Id\" OPERATOR(pg_catalog.>=) '10'::pg_catalog.int8 AND \"Id\" OPERATOR(pg_catalog.<) \
             '30'::pg_catalog.int8) OR \"Id\" OPERATOR(pg_catalog.>=) '40'::pg_catalog.int8)"
        );
    }

    #[test]
    fn bins_of_a_hash_are_its_first_digits() {
        let rule = KeyBins::hashed(vec![0], 3, 3);
        let sql = bins_condition(&rule, &[1, 0xabc], Form::Text, &[&shape("k")]).unwrap_or_default();
        assert!(sql.contains("'hex'), 4, 3)"), "{sql}");
        assert!(sql.ends_with("ANY ('{001,abc}'::pg_catalog.text[])"), "{sql}");
    }
}
