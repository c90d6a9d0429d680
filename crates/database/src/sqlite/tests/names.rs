//! Facts about names: what PostgreSQL cannot call so, what becomes one, and names that are chosen.

use super::*;

pub(super) fn rename(table: &str, column: Option<&str>, new_name: &str) -> Rename {
    Rename {
        table: table.to_owned(),
        column: column.map(str::to_owned),
        new_name: new_name.to_owned(),
    }
}

fn names(names: NameStyle, renames: Vec<Rename>) -> Choices {
    Choices {
        renames,
        names,
        ..Choices::default()
    }
}

#[test]
fn names_that_are_chosen_are_no_obstacle() {
    let long = "x".repeat(64);
    let (source, _folder) = source(&format!(
        "CREATE TABLE a (\"{long}\" INT PRIMARY KEY, ctid INT DEFAULT 1, \"\" INT REFERENCES a);
         CREATE INDEX \"{long}i\" ON a (ctid); INSERT INTO a VALUES (1, 2, 1)"
    ));
    assert_eq!(source.survey(&Choices::default()).unwrap().blockers.len(), 4);
    let inspection = source
        .inspect(&names(
            NameStyle::Keep,
            vec![
                rename("A", Some(&long), "id"),
                rename("a", Some("CTID"), "c"),
                rename("a", Some(""), "parent"),
                rename("a", None, "All"),
                rename(&format!("{long}i"), None, "by_c"),
            ],
        ))
        .unwrap();
    let expected = "CREATE TABLE public.\"All\" (\n    id bigint NOT NULL,\n    c bigint DEFAULT 1,\n    parent bigint\n);";
    assert!(inspection.pre_data.contains(expected), "{}", inspection.pre_data);
    for expected in [
        "ADD CONSTRAINT \"All_pkey\" PRIMARY KEY (id);",
        "CREATE INDEX by_c ON public.\"All\" USING btree (c);",
        "ADD CONSTRAINT \"All_parent_fkey\" FOREIGN KEY (parent) REFERENCES public.\"All\"(id);",
    ] {
        assert!(
            inspection.post_data.contains(expected),
            "{}",
            inspection.post_data
        );
    }
    let table = &inspection.catalog.tables[0];
    assert_eq!(
        (table.name.as_str(), table.primary_key[0].as_str()),
        ("All", "id")
    );
    assert_eq!(rows(&source, &inspection.schema.tables[0]).len(), 1);
}

#[test]
fn snake_case_takes_indexes_and_constraints_along() {
    let (source, _folder) = source(
        "CREATE TABLE OrderItems (ItemId INTEGER PRIMARY KEY, [Unit Price] REAL UNIQUE, parentID INT REFERENCES ORDERITEMS);
         CREATE INDEX IX_Price ON OrderItems ([unit price], PARENTID)",
    );
    let inspection = source.inspect(&names(NameStyle::SnakeCase, Vec::new())).unwrap();
    for expected in [
        "ALTER TABLE ONLY public.order_items\n    ADD CONSTRAINT order_items_pkey PRIMARY KEY (item_id);",
        "ADD CONSTRAINT order_items_unit_price_key UNIQUE (unit_price);",
        "CREATE INDEX ix_price ON public.order_items USING btree (unit_price, parent_id);",
        "ADD CONSTRAINT order_items_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.order_items(item_id);",
    ] {
        assert!(
            inspection.post_data.contains(expected),
            "{}",
            inspection.post_data
        );
    }
    assert_eq!(inspection.catalog.sequences[0].name, "order_items_item_id_seq");
}

#[test]
fn names_that_become_one_are_both_named() {
    let long = "l".repeat(70);
    let (source, _folder) = source(&format!(
        "CREATE TABLE \"Order Items\" (userID INT, user_id INT); CREATE TABLE order_items (a INT);
         CREATE TABLE {long}_1 (a INT); CREATE TABLE {long}_2 (a INT); CREATE TABLE plain (a INT)"
    ));
    let found = |choices: &Choices| -> Vec<String> {
        let blockers = source.survey(choices).unwrap().blockers;
        blockers.iter().map(ToString::to_string).collect()
    };
    let cut = "l".repeat(63);
    assert_eq!(
        found(&names(
            NameStyle::SnakeCase,
            vec![rename("plain", Some("b"), "c"), rename("gone", None, "x")]
        )),
        [
            "columns of Order Items: userID and user_id would both be user_id".to_owned(),
            format!("tables: {long}_1 and {long}_2 would both be {cut}"),
            "tables: Order Items and order_items would both be order_items".to_owned(),
            "there is no column plain.b to be renamed".to_owned(),
            "there is no table or index gone to be renamed".to_owned(),
        ]
    );
    let solved = names(
        NameStyle::SnakeCase,
        vec![
            rename("order items", None, "items"),
            rename("order items", Some("userid"), "owner"),
            rename(&format!("{long}_1"), None, "l1"),
        ],
    );
    assert_eq!(found(&solved), [""; 0]);
}
