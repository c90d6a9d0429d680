//! What objects are called in findings, and what is shown of their properties.

use catalog::{
    Definition, DefinitionKind, ObjectKind, Property, QualifiedName, Value, quote_ident, quote_literal,
};

use super::tokens::{Names, Tokens, one_line};

/// Values up to this long are shown whole.
const WHOLE_MAX: usize = 64;

/// What stands before the value in a statement, for properties whose statements are about nothing else.
const LEAD_INS: [(&str, &str); 10] = [
    ("type", " TYPE "),
    ("type", " AS "),
    ("default", " SET DEFAULT "),
    ("expression", " SET DEFAULT "),
    ("partition key", " PARTITION BY "),
    ("inherits", " INHERITS "),
    ("of type", " OF "),
    ("owned by", " OWNED BY "),
    ("attributes", " AS "),
    ("parser", "PARSER = "),
];

/// What a property is that nobody has set.
const UNSAID: [(&str, &str); 20] = [
    ("validated", "yes"),
    ("valid", "yes"),
    ("enforced", "yes"),
    ("enabled", "yes"),
    ("populated", "yes"),
    ("deterministic", "yes"),
    ("not null", "no"),
    ("clustered", "no"),
    ("cycle", "no"),
    ("deferrable", "no"),
    ("row security", "disabled"),
    ("row security forced", "no"),
    ("replica identity", "default"),
    ("persistence", "permanent"),
    ("identity", "none"),
    ("generated", "no"),
    ("storage", "the type's own"),
    ("compression", "default"),
    ("statistics", "default"),
    ("access method", "heap"),
];

/// Kind and name, as SQL.
pub(crate) fn label(definition: &Definition) -> String {
    let Definition {
        kind,
        schema,
        name,
        table,
        arguments,
        ..
    } = definition;
    let arguments = arguments
        .as_deref()
        .unwrap_or_default()
        .replace("\"none\"", "none");
    match kind {
        DefinitionKind::Schema | DefinitionKind::Extension | DefinitionKind::EventTrigger => {
            format!("{kind} {}", quote_ident(name))
        }
        DefinitionKind::DefaultPrivileges => format!("{kind} on {name} in {}", quote_ident(schema)),
        DefinitionKind::Cast => match arguments.split_once(", ") {
            Some((source, target)) => format!("cast ({source} as {target})"),
            None => format!("cast ({arguments})"),
        },
        DefinitionKind::Object(ObjectKind::Operator) => {
            format!("{kind} {}.{name} ({arguments})", quote_ident(schema))
        }
        DefinitionKind::Object(ObjectKind::OperatorClass | ObjectKind::OperatorFamily) => {
            format!("{kind} {} using {arguments}", QualifiedName::new(schema, name))
        }
        DefinitionKind::Object(ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate) => {
            format!("{kind} {}({arguments})", QualifiedName::new(schema, name))
        }
        DefinitionKind::Object(ObjectKind::Table) => {
            let is_partitioned = definition.properties.iter().any(|it| it.name == "partition key");
            let word = if is_partitioned {
                "partitioned table"
            } else {
                "table"
            };
            format!("{word} {}", QualifiedName::new(schema, name))
        }
        _ => match table {
            Some(table) if *kind != DefinitionKind::Object(ObjectKind::Index) => {
                let table = QualifiedName::new(schema, table);
                format!("{kind} {} of {table}", quote_ident(name))
            }
            _ => format!("{kind} {}", QualifiedName::new(schema, name)),
        },
    }
}

/// What a property says, without the statement around it.
pub(crate) fn said(property: &Property) -> &str {
    match &property.value {
        Value::Plain(text) => text,
        Value::Statement(sql) | Value::Written(sql) => {
            let mut lead_ins = LEAD_INS.iter().filter(|(name, _)| *name == property.name);
            let value = lead_ins.find_map(|(_, words)| sql.split_once(words));
            let value = match value {
                Some((_, value)) => value,
                None if property.name.starts_with("mapping for ") => {
                    sql.split_once(" WITH ").map_or(sql.as_str(), |it| it.1)
                }
                None => sql,
            };
            value.trim_end().trim_end_matches(';')
        }
    }
}

/// What is shown of a property on both sides, where it is not the same.
pub(crate) fn shown(
    name: &str,
    source: Option<&Property>,
    target: Option<&Property>,
    names: &Names,
) -> (Option<String>, Option<String>) {
    let unsaid = || {
        let word = UNSAID.iter().find(|(property, _)| *property == name);
        word.map(|(_, word)| (*word).to_owned())
    };
    if let (Some(source), Some(target)) = (source, target) {
        let (here, there) = (said(source), said(target));
        if here.len().max(there.len()) > WHOLE_MAX {
            let (here, there) = Tokens::of(here).excerpts(&Tokens::of(there), names);
            return (Some(here), Some(there));
        }
    }
    let one = |it: Option<&Property>| {
        let text = it.map(|it| match name {
            "comment" => quote_literal(&one_line(said(it), WHOLE_MAX)),
            _ => one_line(said(it), 2 * WHOLE_MAX),
        });
        text.or_else(unsaid)
    };
    (one(source), one(target))
}
