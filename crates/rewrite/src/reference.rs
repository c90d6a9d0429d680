//! Names in their roles: which nodes of the tree hold a schema's name, and of what.

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::known::Space;

/// A schema's name at one place of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Offset in the text of the tree.
    pub(crate) start: usize,
    /// The schema's name as it is written there.
    pub(crate) token: String,
    /// The schema's name as PostgreSQL reads it.
    pub(crate) schema: String,
    /// The object's name as PostgreSQL reads it; empty for schemas.
    pub(crate) name: String,
    /// For the schema of an extension the extension's name.
    pub(crate) extension: Option<String>,
    /// Where the object's name is written; `None` for schemas and for the signs of operators.
    pub(crate) object: Option<Token>,
    pub(crate) role: Role,
    /// The object comes into being here.
    pub(crate) defines: bool,
    /// The statement is about this object.
    pub(crate) is_subject: bool,
    /// The name of the database stands before it.
    pub(crate) has_database: bool,
}

/// A name at one place of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Offset in the text of the tree.
    pub(crate) start: usize,
    /// As it is written there.
    pub(crate) text: String,
}

impl Token {
    pub(crate) fn of(node: &SyntaxNode) -> Self {
        Token {
            start: usize::from(node.text_range().start()),
            text: node.text().to_string(),
        }
    }
}

/// What the schema's name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Schema,
    /// Where an extension is to live.
    ExtensionSchema,
    /// Qualifies the name of an object.
    Object(Space),
}

/// Every name with a schema in `root`, in the order of the text; names inside string literals are not among them.
pub(crate) fn names(root: &SyntaxNode) -> impl Iterator<Item = Reference> {
    root.descendants().filter_map(|node| of_node(&node))
}

/// The schema's name that `node` holds in its role.
pub(crate) fn of_node(node: &SyntaxNode) -> Option<Reference> {
    match node.kind() {
        SyntaxKind::SCHEMA | SyntaxKind::SCHEMA_REF => of_schema(node),
        SyntaxKind::PATH | SyntaxKind::PATH_REF => of_path(node),
        SyntaxKind::FIELD_EXPR => of_field(node),
        _ => None,
    }
}

fn of_schema(node: &SyntaxNode) -> Option<Reference> {
    let parent = node.parent()?;
    let in_extension = |kind| parent.parent().is_some_and(|it| it.kind() == kind);
    let role = match parent.kind() {
        SyntaxKind::EXTENSION_SCHEMA => Role::ExtensionSchema,
        SyntaxKind::SET_SCHEMA if in_extension(SyntaxKind::ALTER_EXTENSION) => Role::ExtensionSchema,
        // The schema on the foreign server.
        SyntaxKind::IMPORT_FOREIGN_SCHEMA => return None,
        _ => Role::Schema,
    };
    let defines = node.kind() == SyntaxKind::SCHEMA;
    let extension = || {
        let statement = parent.parent()?;
        let name = statement
            .children()
            .find(|it| matches!(it.kind(), SyntaxKind::EXTENSION | SyntaxKind::EXTENSION_REF))?;
        Some(normalize_name_node(&name))
    };
    Some(Reference {
        name: String::new(),
        extension: (role == Role::ExtensionSchema).then(extension).flatten(),
        role,
        defines,
        ..named(node)?
    })
}

fn of_path(node: &SyntaxNode) -> Option<Reference> {
    let parent = node.parent()?;
    if matches!(parent.kind(), SyntaxKind::PATH | SyntaxKind::PATH_REF) {
        return None;
    }
    let (space, is_column) = role_of_parent(&parent)?;
    let segments: Vec<SyntaxNode> = node
        .descendants()
        .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
        .collect();
    let last = segments.len().checked_sub(1 + usize::from(is_column))?;
    let schema = named(&segments[last.checked_sub(1)?])?;
    let creates_operator = || {
        parent
            .parent()
            .is_some_and(|it| it.kind() == SyntaxKind::CREATE_OPERATOR)
    };
    let (name, object, defines) = match parent.kind() {
        SyntaxKind::OP => (sign(&parent), None, creates_operator()),
        _ => (
            normalize_name_node(&segments[last]),
            Some(Token::of(&segments[last])),
            node.kind() == SyntaxKind::PATH || names_multirange(&parent),
        ),
    };
    Some(Reference {
        name,
        object,
        has_database: last > 1,
        role: Role::Object(space),
        defines,
        ..schema
    })
}

/// `schema.function(…)`, `schema.table.column` and `schema.table.*`. In an expression two names are always a
/// relation (or alias) and its column, never a schema: `transformColumnRef` in PostgreSQL's `parse_expr.c`.
fn of_field(node: &SyntaxNode) -> Option<Reference> {
    let parent = node.parent()?;
    if parent.kind() == SyntaxKind::FIELD_EXPR {
        return None;
    }
    let mut names = Vec::new();
    let mut star = false;
    collect_fields(node, &mut names, &mut star)?;
    let is_call = parent.kind() == SyntaxKind::CALL_EXPR && parent.first_child().as_ref() == Some(node);
    let (space, after) = if is_call {
        (Space::Routine, 1)
    } else {
        (Space::Relation, 2 - usize::from(star))
    };
    let object = names.len().checked_sub(after)?;
    let schema = named(&names[object.checked_sub(1)?])?;
    let name = normalize_name_node(&names[object]);
    Some(Reference {
        name,
        object: Some(Token::of(&names[object])),
        role: Role::Object(space),
        ..schema
    })
}

/// The names of `a.b.c` from left to right; `None` when something else stands between the dots.
pub(crate) fn collect_fields(node: &SyntaxNode, names: &mut Vec<SyntaxNode>, star: &mut bool) -> Option<()> {
    *star |= node
        .children_with_tokens()
        .any(|it| it.kind() == SyntaxKind::STAR);
    for child in node.children() {
        match child.kind() {
            SyntaxKind::FIELD_EXPR => collect_fields(&child, names, star)?,
            SyntaxKind::NAME_REF => names.push(child),
            _ => return None,
        }
    }
    Some(())
}

/// The namespace in which a path under `parent` is looked up, and whether its last segment is a column.
pub(crate) fn role_of_parent(parent: &SyntaxNode) -> Option<(Space, bool)> {
    use SyntaxKind as K;
    let space = match parent.kind() {
        K::CONFIG_PARAMETER_REF | K::PLPGSQL_ALIAS_TARGET | K::CONSTRAINT_NAME_REF => return None,
        K::QUALIFIED_COLUMN_NAME_REF | K::PERCENT_TYPE => return Some((Space::Relation, true)),
        K::PATH_TYPE => space_of_type(parent),
        K::TYPE_NAME | K::TYPE_NAME_REF | K::DOMAIN | K::DOMAIN_REF => Space::Type,
        K::FUNCTION_NAME
        | K::FUNCTION_NAME_REF
        | K::PROCEDURE_NAME
        | K::PROCEDURE_NAME_REF
        | K::ROUTINE_NAME
        | K::ROUTINE_NAME_REF
        | K::AGGREGATE_NAME
        | K::AGGREGATE => Space::Routine,
        K::TABLE_NAME
        | K::TABLE_NAME_REF
        | K::RELATION_NAME_REF
        | K::SEQUENCE
        | K::SEQUENCE_REF
        | K::INDEX
        | K::INDEX_REF
        | K::VIEW
        | K::VIEW_REF
        | K::PROPERTY_GRAPH
        | K::PROPERTY_GRAPH_REF
        | K::PLPGSQL_PERCENT_ROWTYPE => Space::Relation,
        K::OP => Space::Operator,
        K::OP_CLASS_NAME | K::OP_CLASS_REF => Space::OperatorClass,
        K::OP_FAMILY_NAME | K::OP_FAMILY_REF => Space::OperatorFamily,
        K::COLLATION | K::COLLATION_REF => Space::Collation,
        K::CONVERSION | K::CONVERSION_REF => Space::Conversion,
        K::STATISTICS | K::STATISTICS_REF => Space::Statistics,
        K::TEXT_SEARCH_CONFIGURATION
        | K::TEXT_SEARCH_CONFIGURATION_REF
        | K::TEXT_SEARCH_DICTIONARY
        | K::TEXT_SEARCH_DICTIONARY_REF
        | K::TEXT_SEARCH_PARSER
        | K::TEXT_SEARCH_PARSER_REF
        | K::TEXT_SEARCH_TEMPLATE
        | K::TEXT_SEARCH_TEMPLATE_REF => Space::TextSearch,
        _ => Space::Any,
    };
    Some((space, false))
}

/// In `(SFUNC = schema.name)` and its like the grammar reads every value as a type; the attribute decides.
fn space_of_type(path_type: &SyntaxNode) -> Space {
    let Some(attribute) = attribute_name(path_type) else {
        return Space::Type;
    };
    match attribute.as_str() {
        "stype"
        | "mstype"
        | "basetype"
        | "leftarg"
        | "rightarg"
        | "subtype"
        | "element"
        | "like"
        | "multirange_type_name" => Space::Type,
        "subtype_opclass" => Space::OperatorClass,
        "collation" => Space::Collation,
        "parser" | "template" | "copy" => Space::TextSearch,
        "commutator" | "negator" | "sortop" => Space::Operator,
        _ => Space::Routine,
    }
}

fn names_multirange(path_type: &SyntaxNode) -> bool {
    path_type.kind() == SyntaxKind::PATH_TYPE
        && attribute_name(path_type).is_some_and(|name| name == "multirange_type_name")
}

fn attribute_name(path_type: &SyntaxNode) -> Option<String> {
    let value = path_type
        .parent()
        .filter(|it| it.kind() == SyntaxKind::ATTRIBUTE_VALUE)?;
    let option = value.parent()?;
    let name = option
        .children()
        .find(|it| it.kind() == SyntaxKind::ATTRIBUTE_NAME)?;
    Some(normalize_name_node(&name))
}

/// The operator's sign, without the path before it.
fn sign(op: &SyntaxNode) -> String {
    let path = op
        .children()
        .find(|it| it.kind() == SyntaxKind::PATH_REF)
        .map(|it| it.text_range());
    op.descendants_with_tokens()
        .filter_map(squawk_syntax::SyntaxElement::into_token)
        .filter(|token| {
            !token.kind().is_trivia() && !path.is_some_and(|it| it.contains_range(token.text_range()))
        })
        .map(|token| token.text().to_owned())
        .collect()
}

/// A reference to the schema that `node` names, without its object.
fn named(node: &SyntaxNode) -> Option<Reference> {
    let schema = normalize_name_node(node);
    (!schema.is_empty()).then(|| Reference {
        start: usize::from(node.text_range().start()),
        token: node.text().to_string(),
        schema,
        name: String::new(),
        object: None,
        extension: None,
        role: Role::Schema,
        defines: false,
        is_subject: false,
        has_database: false,
    })
}
