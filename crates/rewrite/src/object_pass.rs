//! Names of objects that stand without a schema: along the search path, beside their table, or as what qualifies
//! a column.

use catalog::QualifiedName;
use plan::Namespace;
use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::known::Space;
use crate::reference::{self, Role, Token, collect_fields};
use crate::relation;
use crate::rewriter::child;
use crate::scope::{self, Binding};
use crate::statement_pass::{Place, StatementPass};
use crate::unqualified;
use crate::verdict::{NewName, Trust, Verdict};

impl StatementPass<'_> {
    /// Renames what `node` names, if it is no reference with a schema.
    pub(crate) fn object(&mut self, node: &SyntaxNode, place: Place<'_>) {
        use SyntaxKind as K;
        match node.kind() {
            K::INDEX | K::INDEX_REF => self.index(node, place),
            K::CONSTRAINT_NAME => self.constraint(node, place),
            K::TRIGGER | K::TRIGGER_REF | K::RULE | K::RULE_REF | K::POLICY | K::POLICY_REF => {
                self.rename_in(Namespace::OfTable, "", node, place);
            }
            K::COLUMN_NAME_REF if self.rewriter.after_columns => self.column(node, place),
            K::FIELD_EXPR => self.qualifier(node, place),
            K::PLPGSQL_ASSIGN_TARGET => self.assigned(node, place),
            _ if place.trust == Trust::Unchecked => self.unqualified(node, place),
            _ => {}
        }
    }

    fn unqualified(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let Some(found) = unqualified::of_node(node, &place.context.shadows) else {
            if node.kind() == SyntaxKind::NAME_REF {
                self.whole_row(node, place);
            }
            return;
        };
        match self.rewriter.unqualified_verdict(&found, &place.context.path) {
            Verdict::Keep => {}
            Verdict::Rename(new) => {
                let token = Token {
                    start: found.start,
                    text: found.token,
                };
                self.rename(&token, &new.object, place);
            }
            Verdict::Doubt(reason) => self.concern(found.start, reason, place),
        }
    }

    /// An index that is made beside its table, or that belongs to it.
    fn index(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let segments = node
            .descendants()
            .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF));
        // With a schema, or outside a statement on a table, the path itself is a reference.
        let parent = node.parent().map(|it| it.kind());
        let beside_table = matches!(
            parent,
            Some(SyntaxKind::CREATE_INDEX | SyntaxKind::CLUSTER_ON | SyntaxKind::USING_INDEX_NAME)
        );
        if beside_table && segments.count() == 1 {
            let table = table_of(node, place);
            self.rename_in(Namespace::Objects, &table.schema, node, place);
        }
    }

    /// A constraint that is there; `SET CONSTRAINTS` can name it with its schema.
    pub(crate) fn constraint_reference(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let segments: Vec<SyntaxNode> = node
            .descendants()
            .filter(|it| matches!(it.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
            .collect();
        if let [schema, _] = segments.as_slice() {
            let old = normalize_name_node(schema);
            let new = self.rewriter.mapping.schema(&old);
            if new != old && self.rewriter.moves(&old) {
                self.rename(&Token::of(schema), &new, place);
            }
        }
        if self.rewriter.mapping.renames_objects() {
            self.constraint(node, place);
        }
    }

    /// A constraint is called like its index, where it has one.
    fn constraint(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let name = relation::innermost(node.clone());
        let has_index = match node.parent().map(|it| it.kind()) {
            // Only such constraints can be named there.
            Some(SyntaxKind::CONFLICT_ON_CONSTRAINT) => true,
            // It does not say of which table.
            Some(SyntaxKind::SET_CONSTRAINTS) => {
                let name = normalize_name_node(&name);
                if !self.rewriter.known.is_complete() {
                    // Keys come behind the rows, and bodies before them.
                    let at = usize::from(node.text_range().start());
                    self.concern(
                        at,
                        format!("constraint {name} can be called like an index"),
                        place,
                    );
                }
                self.rewriter.known.has_indexed_constraint(&name)
            }
            _ if node.kind() == SyntaxKind::CONSTRAINT_NAME => relation::has_index(node),
            _ => {
                let table = table_of(node, place);
                self.rewriter.known.has_index(table, &normalize_name_node(&name))
            }
        };
        let table = table_of(node, place);
        let namespace = if has_index {
            Namespace::Objects
        } else {
            Namespace::OfTable
        };
        self.rename_in(namespace, &table.schema, &name, place);
    }

    fn rename_in(&mut self, namespace: Namespace, schema: &str, node: &SyntaxNode, place: Place<'_>) {
        let name = normalize_name_node(&relation::innermost(node.clone()));
        let new = self.rewriter.mapping.object(namespace, schema, &name);
        if new != name {
            self.rename(&Token::of(node), &new, place);
        }
    }

    /// Whether `node` names a column in a statement that runs when columns have their new names.
    pub(crate) fn is_later_column(&self, node: &SyntaxNode) -> bool {
        node.kind() == SyntaxKind::COLUMN_NAME_REF
            && self.rewriter.after_columns
            && self.rewriter.mapping.renames_columns()
    }

    fn column(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let name = normalize_name_node(node);
        let (known, mapping) = (&self.rewriter.known, &self.rewriter.mapping);
        let statement = node.ancestors().last();
        let has_column = |it: &reference::Reference| {
            let table = QualifiedName::new(&it.schema, &it.name);
            known
                .columns(&table)
                .is_some_and(|columns| columns.contains(&name))
        };
        let table = statement.and_then(|it| reference::names(&it).find(has_column));
        let new = table.map_or_else(
            || mapping.column(&name),
            |it| mapping.column_of(&it.schema, &it.name, &name),
        );
        if new != name {
            self.rename(&Token::of(node), &new, place);
        }
    }

    /// `users` in `users.id` and `users.*`: a relation that goes by its own name, or the routine whose argument
    /// it is.
    fn qualifier(&mut self, field: &SyntaxNode, place: Place<'_>) {
        let is_part = field.parent().is_some_and(|it| {
            it.kind() == SyntaxKind::FIELD_EXPR
                || (it.kind() == SyntaxKind::CALL_EXPR && it.first_child().as_ref() == Some(field))
        });
        let (mut names, mut star) = (Vec::new(), false);
        if is_part || collect_fields(field, &mut names, &mut star).is_none() {
            return;
        }
        let Some(first) = names.first().filter(|_| names.len() + usize::from(star) == 2) else {
            return;
        };
        self.function_as_column(field, &names, place);
        let name = normalize_name_node(first);
        let is_routine = place
            .context
            .routine
            .as_ref()
            .is_some_and(|(old, _)| *old == name);
        if !is_routine && !self.rewriter.renamed.contains(&name) {
            return;
        }
        let new = match scope::binding(field, &name) {
            // A function in FROM keeps its name as an alias.
            Some(Binding::Named(path))
                if path.kind() != SyntaxKind::NAME_REF && path.kind() != SyntaxKind::FIELD_EXPR =>
            {
                self.new_name_of(&path, place)
            }
            Some(Binding::Named(_) | Binding::Aliased(_) | Binding::Fixed) => None,
            None => routines_new_name(&name, place),
        };
        if let Some(new) = new {
            self.rename(&Token::of(first), &new, place);
        }
    }

    /// `users.f` calls `f(users)` where `users` has no column of that name (`ParseFuncOrColumn` in `parse_func.c`).
    fn function_as_column(&mut self, field: &SyntaxNode, names: &[SyntaxNode], place: Place<'_>) {
        let [row, function] = names else { return };
        let function_name = normalize_name_node(function);
        let known = &self.rewriter.known;
        let is_renamed =
            self.rewriter.renamed.contains(&function_name) && known.is_routine_name(&function_name);
        if !is_renamed || place.trust != Trust::Unchecked {
            return;
        }
        let path = match scope::binding(field, &normalize_name_node(row)) {
            Some(Binding::Named(path) | Binding::Aliased(path)) => path,
            Some(Binding::Fixed) | None => return,
        };
        let is_column = self
            .columns_of(&path, place)
            .is_none_or(|columns| columns.contains(&function_name));
        if !is_column {
            let at = usize::from(function.text_range().start());
            let reason = format!("{function_name} is called as if it were a column, and gets another name");
            self.concern(at, reason, place);
        }
    }

    /// `routine.argument.field`, which looks like a name with a schema. Tells whether it is one.
    pub(crate) fn argument(&mut self, field: &SyntaxNode, place: Place<'_>) -> bool {
        let routine = place.context.routine.as_ref().map(|(old, _)| old);
        let is_outermost = field.kind() == SyntaxKind::FIELD_EXPR
            && !field.parent().is_some_and(|it| {
                it.kind() == SyntaxKind::FIELD_EXPR
                    || (it.kind() == SyntaxKind::CALL_EXPR && it.first_child().as_ref() == Some(field))
            });
        let (mut names, mut star) = (Vec::new(), false);
        if !is_outermost || collect_fields(field, &mut names, &mut star).is_none() {
            return false;
        }
        let Some(first) = names.first().filter(|_| names.len() + usize::from(star) == 3) else {
            return false;
        };
        let name = normalize_name_node(first);
        let is_routine = routine == Some(&name);
        let is_label = is_routine || place.context.shadows.labels.contains(&name);
        // `schema.table.column` of a table in FROM comes before anything that a body declares.
        let relation = scope::binding(field, &normalize_name_node(&names[1]));
        let is_in_from = matches!(&relation, Some(Binding::Named(path))
            if reference::of_node(path).is_some_and(|it| it.schema == name));
        if is_in_from {
            return false;
        }
        if is_label && self.rewriter.known.is_own_schema(&name) {
            let at = usize::from(first.text_range().start());
            let reason = format!("{name} can be a schema here, or a block or routine of that name");
            self.concern(at, reason, place);
            return true;
        }
        if !is_routine || self.rewriter.known.is_own_schema(&name) || scope::binding(field, &name).is_some() {
            return false;
        }
        if let Some(new) = routines_new_name(&name, place) {
            self.rename(&Token::of(first), &new, place);
        }
        true
    }

    /// A transition table called like a table that gets another name: in an archive the routine's body was told of
    /// it, in plain SQL the body has passed before.
    pub(crate) fn transition_table(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let name = normalize_name_node(node);
        if !self.rewriter.known.is_complete() && self.rewriter.renamed.contains(&name) {
            let at = usize::from(node.text_range().start());
            let statement = node
                .ancestors()
                .find(|it| it.kind() == SyntaxKind::CREATE_TRIGGER);
            let function = statement.and_then(|it| relation::transition_tables(&it).0);
            let function = function.map_or_else(|| "its function".to_owned(), |it| format!("{it}()"));
            let reason = format!("{function} can mean transition table {name} or the table of that name");
            self.concern(at, reason, place);
        }
    }

    /// Transition tables of the triggers that call the routine which `statement` makes.
    pub(crate) fn transition_tables(&self, statement: &SyntaxNode) -> std::collections::HashSet<String> {
        if statement.kind() != SyntaxKind::CREATE_FUNCTION {
            return std::collections::HashSet::new();
        }
        let routine = reference::names(statement).find(|it| it.defines);
        routine
            .map(|it| QualifiedName::new(it.schema, it.name))
            .and_then(|it| self.rewriter.known.transition_tables(&it).cloned())
            .unwrap_or_default()
    }

    /// `routine.argument := …`
    fn assigned(&mut self, target: &SyntaxNode, place: Place<'_>) {
        let has_field = child(target, SyntaxKind::FIELD_ACCESSOR).is_some();
        let first = target.first_child().filter(|_| has_field);
        if let Some(first) = first
            && let Some(new) = routines_new_name(&normalize_name_node(&first), place)
        {
            self.rename(&Token::of(&first), &new, place);
        }
    }

    /// `SELECT … INTO routine.argument`, which no tree shows.
    pub(crate) fn labels_of_targets(&mut self, body: &str, place: Place<'_>) {
        for (start, word) in crate::body::into_labels(body) {
            if let Some(new) = routines_new_name(word, place) {
                let text = word.to_owned();
                self.rename(&Token { start, text }, &new, place);
            }
        }
    }

    /// `users` as a value: the whole row, unless a column is called so, which comes first.
    fn whole_row(&mut self, node: &SyntaxNode, place: Place<'_>) {
        let name = normalize_name_node(node);
        let is_field = node
            .parent()
            .is_some_and(|it| it.kind() == SyntaxKind::FIELD_EXPR);
        if is_field || !self.rewriter.renamed.contains(&name) {
            return;
        }
        let Some(Binding::Named(path)) = scope::binding(node, &name) else {
            return;
        };
        let Some(new) = self.new_name_of(&path, place) else {
            return;
        };
        if scope::is_output_alias(node, &name) {
            return;
        }
        let is_column = if place.context.variables.contains(&name) {
            None
        } else {
            self.is_column(node, &name, place)
        };
        match is_column {
            Some(true) => {}
            Some(false) => {
                self.rename(&Token::of(node), &new, place);
                self.keep_name(node, &name, place);
            }
            None => {
                let at = usize::from(node.text_range().start());
                let reason = format!("{name} can be a column or variable here, or the whole row of {name}");
                self.concern(at, reason, place);
            }
        }
    }

    /// Whether a relation in scope has a column called `name`; `None` when one has columns that nothing tells.
    fn is_column(&self, node: &SyntaxNode, name: &str, place: Place<'_>) -> Option<bool> {
        let mut all_known = true;
        for binding in scope::visible(node) {
            let columns = match &binding {
                Binding::Named(path) | Binding::Aliased(path) => self.columns_of(path, place),
                Binding::Fixed => None,
            };
            match columns {
                Some(columns) if columns.iter().any(|it| it == name) => return Some(true),
                Some(_) => {}
                None => all_known = false,
            }
        }
        all_known.then_some(false)
    }

    fn columns_of(&self, path: &SyntaxNode, place: Place<'_>) -> Option<&[String]> {
        let relation = if let Some(reference) = reference::of_node(path) {
            QualifiedName::new(reference.schema, reference.name)
        } else {
            let found = unqualified::of_node(path, &place.context.shadows)?;
            self.rewriter.relation_on(&place.context.path, &found.name)?
        };
        self.rewriter.known.columns(&relation)
    }

    /// The new name, without a schema, of what a path or a callee names.
    pub(crate) fn new_name_of(&self, path: &SyntaxNode, place: Place<'_>) -> Option<String> {
        let verdict = if let Some(reference) = reference::of_node(path) {
            self.rewriter.verdict(&reference, place.trust)
        } else {
            let found = unqualified::of_node(path, &place.context.shadows)?;
            self.rewriter.unqualified_verdict(&found, &place.context.path)
        };
        match verdict {
            Verdict::Rename(NewName { object, .. }) => Some(object),
            Verdict::Keep | Verdict::Doubt(_) => None,
        }
        .filter(|new| *new != normalize_name_node(&relation::innermost(path.clone())))
    }

    /// The routine that `statement` makes: its name and the one that it gets.
    pub(crate) fn routine(&self, statement: &SyntaxNode) -> Option<(String, String)> {
        if !matches!(
            statement.kind(),
            SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE
        ) {
            return None;
        }
        let reference = reference::names(statement).find(|it| it.defines)?;
        let new = self
            .rewriter
            .object_name(Space::Routine, &reference.schema, &reference.name);
        Some((reference.name, new))
    }
}

/// The table that the statement around `node` is about.
fn table_of(node: &SyntaxNode, place: Place<'_>) -> QualifiedName {
    let statement = node
        .ancestors()
        .take_while(|it| it.parent().is_some())
        .find(|it| {
            it.kind() == SyntaxKind::INSERT
                || it.parent().is_some_and(|it| it.kind() == SyntaxKind::SOURCE_FILE)
        });
    let found = statement.and_then(|statement| {
        reference::names(&statement)
            .find(|it| matches!(it.role, Role::Object(Space::Relation | Space::Type | Space::Any)))
    });
    found.map_or_else(
        || {
            let schema = place.context.path.first().cloned().unwrap_or_default();
            QualifiedName::new(schema, "")
        },
        |it| QualifiedName::new(it.schema, it.name),
    )
}

fn routines_new_name(name: &str, place: Place<'_>) -> Option<String> {
    let (old, new) = place.context.routine.as_ref()?;
    (old == name && old != new && !place.context.variables.contains(name)).then(|| new.clone())
}
