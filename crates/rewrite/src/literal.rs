//! String literals that PostgreSQL reads as names: `'s.t'::regclass`, the argument of `nextval`, and others.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::relation::innermost;

/// What the text of a literal names, and so the statement around it that lets the parser read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Relation,
    Type,
    Routine,
    Operator,
    OperatorSignature,
    Collation,
    TextSearchConfiguration,
    TextSearchDictionary,
    Schema,
    /// A list of schemas, as `set_config` takes it.
    SearchPath,
}

impl Naming {
    /// Text before and after the literal's content that make it a statement.
    pub(crate) fn wrapper(self) -> (&'static str, &'static str) {
        match self {
            Naming::Relation => ("TABLE ", ""),
            Naming::Type => ("SELECT NULL::", ""),
            Naming::Routine => ("DROP FUNCTION ", ""),
            Naming::Operator => ("SELECT 1 OPERATOR(", ") 1"),
            Naming::OperatorSignature => ("DROP OPERATOR ", ""),
            Naming::Collation => ("DROP COLLATION ", ""),
            Naming::TextSearchConfiguration => ("DROP TEXT SEARCH CONFIGURATION ", ""),
            Naming::TextSearchDictionary => ("DROP TEXT SEARCH DICTIONARY ", ""),
            Naming::Schema => ("DROP SCHEMA ", ""),
            Naming::SearchPath => ("SET search_path = ", ""),
        }
    }

    /// What values of the type called `name` are.
    pub(crate) fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "regclass" => Naming::Relation,
            "regtype" => Naming::Type,
            "regproc" | "regprocedure" => Naming::Routine,
            "regoper" => Naming::Operator,
            "regoperator" => Naming::OperatorSignature,
            "regcollation" => Naming::Collation,
            "regconfig" => Naming::TextSearchConfiguration,
            "regdictionary" => Naming::TextSearchDictionary,
            "regnamespace" => Naming::Schema,
            _ => return None,
        })
    }

    /// How PostgreSQL reads `literal` in the place where it stands; `None` when it reads plain text there.
    pub(crate) fn of(literal: &SyntaxNode) -> Option<Self> {
        let parent = literal.parent()?;
        match parent.kind() {
            SyntaxKind::CAST_EXPR => of_cast(&parent),
            SyntaxKind::ARG => of_argument(&parent, literal),
            SyntaxKind::NAMED_ARG => of_argument(&parent.parent()?, &parent),
            _ => None,
        }
    }
}

fn of_cast(cast: &SyntaxNode) -> Option<Naming> {
    let cast = ast::CastExpr::cast(cast.clone())?;
    let ast::Type::PathType(ty) = cast.ty()? else {
        return None;
    };
    Naming::of_type(&last_name(ty.path_ref()?.syntax())?)
}

/// Functions that read their first argument as a name, whether it is text or of a type that reads names.
const NAMED_FIRST: [(Naming, &[&str]); 8] = [
    (
        Naming::Relation,
        &[
            "nextval",
            "currval",
            "setval",
            "pg_get_serial_sequence",
            "to_regclass",
            "regclass",
            "pg_sequence_last_value",
            "pg_relation_size",
            "pg_table_size",
            "pg_indexes_size",
            "pg_total_relation_size",
            "pg_relation_filenode",
            "pg_relation_filepath",
            "pg_get_viewdef",
            "pg_partition_tree",
            "pg_partition_root",
            "pg_partition_ancestors",
            "row_security_active",
            "table_to_xml",
            "table_to_xmlschema",
            "table_to_xml_and_xmlschema",
            "brin_summarize_new_values",
            "gin_clean_pending_list",
        ],
    ),
    (Naming::Type, &["to_regtype", "regtype"]),
    (
        Naming::Routine,
        &["to_regproc", "to_regprocedure", "regproc", "regprocedure"],
    ),
    (Naming::Operator, &["to_regoper"]),
    (Naming::OperatorSignature, &["to_regoperator"]),
    (Naming::Collation, &["to_regcollation"]),
    (
        Naming::Schema,
        &[
            "to_regnamespace",
            "regnamespace",
            "schema_to_xml",
            "schema_to_xmlschema",
            "schema_to_xml_and_xmlschema",
        ],
    ),
    (Naming::TextSearchDictionary, &["ts_lexize"]),
];

/// Functions that read a configuration of text search in front of other arguments.
const CONFIGURED: [&str; 7] = [
    "to_tsvector",
    "to_tsquery",
    "plainto_tsquery",
    "phraseto_tsquery",
    "websearch_to_tsquery",
    "ts_headline",
    "ts_debug",
];

fn of_argument(arg: &SyntaxNode, literal: &SyntaxNode) -> Option<Naming> {
    let list = arg.parent()?;
    let args: Vec<SyntaxNode> = list
        .children()
        .filter(|it| it.kind() == SyntaxKind::ARG)
        .collect();
    let place = args.iter().position(|it| it == arg)?;
    if arg.first_child().as_ref() != Some(literal) {
        return None;
    }
    let callee = list.parent()?.first_child()?;
    // An extension's function, in whatever schema: it reads a dictionary of text search before the text.
    if place == 0 && args.len() == 2 && normalize_name_node(&innermost(callee.clone())) == "unaccent" {
        return Some(Naming::TextSearchDictionary);
    }
    let function = last_name(&callee)?;
    match (function.as_str(), place) {
        ("tsvector_update_trigger", 1) => Some(Naming::TextSearchConfiguration),
        ("set_config", 1) if holds(&args[0], "search_path") => Some(Naming::SearchPath),
        ("set_config", 1) if holds(&args[0], "default_text_search_config") => {
            Some(Naming::TextSearchConfiguration)
        }
        (configured, 0) if CONFIGURED.contains(&configured) => {
            (args.len() > 1).then_some(Naming::TextSearchConfiguration)
        }
        (function, place) if function.starts_with("has_") => {
            let naming = of_privilege(function)?;
            (place == privileged_place(function, args.len())).then_some(naming)
        }
        (function, 0) => NAMED_FIRST
            .iter()
            .find(|(_, functions)| functions.contains(&function))
            .map(|(naming, _)| *naming),
        _ => None,
    }
}

fn of_privilege(function: &str) -> Option<Naming> {
    Some(match function {
        "has_table_privilege"
        | "has_any_column_privilege"
        | "has_sequence_privilege"
        | "has_column_privilege" => Naming::Relation,
        "has_function_privilege" => Naming::Routine,
        "has_type_privilege" => Naming::Type,
        "has_schema_privilege" => Naming::Schema,
        _ => return None,
    })
}

/// The place of the object in a call that asks for a privilege: behind the role, where one is given.
fn privileged_place(function: &str, args: usize) -> usize {
    let without_role = if function == "has_column_privilege" { 3 } else { 2 };
    args.saturating_sub(without_role)
}

pub(crate) fn holds(arg: &SyntaxNode, value: &str) -> bool {
    let literal = arg.first_child().and_then(ast::Literal::cast);
    literal
        .and_then(|it| it.string_value())
        .is_some_and(|it| it.eq_ignore_ascii_case(value))
}

/// The unqualified name at the end of a path or of a call's callee; `None` when it is qualified with another
/// schema than the system's.
pub(crate) fn last_name(node: &SyntaxNode) -> Option<String> {
    let names: Vec<String> = node
        .descendants()
        .filter(|it| matches!(it.kind(), SyntaxKind::NAME_REF | SyntaxKind::PATH_SEGMENT_REF))
        .map(|it| normalize_name_node(&it))
        .collect();
    match names.as_slice() {
        [name] => Some(name.clone()),
        [schema, name] if schema == "pg_catalog" => Some(name.clone()),
        _ => None,
    }
}
