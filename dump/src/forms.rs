//! The form in which each table's rows travel.

use archive::TableForm;
use catalog::{Catalog, Table};
use fingerprint::Form;

use crate::Options;
use crate::args::Rows;

/// Binary where every stored column allows it and the rows go straight on, text elsewhere.
pub(crate) fn choose_forms(catalog: &Catalog, options: &Options) -> Vec<TableForm> {
    let wanted = match options.rows {
        Rows::Auto => options.destination.is_pipe(),
        Rows::Csv => false,
        Rows::Binary => true,
    };
    let form = |table: &Table| {
        let binary = wanted && table.stored_columns().all(|column| column.binary_safe);
        TableForm {
            table: table.number,
            form: if binary { Form::Binary } else { Form::Text },
        }
    };
    catalog
        .tables
        .iter()
        .filter(|table| table.has_rows())
        .map(form)
        .collect()
}
