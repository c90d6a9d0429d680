//! Values in their types' binary form as the server's own text.

use bytes::BytesMut;
use postgres::Client;
use postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::row_keys::{ColumnShape, try_to_ask};
use crate::Result;

/// Bytes that a type's receive function is to understand.
#[derive(Debug)]
struct Sent<'a>(Option<&'a [u8]>);

impl ToSql for Sent<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match self.0 {
            None => IsNull::Yes,
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }

    to_sql_checked!();
}

/// What the server writes for the binary values of a row, whose columns have these types. What the server does not
/// understand is given in hexadecimal digits, as of `bytea`.
pub fn render_values(
    client: &mut Client,
    types: &[String],
    values: &[Option<&[u8]>],
) -> Result<Vec<Option<String>>> {
    let places: Vec<usize> = (0..values.len())
        .filter(|&it| values.get(it).is_some_and(Option::is_some))
        .collect();
    let whole = render(client, types, values, &places)?;
    let mut texts = vec![None; values.len()];
    let mut set = |place: usize, text: String| {
        if let Some(room) = texts.get_mut(place) {
            *room = Some(text);
        }
    };
    if let Some(whole) = whole {
        places
            .iter()
            .zip(whole)
            .for_each(|(&place, text)| set(place, text));
        return Ok(texts);
    }
    for place in places {
        let one = render(client, types, values, &[place])?.and_then(|it| it.into_iter().next());
        set(
            place,
            one.unwrap_or_else(|| hex(values.get(place).copied().flatten().unwrap_or_default())),
        );
    }
    Ok(texts)
}

/// Values at these places, none of them NULL; `None` where the server refuses one.
fn render(
    client: &mut Client,
    types: &[String],
    values: &[Option<&[u8]>],
    places: &[usize],
) -> Result<Option<Vec<String>>> {
    // No row of a query has more columns.
    const COLUMNS_MAX: usize = 1600;
    if places.is_empty() {
        return Ok(Some(Vec::new()));
    }
    if places.len() > COLUMNS_MAX {
        return Ok(None);
    }
    let text = |(number, &place): (usize, &usize)| {
        let name = types.get(place).map_or("pg_catalog.bytea", String::as_str);
        // What COPY writes; a cast to text can be another one.
        format!("pg_catalog.format('%s', ${}::{name})", number + 1)
    };
    let texts: Vec<String> = places.iter().enumerate().map(text).collect();
    let sql = format!("SELECT {}", texts.join(", "));
    let sent: Vec<Sent<'_>> = places
        .iter()
        .map(|&place| Sent(values.get(place).copied().flatten()))
        .collect();
    let params: Vec<&(dyn ToSql + Sync)> = sent.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
    let texts = try_to_ask(client, |client| {
        let row = client.query_one(&sql, &params)?;
        (0..places.len())
            .map(|place| row.try_get::<_, String>(place))
            .collect::<std::result::Result<Vec<_>, _>>()
    })?;
    Ok(texts)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The types of columns that are read, as SQL, as the target calls them: those of `columns`, where the target's column
/// of the same name has it too the one that it has below its domains.
pub fn sent_types(columns: &[(&catalog::Column, Option<(&catalog::Column, &ColumnShape)>)]) -> Vec<String> {
    let plain = |column: &catalog::Column| {
        let it = &column.column_type;
        let ending = if it.text.ends_with("[]") { "[]" } else { "" };
        let (schema, name) = (catalog::quote_ident(&it.schema), &it.name);
        // Always in quotes: some names are words that mean a type with a length.
        format!("{schema}.\"{}\"{ending}", name.replace('"', "\"\""))
    };
    let same = |a: &catalog::Column, b: &catalog::Column| {
        (&a.column_type.schema, &a.column_type.name) == (&b.column_type.schema, &b.column_type.name)
            && a.column_type.text.ends_with("[]") == b.column_type.text.ends_with("[]")
    };
    let of = |(column, there): &(&catalog::Column, Option<(&catalog::Column, &ColumnShape)>)| match there {
        Some((found, shape)) if same(column, found) => shape.type_sql.clone(),
        _ => plain(column),
    };
    columns.iter().map(of).collect()
}
