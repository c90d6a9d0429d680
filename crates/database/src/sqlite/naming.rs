//! Names for constraints and sequences as PostgreSQL itself would choose them.

use std::collections::HashSet;

use catalog::IDENTIFIER_BYTES_MAX;

/// Names taken in the schema.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Takes a name that must stay as it is; false when it is taken already.
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Gives a name back.
    pub(super) fn release(&mut self, name: &str) {
        self.taken.remove(name);
    }

    /// `table_columns_label`, with a number behind the label while that is taken (`ChooseRelationName` and
    /// `ChooseConstraintName` in PostgreSQL).
    pub(super) fn choose(&mut self, table: &str, columns: &[String], label: &str) -> String {
        let columns = columns.join("_");
        let mut numbered = label.to_owned();
        let mut number = 0;
        loop {
            let name = object_name(table, &columns, &numbered);
            if self.take(&name) {
                return name;
            }
            number += 1;
            numbered = format!("{label}{number}");
        }
    }
}

/// PostgreSQL's `makeObjectName`: of the two names, the longer one is cut until all of it fits.
fn object_name(table: &str, columns: &str, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(!columns.is_empty());
    let available = IDENTIFIER_BYTES_MAX.saturating_sub(overhead);
    let (mut table_len, mut columns_len) = (table.len(), columns.len());
    while table_len + columns_len > available {
        if table_len > columns_len {
            table_len -= 1;
        } else {
            columns_len -= 1;
        }
    }
    let (table, columns) = (clip(table, table_len), clip(columns, columns_len));
    if columns.is_empty() {
        format!("{table}_{label}")
    } else {
        format!("{table}_{columns}_{label}")
    }
}

fn clip(name: &str, len: usize) -> &str {
    &name[..name.floor_char_boundary(len)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected names are those that a PostgreSQL 15 server chose.
    #[test]
    fn long_names_are_cut_as_the_server_cuts_them() {
        let long = "a_table_name_that_is_rather_long_for_a_table_name_indeed";
        assert_eq!(
            object_name(long, "a_column_name_that_is_also_rather_long", "key"),
            "a_table_name_that_is_rather_l_a_column_name_that_is_also_ra_key"
        );
        assert_eq!(
            object_name(long, "größe_größe_größe_größe_größe_größe_größe_größe", "key"),
            "a_table_name_that_is_rather_l_größe_größe_größe_grö_key"
        );
        assert_eq!(object_name(long, "id", "seq"), format!("{long}_id_seq"));
        assert_eq!(object_name("t", "", "pkey"), "t_pkey");
        assert_eq!(object_name("t", "a_b", "fkey"), "t_a_b_fkey");
    }

    #[test]
    fn taken_names_get_a_number() {
        let mut names = Names::default();
        assert!(names.take("t_a_key"));
        assert_eq!(names.choose("t", &["a".to_owned()], "key"), "t_a_key1");
        assert_eq!(names.choose("t", &["a".to_owned()], "key"), "t_a_key2");
    }
}
