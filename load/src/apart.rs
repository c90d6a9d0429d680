//! What concerns more than the schemas: publications, subscriptions, event triggers, default privileges and settings.
//! It is applied on request only, in the transaction that makes the schemas live.

use std::collections::BTreeSet;

use archive::Header;
use catalog::{Setting, quote_ident};
use cli::{Failure, Result, Ui};
use database::postgres::read_settings;
use postgres::Transaction;
use rewrite::{ApartKind, ApartStatement, apart_statements};
use serde_json::{Value, json};

use crate::args::Apply;
use crate::grants;
use crate::statements::execute;
use crate::target::{Target, failed};

/// What an archive has of it, and what of that was asked for.
pub(crate) struct Apart {
    statements: Vec<ApartStatement>,
    settings: Vec<Setting>,
    wanted: BTreeSet<Apply>,
}

impl From<ApartKind> for Apply {
    fn from(kind: ApartKind) -> Self {
        match kind {
            ApartKind::DefaultPrivileges => Apply::DefaultPrivileges,
            ApartKind::Publication => Apply::Publications,
            ApartKind::Subscription => Apply::Subscriptions,
            ApartKind::EventTrigger => Apply::EventTriggers,
        }
    }
}

impl Apply {
    const ALL: [Apply; 5] = [
        Apply::DefaultPrivileges,
        Apply::Publications,
        Apply::Settings,
        Apply::Subscriptions,
        Apply::EventTriggers,
    ];

    fn words(self) -> &'static str {
        match self {
            Apply::Settings => "settings",
            Apply::DefaultPrivileges => ApartKind::DefaultPrivileges.words(),
            Apply::Publications => ApartKind::Publication.words(),
            Apply::Subscriptions => ApartKind::Subscription.words(),
            Apply::EventTriggers => ApartKind::EventTrigger.words(),
        }
    }

    /// One of them, for a sentence.
    fn word(self) -> &'static str {
        match self {
            Apply::DefaultPrivileges => "default privileges",
            Apply::Publications => "publication",
            Apply::Settings => "setting",
            Apply::Subscriptions => "subscription",
            Apply::EventTriggers => "event trigger",
        }
    }
}

impl Apart {
    pub(crate) fn new(header: &Header, sql: &str, wanted: &[Apply]) -> Self {
        Apart {
            statements: apart_statements(sql),
            settings: header.catalog.settings.clone(),
            wanted: wanted.iter().copied().collect(),
        }
    }

    /// The statements that were asked for, in the order of their work.
    fn wanted(&self) -> impl Iterator<Item = &ApartStatement> {
        let of_kind = |kind: &Apply| {
            let kind = *kind;
            self.statements
                .iter()
                .filter(move |it| Apply::from(it.kind) == kind)
        };
        self.wanted.iter().flat_map(of_kind)
    }

    fn wanted_settings(&self) -> &[Setting] {
        if self.wanted.contains(&Apply::Settings) {
            &self.settings
        } else {
            &[]
        }
    }

    /// What keeps the target from taking what was asked for, as sentences.
    pub(crate) fn findings(&self, target: &mut Target) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        if self.wanted().next().is_some() {
            self.check_rights(target, &mut findings)?;
            self.check_names(target, &mut findings)?;
        }
        let missing = self.check_roles(target, &mut findings)?;
        self.check_settings(target, &missing, &mut findings)?;
        // An object can have several statements.
        let mut told = BTreeSet::new();
        findings.retain(|it| told.insert(it.clone()));
        Ok(findings)
    }

    fn check_rights(&self, target: &mut Target, findings: &mut Vec<String>) -> Result<()> {
        const SUPERUSER: &str = "SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
        let row = target
            .client()
            .query_one(SUPERUSER, &[])
            .map_err(|error| failed("the role could not be examined", error))?;
        if row.get(0) {
            return Ok(());
        }
        for statement in self.wanted() {
            let name = statement.name.as_deref().unwrap_or_default();
            match statement.kind {
                ApartKind::EventTrigger | ApartKind::Subscription if statement.creates => {
                    findings.push(format!(
                        "{} {name} needs a superuser: load as one, or without --apply {}",
                        Apply::from(statement.kind).word(),
                        Apply::from(statement.kind).words().replace(' ', "-")
                    ));
                }
                ApartKind::Publication if statement.reaches_all => findings.push(format!(
                    "publication {name} is for all tables or for whole schemas and needs a superuser: \
                     load as one, or without --apply publications"
                )),
                _ => {}
            }
        }
        Ok(())
    }

    /// The names are the whole database's.
    fn check_names(&self, target: &mut Target, findings: &mut Vec<String>) -> Result<()> {
        const NAMES: &str = "SELECT 'publication' AS kind, pubname::pg_catalog.text AS name FROM pg_catalog.pg_publication
            UNION ALL SELECT 'event trigger', evtname::pg_catalog.text FROM pg_catalog.pg_event_trigger
            UNION ALL SELECT 'subscription', s.subname::pg_catalog.text FROM pg_catalog.pg_subscription s
            JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()";
        let rows = target.client().query(NAMES, &[]).map_err(|error| {
            failed(
                "the publications, subscriptions and event triggers could not be listed",
                error,
            )
        })?;
        let there: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for statement in self.wanted().filter(|it| it.creates) {
            let word = Apply::from(statement.kind).word();
            let name = statement.name.clone().unwrap_or_default();
            if there.contains(&(word.to_owned(), name.clone())) {
                findings.push(format!("{word} {name} exists: rename one of the two"));
            }
        }
        Ok(())
    }

    /// Returns those that do not exist.
    fn check_roles(&self, target: &mut Target, findings: &mut Vec<String>) -> Result<BTreeSet<String>> {
        const FOREIGN: &str = "SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r
            WHERE r.rolname = ANY ($1) AND NOT pg_catalog.pg_has_role(r.oid, 'USAGE') ORDER BY 1";
        let of_settings = self.wanted_settings().iter().filter_map(|it| it.role.clone());
        let named: BTreeSet<String> = self
            .wanted()
            .flat_map(|it| it.roles.iter().cloned())
            .chain(of_settings)
            .collect();
        let named: Vec<String> = named.into_iter().collect();
        let missing = grants::missing_roles(target, &named)?;
        for role in &missing {
            findings.push(format!(
                "role {role}, which default privileges or settings name, does not exist: create it"
            ));
        }
        let makers: Vec<String> = self.wanted().flat_map(|it| it.of_roles.iter().cloned()).collect();
        let rows = target
            .client()
            .query(FOREIGN, &[&makers])
            .map_err(|error| failed("the roles could not be examined", error))?;
        findings.extend(rows.iter().map(|row| {
            let role: String = row.get(0);
            format!("default privileges for role {role} need membership in it")
        }));
        Ok(missing)
    }

    /// The server itself is asked for its leave, in a transaction that is rolled back.
    fn check_settings(
        &self,
        target: &mut Target,
        missing_roles: &BTreeSet<String>,
        findings: &mut Vec<String>,
    ) -> Result<()> {
        if self.wanted_settings().is_empty() {
            return Ok(());
        }
        let step = "the settings could not be tried";
        let there = read_settings(target.client()).map_err(Failure::target)?;
        let mut transaction = target
            .client()
            .transaction()
            .map_err(|error| failed(step, error))?;
        let database = database_name(&mut transaction)?;
        let has_role = |it: &&Setting| it.role.as_ref().is_none_or(|role| !missing_roles.contains(role));
        for setting in self.wanted_settings().iter().filter(has_role) {
            let same = there
                .iter()
                .find(|it| it.role == setting.role && it.name == setting.name);
            if same.is_some_and(|it| it.value != setting.value) {
                findings.push(format!(
                    "setting {setting} has another value here: RESET it, or load without --apply settings"
                ));
                continue;
            }
            let mut try_out = transaction.transaction().map_err(|error| failed(step, error))?;
            let tried = try_out.batch_execute(&setting_sql(setting, &database));
            try_out.rollback().map_err(|error| failed(step, error))?;
            let Err(error) = tried else { continue };
            match error.as_db_error() {
                Some(error) => findings.push(format!("setting {setting} is refused: {}", error.message())),
                None => return Err(failed(step, error)),
            }
        }
        transaction.rollback().map_err(|error| failed(step, error))
    }

    /// All that [`Apart::apply`] runs, in its order.
    pub(crate) fn statements(&self, transaction: &mut Transaction<'_>) -> Result<Vec<String>> {
        let settings = self.wanted_settings();
        let mut all = Vec::new();
        if !settings.is_empty() {
            let database = database_name(transaction)?;
            all.extend(settings.iter().map(|it| setting_sql(it, &database)));
        }
        all.extend(self.wanted().map(|it| it.sql.clone()));
        Ok(all)
    }

    /// Applies what was asked for. Event triggers come last: they would fire for the rest.
    pub(crate) fn apply(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        let all = self.statements(transaction)?;
        all.iter().try_for_each(|it| execute(transaction, it))
    }

    /// Says what was applied and what was not, and what is still to be done.
    pub(crate) fn say(&self, ui: &Ui) {
        let (applied, left): (Vec<Apply>, Vec<Apply>) = Apply::ALL
            .into_iter()
            .filter(|kind| !self.names(*kind).is_empty())
            .partition(|kind| self.wanted.contains(kind));
        let told = |kinds: Vec<Apply>| {
            let parts = kinds
                .into_iter()
                .map(|it| format!("{} {}", it.words(), self.names(it).join(", ")));
            parts.collect::<Vec<_>>().join("; ")
        };
        if !left.is_empty() {
            ui.status(format_args!(
                "in the archive and not applied (--apply): {}",
                told(left)
            ));
        }
        if !applied.is_empty() {
            ui.status(format_args!("applied as well: {}", told(applied)));
        }
        let mut told = BTreeSet::new();
        let mut say_once = |finding: String| {
            if !told.contains(&finding) {
                ui.finding(&finding);
                told.insert(finding);
            }
        };
        for statement in self.wanted() {
            let name = statement.name.as_deref().unwrap_or_default();
            match statement.kind {
                ApartKind::Subscription if statement.creates => say_once(format!(
                    "subscription {name} is switched off and has neither password nor slot: \
                     ALTER SUBSCRIPTION … CONNECTION, SET (slot_name = …), ENABLE"
                )),
                ApartKind::Publication if statement.reaches_all => say_once(format!(
                    "publication {name} holds tables of others too, now or later: it is for all tables or whole schemas"
                )),
                ApartKind::DefaultPrivileges if statement.reaches_all => say_once(format!(
                    "default privileges for role {} hold in the whole database",
                    statement.of_roles.join(", ")
                )),
                _ => {}
            }
        }
        for setting in self.wanted_settings().iter().filter(|it| it.role.is_none()) {
            ui.finding(format_args!(
                "setting {setting} holds for every role of the database"
            ));
        }
        for kind in self.wanted.iter().filter(|it| self.names(**it).is_empty()) {
            ui.status(format_args!("the archive has no {}", kind.words()));
        }
    }

    /// What the archive has of a kind; for default privileges the roles whose objects they are about.
    fn names(&self, kind: Apply) -> Vec<String> {
        if kind == Apply::Settings {
            return self.settings.iter().map(ToString::to_string).collect();
        }
        let of_kind = self.statements.iter().filter(|it| Apply::from(it.kind) == kind);
        let names: BTreeSet<String> = of_kind
            .flat_map(|it| it.name.iter().chain(&it.of_roles).cloned())
            .collect();
        names.into_iter().collect()
    }

    pub(crate) fn json(&self) -> Value {
        let of_kind = |kind: Apply| {
            let applied = self.wanted.contains(&kind);
            let names = self.names(kind).into_iter();
            names.map(move |name| json!({"kind": kind.words(), "name": name, "applied": applied}))
        };
        Apply::ALL.into_iter().flat_map(of_kind).collect()
    }
}

fn database_name(transaction: &mut Transaction<'_>) -> Result<String> {
    let row = transaction
        .query_one("SELECT pg_catalog.current_database()::pg_catalog.text", &[])
        .map_err(|error| failed("the database could not be asked for its name", error))?;
    Ok(quote_ident(row.get(0)))
}

fn setting_sql(setting: &Setting, database: &str) -> String {
    // Of a name with a dot both parts are names.
    let parts: Vec<String> = setting.name.split('.').map(quote_ident).collect();
    let (name, value) = (parts.join("."), setting.value_as_sql());
    match &setting.role {
        Some(role) => format!(
            "ALTER ROLE {} IN DATABASE {database} SET {name} TO {value}",
            quote_ident(role)
        ),
        None => format!("ALTER DATABASE {database} SET {name} TO {value}"),
    }
}
