# Takes a plan and does what it says: many databases become one, and it is proved.
#
#   make -f consolidate.mk PLAN=plan.json plan      what would be done; every load is rehearsed, nothing is written to a target
#   make -f consolidate.mk PLAN=plan.json -j 2      everything, from the plan's check to the proof
#   make -f consolidate.mk PLAN=plan.json status    which steps are done
#   make -f consolidate.mk PLAN=plan.json verify    the proof again, as often as you like
#   make -f consolidate.mk PLAN=plan.json clean     removes the folder of archives and marks, never anything of a database
#
# Steps: check (the plan's file), backup (an archive of each source, checked and restored on trial), ready (the plan
# against sources, targets and backups), remap, load, verify. Each step that is done leaves a mark in $(WORK), so `make`
# goes on where it was stopped, however it was stopped. A mark bears the digest of what the plan says of its source:
# change the plan, and what the change touches is made again, until it is live. Nothing is loaded before everything is
# ready. Sources that share a schema or a merged table go together, as one unit TARGET-together with one load. The
# plan's `order` is kept; within it `-j N` works on N units at once. What is loaded is the backup itself, under its new
# names; it holds what the plan takes along.
#
# Variables, on make's command line or in the environment:
#   PLAN         the plan [plan.json]
#   ASSESS       where there is no plan yet: the arguments of `assess` that make it, such as
#                'mandible-dev sso-dev legacy.sqlite --target shared-app-dev'; read it before you go on
#   WORK         the folder of archives and marks [.consolidated]
#   RESTORE_ON   a database of the server on which backups are restored on trial, by a role with CREATEDB [nowhere]
#   AFTER        the folder of statements that a load runs when all rows are proved: UNIT.sql [after]
#   DUMP_FLAGS, REMAP_FLAGS, LOAD_FLAGS, VERIFY_FLAGS, READY_FLAGS
#                further options of the tools, such as LOAD_FLAGS='--privileges keep'
#
# Needs bash and GNU make 3.82 or later. Passwords belong into ~/.pgpass.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS   += --no-builtin-rules

PLAN ?= plan.json
WORK ?= .consolidated
AFTER ?= after

.PHONY: all check backup ready remap load verify plan status clean help
all:

# --- The plan ---------------------------------------------------------------------------------------------------------

ifeq ($(filter clean help,$(MAKECMDGOALS)),)
include $(WORK)/plan.mk
endif

$(WORK)/plan.mk: $(PLAN)
	@mkdir -p '$(WORK)'
	@assess --make '$(PLAN)' >'$@.new' && mv '$@.new' '$@'

ifneq ($(ASSESS),)
$(PLAN):
	assess $(ASSESS) --plan '$@'
else
$(PLAN):
	@echo "There is no plan $(PLAN). Make one, read it and mend it: assess SOURCE... --target TARGET --plan $(PLAN)" >&2
	@echo "Or name the arguments of assess in ASSESS." >&2
	@exit 2
endif

# A mark of one step of a unit, or of a source that is part of one.
mark = $(WORK)/$(1)-$(digest.$(1)).$(2)
# What marks of steps were made for.
marks = $(foreach unit,$(UNITS),$(call mark,$(unit),$(1)))
# One step of a source that has let rows go ends with 1, as the plan wants it.
allowing = $(if $(1), || [ $$$$? -eq 1 ])

CHECKED := $(WORK)/plan.checked
READY   := $(WORK)/plan.ready
BACKUP  := $(WORK)/backup
REMAPPED := $(WORK)/remapped

# The file itself; sources and targets are looked at when there are backups.
$(CHECKED): $(PLAN)
	assess --check-plan '$(PLAN)' --offline
	@touch '$@'

# --- The steps of a unit ----------------------------------------------------------------------------------------------

# Of one source $(1) of unit $(2).
define of_source
$(call mark,$(2),$(1).backup): | $(CHECKED)
	rm -rf '$(WORK)/rejects/$(1)'
	mkdir -p '$(BACKUP)' '$(WORK)/rejects'
	dump --plan '$(PLAN)' --source '$(1)' -o '$(BACKUP)/$(1)/' --force $(if $(rejects.$(1)),--rejects '$(WORK)/rejects/$(1)') $(DUMP_FLAGS)$(call allowing,$(rejects.$(1))$(salvage.$(1)))
	verify --archive '$(BACKUP)/$(1)/'
	$(if $(RESTORE_ON),load --restore-test '$(RESTORE_ON)' '$(BACKUP)/$(1)/',@echo 'backup of $(1): not restored on trial, since RESTORE_ON names no server')
	@touch '$$@'
endef

# Of a unit $(1) that is one source.
define of_single
$(call mark,$(1),remap): $(call mark,$(1),$(1).backup)
	mkdir -p '$(REMAPPED)'
	remap-schema --plan '$(PLAN)' --source '$(1)' '$(BACKUP)/$(1)/' -o '$(REMAPPED)/$(1)/' --force $(REMAP_FLAGS)
	@touch '$$@'

$(call mark,$(1),verify): $(call mark,$(1),load)
	$(call verify_single,$(1))
	@touch '$$@'

.PHONY: verify.$(1)
verify.$(1):
	@[ -e '$(call mark,$(1),load)' ] || { echo '$(1): is not loaded yet' >&2; exit 1; }
	$(call verify_single,$(1))
endef
verify_single = verify --plan '$(PLAN)' --source '$(1)' $(call after,$(1)) $(VERIFY_FLAGS)

# Of a unit $(1) of several sources, which one archive takes to the target.
define of_together
$(call mark,$(1),remap): $(foreach source,$(sources.$(1)),$(call mark,$(1),$(source).backup))
	mkdir -p '$(REMAPPED)'
	remap-schema --merge --plan '$(PLAN)' $(foreach source,$(sources.$(1)),'$(source)=$(BACKUP)/$(source)/') -o '$(REMAPPED)/$(1)/' --force $(REMAP_FLAGS)
	@touch '$$@'

$(call mark,$(1),verify): $(call mark,$(1),load)
	$(call verify_together,$(1))
	@touch '$$@'

.PHONY: verify.$(1)
verify.$(1):
	@[ -e '$(call mark,$(1),load)' ] || { echo '$(1): is not loaded yet' >&2; exit 1; }
	$(call verify_together,$(1))
endef
# The archive proves that the target has every source and nothing else; each source then, that it is still the same.
verify_together = $(foreach source,$(sources.$(1)),verify --plan '$(PLAN)' --source '$(source)' $(call after,$(1)) $(VERIFY_FLAGS) && ) \
	verify --plan '$(PLAN)' '$(REMAPPED)/$(1)/' --to-target '$(target.$(1))' $(call after,$(1)) $(VERIFY_FLAGS)

# Of every unit $(1).
define of_unit
$(foreach source,$(sources.$(1)),$(eval $(call of_source,$(source),$(1))))
$(eval $(if $(filter $(1),$(SOURCES)),$(call of_single,$(1)),$(call of_together,$(1))))

$(call mark,$(1),load): $(call mark,$(1),remap) | $(READY) $(foreach unit,$(before.$(1)),$(call mark,$(unit),load))
	load --plan '$(PLAN)' --to-target '$(target.$(1))' '$(REMAPPED)/$(1)/' --resume $(call after,$(1)) $(LOAD_FLAGS)
	@touch '$$@'

.PHONY: plan.$(1)
plan.$(1): $(call mark,$(1),remap)
	@if [ -e '$(call mark,$(1),load)' ]; then echo '$(1): is loaded already'; else set -x; \
	load --plan '$(PLAN)' --to-target '$(target.$(1))' '$(REMAPPED)/$(1)/' --dry-run $(call after,$(1)) $(LOAD_FLAGS); fi
endef
after = $(if $(wildcard $(AFTER)/$(1).sql),--after '$(AFTER)/$(1).sql')

$(foreach unit,$(UNITS),$(eval $(call of_unit,$(unit))))

# All together, before anything is loaded: from then on the targets are no longer as the plan found them.
BACKUPS := $(foreach unit,$(UNITS),$(foreach source,$(sources.$(unit)),$(call mark,$(unit),$(source).backup)))
$(READY): $(if $(wildcard $(WORK)/*.load),,$(PLAN)) | $(BACKUPS)
	assess --ready --check-plan '$(PLAN)' $(foreach source,$(SOURCES),--backup '$(BACKUP)/$(source)/') $(READY_FLAGS)
	@touch '$@'

# --- What a person asks for -------------------------------------------------------------------------------------------

all: $(call marks,verify)
	@echo 'All $(words $(SOURCES)) sources are where the plan wants them: $(SOURCES)'

check: $(CHECKED)
backup: $(BACKUPS)
ready: $(READY)
remap: $(call marks,remap)
load: $(call marks,load)
verify: $(UNITS:%=verify.%)

# Archives are made, since a rehearsal needs them; no target is changed.
plan: status $(UNITS:%=plan.%)

mark_word = $(if $(wildcard $(1)),done,-)
status:
	@echo 'plan $(PLAN): $(if $(wildcard $(CHECKED)),checked,not checked), $(if $(wildcard $(READY)),ready,not known to be ready)'
	@printf '%-24s %-16s %-8s %-8s %-8s %-8s\n' UNIT TARGET BACKUP REMAP LOAD VERIFY \
	$(foreach unit,$(UNITS),'$(unit)' '$(target.$(unit))' \
	'$(if $(filter-out done,$(foreach source,$(sources.$(unit)),$(call mark_word,$(call mark,$(unit),$(source).backup)))),-,done)' \
	$(foreach step,remap load verify,'$(call mark_word,$(call mark,$(unit),$(step)))'))

clean:
	rm -rf '$(WORK)'

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' '$(firstword $(MAKEFILE_LIST))'
