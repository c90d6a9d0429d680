//! String literals that PostgreSQL reads as names: `'s.t'::regclass`, the argument of `nextval`, and others.

use squawk_syntax::ast::{self, AstNode, normalize_name_node};
use squawk_syntax::{SyntaxKind, SyntaxNode};

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

/// The functions that take a name as text or whose argument has a type that reads names.
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
    let function = last_name(&list.parent()?.first_child()?)?;
    match (function.as_str(), place, args.len()) {
        (
            "nextval"
            | "currval"
            | "setval"
            | "pg_get_serial_sequence"
            | "to_regclass"
            | "pg_sequence_last_value"
            | "pg_relation_size"
            | "pg_table_size"
            | "pg_indexes_size"
            | "pg_total_relation_size"
            | "pg_relation_filenode"
            | "pg_relation_filepath",
            0,
            _,
        ) => Some(Naming::Relation),
        ("to_regtype", 0, _) => Some(Naming::Type),
        ("to_regproc" | "to_regprocedure", 0, _) => Some(Naming::Routine),
        ("to_regoper", 0, _) => Some(Naming::Operator),
        ("to_regoperator", 0, _) => Some(Naming::OperatorSignature),
        ("to_regcollation", 0, _) => Some(Naming::Collation),
        ("to_regnamespace", 0, _) => Some(Naming::Schema),
        ("tsvector_update_trigger", 1, _)
        | (
            "to_tsvector"
            | "to_tsquery"
            | "plainto_tsquery"
            | "phraseto_tsquery"
            | "websearch_to_tsquery"
            | "ts_headline"
            | "ts_debug",
            0,
            2..,
        ) => Some(Naming::TextSearchConfiguration),
        ("ts_lexize", 0, _) => Some(Naming::TextSearchDictionary),
        ("set_config", 1, _) if holds(&args[0], "search_path") => Some(Naming::SearchPath),
        ("set_config", 1, _) if holds(&args[0], "default_text_search_config") => {
            Some(Naming::TextSearchConfiguration)
        }
        _ => None,
    }
}

fn holds(arg: &SyntaxNode, value: &str) -> bool {
    let literal = arg.first_child().and_then(ast::Literal::cast);
    literal
        .and_then(|it| it.string_value())
        .is_some_and(|it| it.eq_ignore_ascii_case(value))
}

/// The unqualified name at the end of a path or of a call's callee; `None` when it is qualified with another
/// schema than the system's.
fn last_name(node: &SyntaxNode) -> Option<String> {
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
