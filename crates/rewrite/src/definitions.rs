//! What objects are defined as, under new names: each statement by the same rules as the text of a dump.

use catalog::{Definition, Value};
use plan::Mapping;

use crate::rewriter::Rewriter;

/// A call that no mapping changes stands around a list of arguments, so that its types are read as such.
const CALL: &str = "ALTER FUNCTION pg_catalog.f(";
const CALL_END: &str = ") RESET ALL";

/// A query around an expression.
const SELECT: &str = "SELECT (";
const SELECT_END: &str = ");";

impl Rewriter {
    /// Gives everything that `definitions` say its new name. What they are about keeps its own: that is the catalog's to
    /// rename.
    pub fn rewrite_definitions(&self, definitions: &mut [Definition]) {
        if self.mapping.is_empty() {
            return;
        }
        for definition in definitions {
            if let Some(arguments) = &mut definition.arguments {
                *arguments = self.rewrite_arguments(arguments);
            }
            for property in &mut definition.properties {
                if let Value::Statement(sql) | Value::Written(sql) = &mut property.value {
                    *sql = self.rewrite(sql).text;
                }
            }
        }
    }

    /// An expression under the new names.
    pub fn rewrite_expression(&self, sql: &str) -> String {
        let text = self.rewrite(&format!("{SELECT}{sql}{SELECT_END}")).text;
        let inner = text
            .strip_prefix(SELECT)
            .and_then(|it| it.strip_suffix(SELECT_END));
        inner.unwrap_or(sql).to_owned()
    }

    fn rewrite_arguments(&self, arguments: &str) -> String {
        // Types of the system have no schema.
        if !arguments.contains('.') {
            return arguments.to_owned();
        }
        let text = self.rewrite(&format!("{CALL}{arguments}{CALL_END}")).text;
        let inner = text.strip_prefix(CALL).and_then(|it| it.strip_suffix(CALL_END));
        inner.unwrap_or(arguments).to_owned()
    }
}

/// Cuts passwords out of what `definitions` say, as they are cut out of a dump's text.
pub fn cut_passwords(definitions: &mut [Definition]) {
    let plain = Rewriter::for_stream(Mapping::default());
    for property in definitions.iter_mut().flat_map(|it| &mut it.properties) {
        if let Value::Statement(sql) | Value::Written(sql) = &mut property.value {
            let rewritten = plain.rewrite(sql);
            if !rewritten.secrets.is_empty() {
                *sql = rewritten.text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Catalog, DefinitionKind, Object, ObjectKind, Property, Schema};

    use super::*;
    use crate::Known;

    fn definition(kind: ObjectKind, table: Option<&str>, arguments: Option<&str>, sql: &str) -> Definition {
        Definition {
            kind: DefinitionKind::Object(kind),
            schema: "public".to_owned(),
            name: "it".to_owned(),
            table: table.map(str::to_owned),
            arguments: arguments.map(str::to_owned),
            properties: vec![Property {
                name: "definition".to_owned(),
                value: Value::Statement(sql.to_owned()),
            }],
        }
    }

    fn check(mapping: Mapping, old: Definition, expected: &Definition) {
        let object = |kind: ObjectKind, name: &str, table: Option<&str>, indexed: bool| Object {
            kind,
            schema: "public".to_owned(),
            name: name.to_owned(),
            table: table.map(str::to_owned),
            indexed,
        };
        let mut catalog = Catalog {
            schemas: vec![Schema {
                name: "public".to_owned(),
                comment: None,
            }],
            objects: vec![
                object(ObjectKind::Type, "mood", None, false),
                object(ObjectKind::Table, "t", None, false),
                object(ObjectKind::Function, "it", None, false),
                object(ObjectKind::Constraint, "it", Some("t"), true),
                object(ObjectKind::Index, "it", Some("t"), false),
            ],
            definitions: vec![old],
            ..Catalog::default()
        };
        let rewriter = Rewriter::new(mapping, Known::from_catalog(&catalog)).expect("the mapping fits");
        rewriter.rewrite_definitions(&mut catalog.definitions);
        catalog.rename(rewriter.mapping());
        assert_eq!(&catalog.definitions[0], expected);
    }

    #[test]
    fn statements_and_arguments_follow_their_names() {
        let mapping = Mapping::new(Some("shop"), &[])
            .and_then(|it| it.with_prefix(Some("a_")))
            .expect("the prefix is short");
        let old = definition(
            ObjectKind::Function,
            None,
            Some("public.mood, integer, numeric(1,2)[]"),
            "CREATE FUNCTION public.it(public.mood, integer) RETURNS public.t LANGUAGE sql AS $$SELECT 1$$",
        );
        let new = Definition {
            schema: "shop".to_owned(),
            name: "a_it".to_owned(),
            ..definition(
                ObjectKind::Function,
                None,
                Some("shop.a_mood, integer, numeric(1,2)[]"),
                "CREATE FUNCTION shop.a_it(shop.a_mood, integer) RETURNS shop.a_t LANGUAGE sql AS $$SELECT 1$$",
            )
        };
        check(mapping.clone(), old, &new);
        // A constraint with an index is called like it.
        let old = definition(
            ObjectKind::Constraint,
            Some("t"),
            None,
            "ALTER TABLE public.t ADD CONSTRAINT it UNIQUE (a)",
        );
        let new = Definition {
            schema: "shop".to_owned(),
            name: "a_it".to_owned(),
            ..definition(
                ObjectKind::Constraint,
                Some("a_t"),
                None,
                "ALTER TABLE shop.a_t ADD CONSTRAINT a_it UNIQUE (a)",
            )
        };
        check(mapping, old, &new);
    }

    #[test]
    fn passwords_are_cut_out_of_definitions() {
        let mut definitions = [definition(
            ObjectKind::ForeignTable,
            None,
            None,
            "CREATE FOREIGN TABLE public.t (a text) SERVER s OPTIONS (url 'h', api_key 'CANARY')",
        )];
        cut_passwords(&mut definitions);
        let Value::Statement(sql) = &definitions[0].properties[0].value else {
            panic!("a statement stays one");
        };
        assert_eq!(
            sql,
            "CREATE FOREIGN TABLE public.t (a text) SERVER s OPTIONS (url 'h')"
        );
    }
}
