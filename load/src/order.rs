//! The order of a load: what it begins with, everything up to the moment at which the schemas are live, and what is said
//! when it ends before.

use std::cell::Cell;

use archive::{End, Header, SchemaMember};
use cli::{ArchiveReader, Exit, Failure, Outcome, Result, Ui};

use crate::after::After;
use crate::apart::Apart;
use crate::args::{Args, Privileges};
use crate::conversions::Staging;
use crate::extension_rows::ExtensionRows;
use crate::journal::{Ending, Loaded, Origin, Run};
use crate::merging::{Joined, MergedRows, Merging, Wishes};
use crate::proofs::ReadBack;
use crate::rejects::Rejects;
use crate::resume::Start;
use crate::rows::{Filled, Filling, LateRows};
use crate::steps::Steps;
use crate::target::Target;
use crate::{
    Texts, checks, conversions, dry_run, grants, indexes, journal, large_objects, merging, prepare, rejects,
    resume, roles, rows, settle, shell_word, withheld,
};

/// What is loaded, and how.
pub(crate) struct Load<'a> {
    pub(crate) header: &'a Header,
    pub(crate) texts: &'a Texts,
    pub(crate) apart: &'a Apart,
    pub(crate) after: &'a After,
    pub(crate) rejects: &'a Rejects,
    pub(crate) joined: &'a Joined,
    /// What it is known by; their locks are held.
    pub(crate) places: Vec<String>,
    /// The target is dropped in any case.
    pub(crate) is_restore_test: bool,
    pub(crate) args: &'a Args,
    pub(crate) ui: &'a Ui,
    /// False when nobody could say what became of the last transaction.
    pub(crate) ending_is_known: Cell<bool>,
}

/// How a load has begun.
pub(crate) enum Begun {
    /// With what is in.
    Writes(Box<(Run, Loaded)>),
    /// It is live already, and this is what it was, with its report of joined rows.
    Ended(Outcome, String),
}

/// What was proved of a load, what was merged, and the report of joined rows.
type Proved = (End, Option<ReadBack>, (MergedRows, String));

impl Load<'_> {
    /// The schemas that exist already, empty; a refusal where the archive does not fit.
    fn check(&self, target: &mut Target) -> Result<Vec<String>> {
        let wishes = (self.apart, self.after);
        checks::check(target, self.header, self.texts, wishes, self.args, self.ui)
    }

    /// `--dry-run`: all of it in one transaction that is rolled back.
    pub(crate) fn rehearse(&self, target: &mut Target, reader: ArchiveReader) -> Result {
        let existing = self.check(target)?;
        let work = dry_run::Work {
            header: self.header,
            texts: self.texts,
            apart: self.apart,
            existing: &existing,
            args: self.args,
        };
        work.rehearse(target, reader, self.ui).map(|()| Outcome::Done)
    }

    /// Enters the run into the journal, or takes up one that did not end.
    pub(crate) fn begin(&self, target: &mut Target) -> Result<Begun> {
        let (args, header, ui) = (self.args, self.header, self.ui);
        let origin = Origin::new(header, self.texts);
        let start = if args.resume {
            resume::take_up(target, header, &origin, &self.places, &args.archive, ui)?
        } else {
            Start::Fresh
        };
        let wanted = rows::sessions_wanted(header);
        let begun = match start {
            Start::AlreadyLive(run) => {
                ui.status(format_args!(
                    "{} is live on {} already: this archive has been loaded",
                    self.places.join(", "),
                    target.name()
                ));
                let lacks_rows = rejects::say_rejected(target.client(), run, ui)?;
                let outcome = if lacks_rows {
                    Outcome::Findings
                } else {
                    Outcome::Done
                };
                let text = self.joined.text(target.client(), run)?;
                return Ok(Begun::Ended(outcome, text));
            }
            Start::Fresh => {
                self.rejects.begin()?;
                let existing = self.check(target)?;
                target.open_sessions_for_rows(wanted, ui)?;
                let run = journal::begin(target, header, &origin, &existing)?;
                (run, Loaded::default())
            }
            Start::GoesOn(found) => {
                self.rejects.recall(target, &found.0, header)?;
                checks::check_wishes(
                    target,
                    header,
                    &found.0,
                    self.texts,
                    (self.apart, self.after),
                    args,
                )?;
                target.open_sessions_for_rows(wanted, ui)?;
                *found
            }
        };
        target.enter_run(&begun.0, header)?;
        Ok(Begun::Writes(Box::new(begun)))
    }

    /// Does everything, or says what is left and what can be done.
    pub(crate) fn run_to_its_end(
        &self,
        target: &mut Target,
        run: &Run,
        loaded: &Loaded,
        reader: ArchiveReader,
    ) -> Result<Proved> {
        let steps = Steps { run, loaded };
        if self.is_restore_test {
            return self.run(target, steps, reader);
        }
        cli::set_last_words(self.last_words(target));
        let ended = self.run(target, steps, reader);
        let proved = ended.map_err(|failure| {
            if !self.ending_is_known.get() {
                return failure
                    .with_state("whether it is live is not known: nobody answers")
                    .with_way_out(self.way_on());
            }
            let way_out = self.way_out(failure.exit());
            self.state_left(target)
                .into_iter()
                .fold(failure, Failure::with_state)
                .with_way_out(way_out)
        })?;
        cli::set_last_words(Vec::new());
        Ok(proved)
    }

    /// Everything between the journal's entry and the moment at which the schemas are live.
    fn run(&self, target: &mut Target, steps: Steps<'_>, reader: ArchiveReader) -> Result<Proved> {
        let (header, texts, rejects, ui) = (self.header, self.texts, self.rejects, self.ui);
        let run = steps.run;
        prepare::create(target, steps, header, texts.get(SchemaMember::PreData), ui)?;
        large_objects::create(target, steps, header)?;
        let staging = Staging::new(header);
        staging.create(target, steps)?;
        let merging = Merging::new(header);
        merging.create(target, steps)?;
        let extension_rows = ExtensionRows::new(target, header)?;
        let filling = Filling {
            archive: &self.args.archive,
            whole_max: self.args.whole_bytes_max(),
            rejects,
            staging: &staging,
            parts: merging.staging(),
            reads_back: self.args.proofs.reads_back(),
        };
        let filled = filling.fill(target, steps, reader, header, ui)?;
        let Filled {
            end,
            late,
            of_extensions,
            converted,
        } = filled;
        staging.convert(target, steps, &end, ui)?;
        merging.merge(target, steps, &end, self.wishes(), ui)?;
        extension_rows.compare(target, &of_extensions, ui)?;
        let post_data = texts.get(SchemaMember::PostData);
        // A function that an index or a view calls can put values into its words.
        let withhold = |failure| withheld::of_rows(failure, ui.is_verbose());
        let (columns, row_security) =
            indexes::build(target, steps, header, post_data, (late, rejects), ui).map_err(withhold)?;
        let mut before_changes = ReadBack::default();
        if self.args.proofs.reads_back() && columns.change(steps) {
            before_changes = ReadBack::before_changes(target, run, header, &end, ui)?;
        }
        columns.settle(target, steps).map_err(withhold)?;
        settle::settle(target, steps, header, &end, ui).map_err(withhold)?;
        // Before row level security, which would stand in the way.
        target.revive(run)?;
        let mut read_back = if self.args.proofs.reads_back() {
            let (header, end) = conversions::as_loaded(header, &end, &converted);
            let mut read_back = ReadBack::of_tables(target, run, &header, &end, ui)?;
            read_back.rows += before_changes.rows;
            read_back.elapsed += before_changes.elapsed;
            read_back.rows += merging::read_back(target, run, &header, ui)?;
            Some(read_back)
        } else {
            None
        };
        row_security.enable(target, steps)?;
        rejects.finish(target, run, header, &end)?;
        self.after.run(target, steps, header, ui)?;
        cli::check_interrupt()?;
        target.revive(run)?;
        let merged = MergedRows::read(target.client(), run.id())?;
        let text = self.joined.text(target.client(), run.id())?;
        self.go_live(target, run, &extension_rows, &of_extensions, &mut read_back)?;
        Ok((end, read_back, (merged, text)))
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            reads_back: self.args.proofs.reads_back(),
            keeps_values: self.args.merging.joined_values,
        }
    }

    /// The last transaction.
    fn go_live(
        &self,
        target: &mut Target,
        run: &Run,
        extension_rows: &ExtensionRows<'_>,
        of_extensions: &LateRows,
        read_back: &mut Option<ReadBack>,
    ) -> Result<()> {
        let (header, args, ui) = (self.header, self.args, self.ui);
        let privileges = self.texts.get(SchemaMember::Privileges);
        let keep = args.privileges == Privileges::Keep;
        if keep {
            grants::say_public(run, header, privileges, ui);
        } else {
            grants::mention(privileges, large_objects::grants(header), ui);
        }
        if !self.is_restore_test {
            cli::set_last_words(vec![
                "whether it is live already is not known here: `load --resume` says so".to_owned(),
            ]);
        }
        let pace = target.pace();
        let ending = journal::go_live(target, run, |transaction| {
            roles::create(transaction, &args.roles)?;
            grants::open(transaction, run, header, privileges, keep)?;
            large_objects::open(transaction, header, keep)?;
            extension_rows.add(transaction, of_extensions, ui)?;
            roles::settle(transaction, run, header, &args.roles, |transaction| {
                self.after.grant(transaction, run, header, ui)
            })?;
            if let Some(read_back) = read_back {
                read_back.of_extension_rows(transaction, header, of_extensions, &pace)?;
            }
            self.apart.apply(transaction)
        })?;
        if let Ending::NotKnown(failure) = ending {
            self.ending_is_known.set(false);
            return Err(failure);
        }
        roles::say(run, header, &args.roles, ui);
        self.apart.say(ui);
        Ok(())
    }

    /// What a load that does not end well leaves.
    fn state_left(&self, target: &Target) -> [String; 2] {
        [
            format!("nothing is live on {}", target.name()),
            format!("what was loaded before is in {}", self.places.join(", ")),
        ]
    }

    /// `reason` is what ended the load.
    fn way_out(&self, reason: Exit) -> String {
        let schema = shell_word(self.places.first().map_or("SCHEMA", String::as_str));
        let target = &self.args.to.shown;
        let way_on = if reason == Exit::Archive {
            format!("`load --resume {target} ARCHIVE` goes on with a whole archive of the same source")
        } else {
            self.way_on()
        };
        format!("{way_on}, `load --abandon {schema} {target}` removes it")
    }

    fn way_on(&self) -> String {
        let target = &self.args.to.shown;
        if self.args.archive == "-" {
            return format!("`… | load --resume {target}` with the same options begins again");
        }
        let archive = shell_word(&self.args.archive);
        format!("`load --resume {target} {archive}` with the same options goes on")
    }

    /// For a load that is interrupted and cannot end by itself.
    fn last_words(&self, target: &Target) -> Vec<String> {
        let left = self.state_left(target);
        left.into_iter().chain([self.way_out(Exit::Target)]).collect()
    }
}
