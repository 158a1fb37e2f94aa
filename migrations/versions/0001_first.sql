create function leadtime_role() returns text language sql stable parallel safe
    as $$ select current_setting('leadtime.role', true) $$;

create function leadtime_organisation() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('leadtime.organisation', true), '')::uuid $$;

CREATE TABLE advisories (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	number TEXT NOT NULL, 
	state TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	person UUID, 
	drafted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	facts BYTEA NOT NULL, 
	CONSTRAINT pk_advisories PRIMARY KEY (id), 
	CONSTRAINT uq_advisories_case_id UNIQUE (case_id), 
	CONSTRAINT uq_advisories_number UNIQUE (number)
);

CREATE TABLE answers (
	organisation UUID NOT NULL, 
	key BYTEA NOT NULL, 
	asked BYTEA NOT NULL, 
	status INTEGER NOT NULL, 
	body BYTEA NOT NULL, 
	answered_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (organisation, key)
);

CREATE TABLE cases (
	id UUID NOT NULL, 
	number TEXT NOT NULL, 
	vulnerability UUID NOT NULL, 
	state TEXT NOT NULL, 
	tlp INTEGER NOT NULL, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	embargo_ends_at TIMESTAMP WITH TIME ZONE, 
	embargo_zone TEXT, 
	reach INTEGER, 
	title BYTEA NOT NULL, 
	CONSTRAINT pk_cases PRIMARY KEY (id), 
	CONSTRAINT uq_cases_number UNIQUE (number), 
	CONSTRAINT uq_cases_vulnerability UNIQUE (vulnerability)
);

CREATE TABLE claims (
	report UUID NOT NULL, 
	mark BYTEA NOT NULL, 
	kind TEXT NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (report, mark)
);

CREATE INDEX ix_claims_mark ON claims (mark);

CREATE TABLE data_keys (
	entity UUID NOT NULL, 
	wrapped_by UUID, 
	wrapped BYTEA NOT NULL, 
	CONSTRAINT pk_data_keys PRIMARY KEY (entity)
);

CREATE TABLE designations (
	id UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	noted_by UUID NOT NULL, 
	authority TEXT NOT NULL, 
	state TEXT NOT NULL, 
	requested_on DATE NOT NULL, 
	request_facts TEXT NOT NULL, 
	decided_on DATE, 
	outcome_facts TEXT NOT NULL, 
	noted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_designations PRIMARY KEY (id)
);

CREATE INDEX ix_designations_model ON designations (model);

CREATE TABLE examinations (
	report UUID NOT NULL, 
	person UUID NOT NULL, 
	kind TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	answers BYTEA NOT NULL, 
	CONSTRAINT pk_examinations PRIMARY KEY (report, person)
);

CREATE TABLE exposures (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	asset BYTEA NOT NULL, 
	package BYTEA NOT NULL, 
	version BYTEA NOT NULL, 
	advisory UUID NOT NULL, 
	state TEXT NOT NULL, 
	touch TEXT NOT NULL, 
	enumerated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	detail BYTEA NOT NULL, 
	CONSTRAINT pk_exposures PRIMARY KEY (id), 
	CONSTRAINT uq_exposures_organisation_asset_package_advisory_version UNIQUE (organisation, asset, package, advisory, version)
);

CREATE INDEX ix_exposures_advisory ON exposures (advisory);

CREATE TABLE failed_tries (
	job BIGINT NOT NULL, 
	cause TEXT NOT NULL, 
	times INTEGER NOT NULL, 
	CONSTRAINT pk_failed_tries PRIMARY KEY (job, cause)
);

CREATE TABLE gateway_accounts (
	account UUID NOT NULL, 
	requests BIGINT NOT NULL, 
	tokens BIGINT NOT NULL, 
	micro_usd BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	CONSTRAINT pk_gateway_accounts PRIMARY KEY (account)
);

CREATE TABLE gateway_alarms (
	id UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	variant TEXT NOT NULL, 
	call UUID NOT NULL, 
	kind TEXT NOT NULL, 
	what TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_gateway_alarms PRIMARY KEY (id)
);

CREATE INDEX ix_gateway_alarms_model ON gateway_alarms (model);

CREATE TABLE gateway_calls (
	id UUID NOT NULL, 
	process UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID NOT NULL, 
	access_grant UUID NOT NULL, 
	agreement UUID NOT NULL, 
	variant TEXT NOT NULL, 
	address TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	request_bytes BIGINT NOT NULL, 
	reserved_tokens BIGINT NOT NULL, 
	reserved_micro_usd BIGINT NOT NULL, 
	ended TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	answer_bytes BIGINT NOT NULL, 
	charged_tokens BIGINT NOT NULL, 
	charged_micro_usd BIGINT NOT NULL, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_gateway_calls PRIMARY KEY (id)
);

CREATE INDEX ix_gateway_calls_model_at ON gateway_calls (model, at);

CREATE INDEX ix_gateway_calls_open ON gateway_calls (process) WHERE settled_at IS NULL;

CREATE TABLE gateway_fingerprints (
	model UUID NOT NULL, 
	variant TEXT NOT NULL, 
	developer UUID NOT NULL, 
	upstream_model TEXT NOT NULL, 
	system TEXT NOT NULL, 
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_gateway_fingerprints PRIMARY KEY (model, variant)
);

CREATE TABLE gateway_leases (
	account UUID NOT NULL, 
	process UUID NOT NULL, 
	live INTEGER NOT NULL, 
	CONSTRAINT pk_gateway_leases PRIMARY KEY (account, process)
);

CREATE TABLE gateway_processes (
	process UUID NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_gateway_processes PRIMARY KEY (process)
);

CREATE TABLE gateway_proofs (
	id BYTEA NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_gateway_proofs PRIMARY KEY (id)
);

CREATE TABLE gateway_recipients (
	organisation UUID NOT NULL, 
	age_key TEXT NOT NULL, 
	stated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_gateway_recipients PRIMARY KEY (organisation)
);

CREATE TABLE gateway_sealed_records (
	call UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	content BYTEA NOT NULL, 
	words BIGINT[], 
	CONSTRAINT pk_gateway_sealed_records PRIMARY KEY (call)
);

CREATE INDEX ix_gateway_sealed_records_model ON gateway_sealed_records (model);

CREATE INDEX ix_gateway_sealed_records_words ON gateway_sealed_records USING gin (words);

CREATE TABLE held_asks (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	fingerprints INTEGER NOT NULL, 
	CONSTRAINT pk_held_asks PRIMARY KEY (id)
);

CREATE INDEX ix_held_asks_organisation ON held_asks (organisation);

CREATE TABLE held_marks (
	report UUID NOT NULL, 
	organisation UUID NOT NULL, 
	noted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	marks BYTEA NOT NULL, 
	CONSTRAINT pk_held_marks PRIMARY KEY (report)
);

CREATE INDEX ix_held_marks_organisation ON held_marks (organisation);

CREATE TABLE inventories (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	asset BYTEA NOT NULL, 
	exposed TEXT NOT NULL, 
	form TEXT NOT NULL, 
	components INTEGER NOT NULL, 
	kept_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	superseded_at TIMESTAMP WITH TIME ZONE, 
	about BYTEA NOT NULL, 
	CONSTRAINT pk_inventories PRIMARY KEY (id)
);

CREATE INDEX ix_inventories_organisation ON inventories (organisation);

CREATE TABLE kept_apart (
	first UUID NOT NULL, 
	second UUID NOT NULL, 
	person UUID, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	split_from UUID NOT NULL, 
	split_off UUID NOT NULL, 
	CONSTRAINT pk_kept_apart PRIMARY KEY (first, second)
);

CREATE TABLE ledger_leaves (
	id UUID NOT NULL, 
	log TEXT NOT NULL, 
	entry BYTEA NOT NULL, 
	index BIGINT, 
	CONSTRAINT pk_ledger_leaves PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_leaves_entry_bytes CHECK (octet_length(entry) between 1 and 65535)
);

CREATE INDEX ix_ledger_leaves_waiting ON ledger_leaves (log, id) WHERE "index" is null;

CREATE UNIQUE INDEX uq_ledger_leaves_log_index ON ledger_leaves (log, index) WHERE "index" is not null;

CREATE TABLE ledger_logs (
	name TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	published_size BIGINT NOT NULL, 
	published_root BYTEA NOT NULL, 
	CONSTRAINT pk_ledger_logs PRIMARY KEY (name), 
	CONSTRAINT uq_ledger_logs_origin UNIQUE (origin)
);

CREATE TABLE model_upstreams (
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	address BYTEA NOT NULL, 
	credential BYTEA NOT NULL, 
	CONSTRAINT pk_model_upstreams PRIMARY KEY (model)
);

CREATE TABLE models (
	id UUID NOT NULL, 
	developer UUID NOT NULL, 
	developer_name TEXT NOT NULL, 
	name TEXT NOT NULL, 
	modality TEXT NOT NULL, 
	access TEXT NOT NULL, 
	wire_format TEXT NOT NULL, 
	state TEXT NOT NULL, 
	enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	partner_release_at TIMESTAMP WITH TIME ZONE, 
	public_release_at TIMESTAMP WITH TIME ZONE, 
	first_offered_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_models PRIMARY KEY (id), 
	CONSTRAINT uq_models_developer_name UNIQUE (developer, name)
);

CREATE TABLE organisations (
	id UUID NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	example BOOLEAN NOT NULL, 
	foreign_access BOOLEAN DEFAULT false NOT NULL, 
	enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_organisations PRIMARY KEY (id), 
	CONSTRAINT uq_organisations_name UNIQUE (name)
);

CREATE TABLE paces (
	organisation UUID NOT NULL, 
	open_deliveries_max INTEGER NOT NULL, 
	stated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_paces PRIMARY KEY (organisation)
);

CREATE TABLE patch_judgements (
	report UUID NOT NULL, 
	patch BYTEA NOT NULL, 
	judged_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	judgement BYTEA NOT NULL, 
	CONSTRAINT pk_patch_judgements PRIMARY KEY (report, patch)
);

CREATE TABLE patch_outcomes (
	report UUID NOT NULL, 
	patch TEXT NOT NULL, 
	silenced BOOLEAN NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_patch_outcomes PRIMARY KEY (report, patch)
);

CREATE TABLE published_advisories (
	advisory UUID NOT NULL, 
	revision INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	published_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	modified_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	withdrawn_at TIMESTAMP WITH TIME ZONE, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_published_advisories PRIMARY KEY (advisory, revision)
);

CREATE INDEX ix_published_advisories_number ON published_advisories (number);

CREATE TABLE reads (
	leaf UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	role TEXT NOT NULL, 
	organisation UUID, 
	person UUID, 
	purpose TEXT NOT NULL, 
	entities UUID[] NOT NULL, 
	CONSTRAINT pk_reads PRIMARY KEY (leaf)
);

CREATE TABLE refusal_minutes (
	model UUID NOT NULL, 
	person UUID NOT NULL, 
	began_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	leaves INTEGER NOT NULL, 
	uncounted INTEGER NOT NULL, 
	CONSTRAINT pk_refusal_minutes PRIMARY KEY (model, person)
);

CREATE TABLE relations (
	entity UUID NOT NULL, 
	organisation UUID NOT NULL, 
	relation TEXT NOT NULL, 
	CONSTRAINT pk_relations PRIMARY KEY (entity, organisation)
);

CREATE TABLE reports (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID, 
	identity BYTEA NOT NULL, 
	content BYTEA NOT NULL, 
	found_with BYTEA, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	receipt BYTEA NOT NULL, 
	summary BYTEA NOT NULL, 
	body BYTEA NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (id), 
	CONSTRAINT uq_reports_organisation_identity UNIQUE (organisation, identity)
);

CREATE INDEX ix_reports_found_with ON reports (found_with);

CREATE TABLE returns (
	grant_id UUID NOT NULL, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	disposition TEXT NOT NULL, 
	note TEXT NOT NULL, 
	signed_by UUID NOT NULL, 
	signed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_returns PRIMARY KEY (grant_id)
);

CREATE TABLE runners (
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	sealing_key BYTEA NOT NULL, 
	signing_key BYTEA NOT NULL, 
	added_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	slots INTEGER NOT NULL, 
	heard_at TIMESTAMP WITH TIME ZONE, 
	unopened_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_runners PRIMARY KEY (name), 
	CONSTRAINT uq_runners_role UNIQUE (role)
);

CREATE TABLE runs (
	id UUID NOT NULL, 
	entity UUID NOT NULL, 
	attempt INTEGER NOT NULL, 
	role TEXT NOT NULL, 
	message BYTEA NOT NULL, 
	given_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	taken_at TIMESTAMP WITH TIME ZONE, 
	takings INTEGER NOT NULL, 
	answer BYTEA, 
	answered_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_runs PRIMARY KEY (id), 
	CONSTRAINT ck_runs_answer CHECK (octet_length(answer) <= 33554432), 
	CONSTRAINT uq_runs_entity UNIQUE (entity)
);

CREATE INDEX ix_runs_role ON runs (role);

CREATE TABLE set_aside (
	job BIGINT NOT NULL, 
	step TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	entity UUID NOT NULL, 
	attempts INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_set_aside PRIMARY KEY (job)
);

CREATE TABLE sources (
	id UUID NOT NULL, 
	kind TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	as_of TIMESTAMP WITH TIME ZONE NOT NULL, 
	entries INTEGER NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	current BOOLEAN NOT NULL, 
	CONSTRAINT pk_sources PRIMARY KEY (id)
);

CREATE INDEX ix_sources_kind ON sources (kind);

CREATE TABLE validation_shares (
	organisation UUID NOT NULL, 
	served_seconds DOUBLE PRECISION NOT NULL, 
	decided INTEGER NOT NULL, 
	refuted INTEGER NOT NULL, 
	CONSTRAINT pk_validation_shares PRIMARY KEY (organisation)
);

CREATE TABLE validation_turns (
	id INTEGER NOT NULL, 
	virtual_seconds DOUBLE PRECISION NOT NULL, 
	ordinary INTEGER NOT NULL, 
	CONSTRAINT pk_validation_turns PRIMARY KEY (id)
);

CREATE TABLE validations (
	id UUID NOT NULL, 
	report UUID NOT NULL, 
	organisation UUID NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	verdict TEXT, 
	signature BYTEA, 
	result BYTEA, 
	urgent BOOLEAN NOT NULL, 
	named BYTEA[] NOT NULL, 
	queued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	called_at TIMESTAMP WITH TIME ZONE, 
	begun_at TIMESTAMP WITH TIME ZONE, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	survey BYTEA, 
	surveyed_at TIMESTAMP WITH TIME ZONE, 
	claimed BYTEA, 
	CONSTRAINT pk_validations PRIMARY KEY (id), 
	CONSTRAINT uq_validations_report UNIQUE (report)
);

CREATE INDEX ix_validations_claimed ON validations (claimed);

CREATE INDEX ix_validations_signature ON validations (signature);

CREATE INDEX ix_validations_state ON validations (state);

CREATE INDEX ix_validations_turn ON validations (organisation, queued_at, id) WHERE state = 'queued' and called_at is null;

CREATE INDEX ix_validations_urgent ON validations (organisation) WHERE state = 'queued' and called_at is null and urgent;

CREATE TABLE vulnerabilities (
	id UUID NOT NULL, 
	component BYTEA NOT NULL, 
	absorbed_into UUID, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	summary BYTEA NOT NULL, 
	CONSTRAINT pk_vulnerabilities PRIMARY KEY (id)
);

CREATE INDEX ix_vulnerabilities_component ON vulnerabilities (component);

CREATE TABLE agreements (
	id UUID NOT NULL, 
	version INTEGER NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	organisation_name TEXT NOT NULL, 
	instrument TEXT NOT NULL, 
	purposes TEXT[] NOT NULL, 
	barred TEXT[] NOT NULL, 
	variants TEXT[] NOT NULL, 
	developer_may TEXT[] NOT NULL, 
	agency_may_propose BOOLEAN NOT NULL, 
	record_mode TEXT NOT NULL, 
	retention_days INTEGER NOT NULL, 
	bars_foreign_access BOOLEAN NOT NULL, 
	foia_exemption_4 BOOLEAN NOT NULL, 
	export_note TEXT NOT NULL, 
	networks TEXT[] NOT NULL, 
	limit_requests BIGINT, 
	limit_tokens BIGINT, 
	limit_concurrency BIGINT, 
	limit_micro_usd BIGINT, 
	agreed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_agreements PRIMARY KEY (id, version), 
	CONSTRAINT fk_agreements_model FOREIGN KEY(model) REFERENCES models (id)
);

CREATE TABLE case_events (
	id UUID NOT NULL, 
	turn BIGINT GENERATED ALWAYS AS IDENTITY, 
	case_id UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	organisation UUID, 
	person UUID, 
	kind TEXT NOT NULL, 
	note BYTEA NOT NULL, 
	CONSTRAINT pk_case_events PRIMARY KEY (id), 
	CONSTRAINT fk_case_events_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE INDEX ix_case_events_case_id ON case_events (case_id);

CREATE TABLE case_participants (
	case_id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	name TEXT NOT NULL, 
	added_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_case_participants PRIMARY KEY (case_id, organisation), 
	CONSTRAINT fk_case_participants_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE TABLE case_reports (
	case_id UUID NOT NULL, 
	report UUID NOT NULL, 
	joined_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_case_reports PRIMARY KEY (case_id, report), 
	CONSTRAINT fk_case_reports_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE TABLE deliveries (
	id UUID NOT NULL, 
	case_id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	state TEXT NOT NULL, 
	hash BYTEA NOT NULL, 
	sent_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	link_expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	acknowledged_at TIMESTAMP WITH TIME ZONE, 
	fix_named_at TIMESTAMP WITH TIME ZONE, 
	fixed BYTEA, 
	continued_as UUID, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT uq_deliveries_case_id_organisation UNIQUE (case_id, organisation), 
	CONSTRAINT fk_deliveries_case_id FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT uq_deliveries_hash UNIQUE (hash)
);

CREATE INDEX ix_deliveries_organisation ON deliveries (organisation);

CREATE TABLE employers (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	name TEXT NOT NULL, 
	enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	engaged_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_employers PRIMARY KEY (id), 
	CONSTRAINT fk_employers_organisation FOREIGN KEY(organisation) REFERENCES organisations (id)
);

CREATE INDEX ix_employers_organisation ON employers (organisation);

CREATE TABLE inventory_packages (
	inventory UUID NOT NULL, 
	package BYTEA NOT NULL, 
	organisation UUID NOT NULL, 
	CONSTRAINT pk_inventory_packages PRIMARY KEY (inventory, package), 
	CONSTRAINT fk_inventory_packages_inventory FOREIGN KEY(inventory) REFERENCES inventories (id)
);

CREATE INDEX ix_inventory_packages_package ON inventory_packages (package);

CREATE TABLE inventory_shelves (
	inventory UUID NOT NULL, 
	shelf SMALLINT NOT NULL, 
	organisation UUID NOT NULL, 
	contents BYTEA NOT NULL, 
	CONSTRAINT pk_inventory_shelves PRIMARY KEY (inventory, shelf), 
	CONSTRAINT fk_inventory_shelves_inventory FOREIGN KEY(inventory) REFERENCES inventories (id)
);

CREATE TABLE kev_entries (
	cve TEXT NOT NULL, 
	source UUID NOT NULL, 
	added DATE NOT NULL, 
	due DATE, 
	forensic BOOLEAN, 
	ransomware BOOLEAN NOT NULL, 
	required_action TEXT NOT NULL, 
	CONSTRAINT pk_kev_entries PRIMARY KEY (cve), 
	CONSTRAINT fk_kev_entries_source FOREIGN KEY(source) REFERENCES sources (id)
);

CREATE TABLE merged_reports (
	report UUID NOT NULL, 
	vulnerability UUID NOT NULL, 
	organisation UUID NOT NULL, 
	place BYTEA NOT NULL, 
	content BYTEA NOT NULL, 
	merged_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	evidence BYTEA NOT NULL, 
	why BYTEA NOT NULL, 
	CONSTRAINT pk_merged_reports PRIMARY KEY (report), 
	CONSTRAINT fk_merged_reports_vulnerability FOREIGN KEY(vulnerability) REFERENCES vulnerabilities (id)
);

CREATE INDEX ix_merged_reports_place ON merged_reports (place);

CREATE INDEX ix_merged_reports_vulnerability ON merged_reports (vulnerability);

CREATE TABLE model_variants (
	model UUID NOT NULL, 
	name TEXT NOT NULL, 
	developer UUID NOT NULL, 
	place INTEGER NOT NULL, 
	upstream_model TEXT NOT NULL, 
	declared_digest TEXT, 
	input_price BIGINT NOT NULL, 
	output_price BIGINT NOT NULL, 
	CONSTRAINT pk_model_variants PRIMARY KEY (model, name), 
	CONSTRAINT fk_model_variants_model FOREIGN KEY(model) REFERENCES models (id)
);

CREATE TABLE patches (
	id UUID NOT NULL, 
	turn BIGINT GENERATED ALWAYS AS IDENTITY, 
	case_id UUID NOT NULL, 
	mark BYTEA NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID, 
	handed_in_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	facts BYTEA NOT NULL, 
	content BYTEA NOT NULL, 
	CONSTRAINT pk_patches PRIMARY KEY (id), 
	CONSTRAINT uq_patches_case_id_mark UNIQUE (case_id, mark), 
	CONSTRAINT fk_patches_case_id FOREIGN KEY(case_id) REFERENCES cases (id)
);

CREATE TABLE root_outcomes (
	vulnerability UUID NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	organisation UUID, 
	person UUID, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	words BYTEA NOT NULL, 
	CONSTRAINT pk_root_outcomes PRIMARY KEY (vulnerability, number), 
	CONSTRAINT fk_root_outcomes_vulnerability FOREIGN KEY(vulnerability) REFERENCES vulnerabilities (id)
);

CREATE TABLE severities (
	vulnerability UUID NOT NULL, 
	number INTEGER NOT NULL, 
	said_as TEXT NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	words BYTEA NOT NULL, 
	CONSTRAINT pk_severities PRIMARY KEY (vulnerability, number), 
	CONSTRAINT fk_severities_vulnerability FOREIGN KEY(vulnerability) REFERENCES vulnerabilities (id)
);

CREATE TABLE ssvc_entries (
	cve TEXT NOT NULL, 
	source UUID NOT NULL, 
	exploitation TEXT, 
	automatable TEXT NOT NULL, 
	impact TEXT, 
	as_of TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_ssvc_entries PRIMARY KEY (cve), 
	CONSTRAINT fk_ssvc_entries_source FOREIGN KEY(source) REFERENCES sources (id)
);

CREATE TABLE window_events (
	id UUID NOT NULL, 
	turn BIGINT GENERATED ALWAYS AS IDENTITY, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	concerns UUID, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	organisation UUID, 
	person UUID, 
	kind TEXT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_window_events PRIMARY KEY (id), 
	CONSTRAINT fk_window_events_model FOREIGN KEY(model) REFERENCES models (id)
);

CREATE INDEX ix_window_events_model ON window_events (model);

CREATE TABLE windows (
	id UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_windows PRIMARY KEY (id), 
	CONSTRAINT fk_windows_model FOREIGN KEY(model) REFERENCES models (id)
);

CREATE INDEX ix_windows_model ON windows (model);

CREATE TABLE people (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	employer UUID, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	foreign_access BOOLEAN DEFAULT false NOT NULL, 
	enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	active_until TIMESTAMP WITH TIME ZONE, 
	removed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_people PRIMARY KEY (id), 
	CONSTRAINT fk_people_organisation FOREIGN KEY(organisation) REFERENCES organisations (id), 
	CONSTRAINT fk_people_employer FOREIGN KEY(employer) REFERENCES employers (id)
);

CREATE INDEX ix_people_employer ON people (employer);

CREATE INDEX ix_people_organisation ON people (organisation);

CREATE TABLE window_entries (
	id UUID NOT NULL, 
	model UUID NOT NULL, 
	window_id UUID, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	organisation_name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	proposed_by UUID NOT NULL, 
	proposed_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	agreement UUID, 
	CONSTRAINT pk_window_entries PRIMARY KEY (id), 
	CONSTRAINT fk_window_entries_model FOREIGN KEY(model) REFERENCES models (id), 
	CONSTRAINT fk_window_entries_window_id FOREIGN KEY(window_id) REFERENCES windows (id)
);

CREATE UNIQUE INDEX ix_window_entries_joined ON window_entries (window_id, organisation) WHERE state = 'joined';

CREATE INDEX ix_window_entries_model ON window_entries (model);

CREATE UNIQUE INDEX ix_window_entries_proposed ON window_entries (model, organisation, proposed_by) WHERE state = 'proposed';

CREATE INDEX ix_window_entries_window_id ON window_entries (window_id);

CREATE TABLE challenges (
	hash BYTEA NOT NULL, 
	purpose TEXT NOT NULL, 
	holder BYTEA NOT NULL, 
	person UUID, 
	issued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	used_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_challenges PRIMARY KEY (hash), 
	CONSTRAINT fk_challenges_person FOREIGN KEY(person) REFERENCES people (id)
);

CREATE INDEX ix_challenges_expires_at ON challenges (expires_at);

CREATE TABLE conflicts (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID, 
	developer UUID NOT NULL, 
	reason TEXT NOT NULL, 
	stated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_conflicts PRIMARY KEY (id), 
	CONSTRAINT fk_conflicts_organisation FOREIGN KEY(organisation) REFERENCES organisations (id), 
	CONSTRAINT fk_conflicts_person FOREIGN KEY(person) REFERENCES people (id), 
	CONSTRAINT fk_conflicts_developer FOREIGN KEY(developer) REFERENCES organisations (id)
);

CREATE INDEX ix_conflicts_organisation ON conflicts (organisation);

CREATE INDEX ix_conflicts_person ON conflicts (person);

CREATE TABLE grants (
	id UUID NOT NULL, 
	entry UUID NOT NULL, 
	window_id UUID NOT NULL, 
	model UUID NOT NULL, 
	developer UUID NOT NULL, 
	organisation UUID NOT NULL, 
	person UUID NOT NULL, 
	person_name TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	variants TEXT[] NOT NULL, 
	networks TEXT[] NOT NULL, 
	limit_requests BIGINT, 
	limit_tokens BIGINT, 
	limit_concurrency BIGINT, 
	limit_micro_usd BIGINT, 
	key_thumbprint TEXT, 
	hash BYTEA, 
	granted_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_grants PRIMARY KEY (id), 
	CONSTRAINT fk_grants_entry FOREIGN KEY(entry) REFERENCES window_entries (id), 
	CONSTRAINT fk_grants_window_id FOREIGN KEY(window_id) REFERENCES windows (id), 
	CONSTRAINT fk_grants_model FOREIGN KEY(model) REFERENCES models (id), 
	CONSTRAINT uq_grants_hash UNIQUE (hash)
);

CREATE INDEX ix_grants_entry ON grants (entry);

CREATE INDEX ix_grants_person ON grants (person);

CREATE INDEX ix_grants_window_id ON grants (window_id);

CREATE TABLE identities (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	issuer TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	connected_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_used_at TIMESTAMP WITH TIME ZONE, 
	removed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_identities PRIMARY KEY (id), 
	CONSTRAINT fk_identities_person FOREIGN KEY(person) REFERENCES people (id)
);

CREATE UNIQUE INDEX ix_identities_held ON identities (issuer, subject) WHERE removed_at IS NULL;

CREATE INDEX ix_identities_person ON identities (person);

CREATE TABLE paired_acts (
	id UUID NOT NULL, 
	organisation UUID NOT NULL, 
	kind TEXT NOT NULL, 
	about UUID, 
	reason BYTEA NOT NULL, 
	state TEXT NOT NULL, 
	asked_by UUID NOT NULL, 
	asked_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	confirmed_by UUID, 
	confirmed_at TIMESTAMP WITH TIME ZONE, 
	moved_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_paired_acts PRIMARY KEY (id), 
	CONSTRAINT fk_paired_acts_asked_by FOREIGN KEY(asked_by) REFERENCES people (id), 
	CONSTRAINT fk_paired_acts_confirmed_by FOREIGN KEY(confirmed_by) REFERENCES people (id)
);

CREATE TABLE passkeys (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	credential BYTEA NOT NULL, 
	public_key BYTEA NOT NULL, 
	sign_count BIGINT NOT NULL, 
	transports TEXT NOT NULL, 
	aaguid TEXT NOT NULL, 
	backed_up BOOLEAN NOT NULL, 
	name TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_used_at TIMESTAMP WITH TIME ZONE, 
	removed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_passkeys PRIMARY KEY (id), 
	CONSTRAINT fk_passkeys_person FOREIGN KEY(person) REFERENCES people (id), 
	CONSTRAINT uq_passkeys_credential UNIQUE (credential)
);

CREATE INDEX ix_passkeys_person ON passkeys (person);

CREATE TABLE person_events (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	happened TEXT NOT NULL, 
	about TEXT NOT NULL, 
	CONSTRAINT pk_person_events PRIMARY KEY (id), 
	CONSTRAINT fk_person_events_person FOREIGN KEY(person) REFERENCES people (id)
);

CREATE INDEX ix_person_events_person ON person_events (person);

CREATE TABLE sign_in_links (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	hash BYTEA NOT NULL, 
	issued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	redeemed_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_sign_in_links PRIMARY KEY (id), 
	CONSTRAINT fk_sign_in_links_person FOREIGN KEY(person) REFERENCES people (id), 
	CONSTRAINT uq_sign_in_links_hash UNIQUE (hash)
);

CREATE INDEX ix_sign_in_links_person ON sign_in_links (person);

CREATE TABLE tokens (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	hash BYTEA NOT NULL, 
	name TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	issued_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_used_at TIMESTAMP WITH TIME ZONE, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_tokens_person FOREIGN KEY(person) REFERENCES people (id), 
	CONSTRAINT uq_tokens_hash UNIQUE (hash)
);

CREATE INDEX ix_tokens_person ON tokens (person);

CREATE TABLE sessions (
	id UUID NOT NULL, 
	person UUID NOT NULL, 
	organisation UUID NOT NULL, 
	hash BYTEA NOT NULL, 
	way TEXT NOT NULL, 
	token UUID, 
	scope TEXT NOT NULL, 
	browser TEXT NOT NULL, 
	begun_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_sessions_person FOREIGN KEY(person) REFERENCES people (id), 
	CONSTRAINT uq_sessions_hash UNIQUE (hash), 
	CONSTRAINT fk_sessions_token FOREIGN KEY(token) REFERENCES tokens (id)
);

CREATE INDEX ix_sessions_person ON sessions (person);

CREATE INDEX ix_sessions_token ON sessions (token);

create function leadtime_related(entity uuid) returns boolean language sql stable parallel safe
    as $$ select exists (select from public.relations r
    where r.entity = $1 and r.organisation = public.leadtime_organisation()) $$;

create function leadtime_claimed(entity uuid) returns boolean language plpgsql volatile
    as $$ declare asking text := current_setting('leadtime.role', true); claimed boolean; begin
    perform set_config('leadtime.role', 'system', true);
    claimed := exists (select from public.relations r
        where r.entity = $1 and r.organisation <> public.leadtime_organisation());
    perform set_config('leadtime.role', asking, true);
    return claimed; end $$;

create function leadtime_expect(held boolean) returns void language plpgsql volatile
    as $$ begin if not held then
    raise exception 'something is not as the writer last saw it' using errcode = 'serialization_failure';
    end if; end $$;

alter table "advisories" enable row level security;

alter table "advisories" force row level security;

create policy visible on "advisories" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "advisories" to leadtime_app;

alter table "answers" enable row level security;

alter table "answers" force row level security;

create policy visible on "answers" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "answers" to leadtime_app;

alter table "cases" enable row level security;

alter table "cases" force row level security;

create policy visible on "cases" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id));

grant select, insert, update, delete on "cases" to leadtime_app;

alter table "claims" enable row level security;

alter table "claims" force row level security;

create policy visible on "claims" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "claims" to leadtime_app;

alter table "data_keys" enable row level security;

alter table "data_keys" force row level security;

create policy visible on "data_keys" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(entity)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(entity));

grant select, insert, update, delete on "data_keys" to leadtime_app;

alter table "designations" enable row level security;

alter table "designations" force row level security;

create policy visible on "designations" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or noted_by = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or noted_by = (select leadtime_organisation()));

grant select, insert, update, delete on "designations" to leadtime_app;

alter table "examinations" enable row level security;

alter table "examinations" force row level security;

create policy visible on "examinations" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "examinations" to leadtime_app;

alter table "exposures" enable row level security;

alter table "exposures" force row level security;

create policy visible on "exposures" using ((select leadtime_role()) = 'system' or organisation = leadtime_organisation()) with check ((select leadtime_role()) = 'system' or organisation = leadtime_organisation());

grant select, insert, update, delete on "exposures" to leadtime_app;

alter table "failed_tries" enable row level security;

alter table "failed_tries" force row level security;

create policy visible on "failed_tries" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "failed_tries" to leadtime_app;

alter table "gateway_accounts" enable row level security;

alter table "gateway_accounts" force row level security;

create policy visible on "gateway_accounts" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "gateway_accounts" to leadtime_app;

alter table "gateway_alarms" enable row level security;

alter table "gateway_alarms" force row level security;

create policy visible on "gateway_alarms" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "gateway_alarms" to leadtime_app;

alter table "gateway_calls" enable row level security;

alter table "gateway_calls" force row level security;

create policy visible on "gateway_calls" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "gateway_calls" to leadtime_app;

alter table "gateway_fingerprints" enable row level security;

alter table "gateway_fingerprints" force row level security;

create policy visible on "gateway_fingerprints" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "gateway_fingerprints" to leadtime_app;

alter table "gateway_leases" enable row level security;

alter table "gateway_leases" force row level security;

create policy visible on "gateway_leases" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "gateway_leases" to leadtime_app;

alter table "gateway_processes" enable row level security;

alter table "gateway_processes" force row level security;

create policy visible on "gateway_processes" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "gateway_processes" to leadtime_app;

alter table "gateway_proofs" enable row level security;

alter table "gateway_proofs" force row level security;

create policy visible on "gateway_proofs" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "gateway_proofs" to leadtime_app;

alter table "gateway_recipients" enable row level security;

alter table "gateway_recipients" force row level security;

create policy visible on "gateway_recipients" using ((select leadtime_role()) = 'system' or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "gateway_recipients" to leadtime_app;

alter table "gateway_sealed_records" enable row level security;

alter table "gateway_sealed_records" force row level security;

create policy visible on "gateway_sealed_records" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "gateway_sealed_records" to leadtime_app;

alter table "held_asks" enable row level security;

alter table "held_asks" force row level security;

create policy visible on "held_asks" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "held_asks" to leadtime_app;

alter table "held_marks" enable row level security;

alter table "held_marks" force row level security;

create policy visible on "held_marks" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "held_marks" to leadtime_app;

alter table "inventories" enable row level security;

alter table "inventories" force row level security;

create policy visible on "inventories" using ((select leadtime_role()) = 'system' or organisation = leadtime_organisation()) with check ((select leadtime_role()) = 'system' or organisation = leadtime_organisation());

grant select, insert, update, delete on "inventories" to leadtime_app;

alter table "kept_apart" enable row level security;

alter table "kept_apart" force row level security;

create policy visible on "kept_apart" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "kept_apart" to leadtime_app;

alter table "ledger_leaves" enable row level security;

alter table "ledger_leaves" force row level security;

create policy visible on "ledger_leaves" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

create policy appended on "ledger_leaves" for insert with check ((select leadtime_role()) <> '' and "index" is null);

grant select, insert, update, delete on "ledger_leaves" to leadtime_app;

alter table "ledger_logs" enable row level security;

alter table "ledger_logs" force row level security;

create policy visible on "ledger_logs" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "ledger_logs" to leadtime_app;

alter table "model_upstreams" enable row level security;

alter table "model_upstreams" force row level security;

create policy visible on "model_upstreams" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "model_upstreams" to leadtime_app;

alter table "models" enable row level security;

alter table "models" force row level security;

create policy visible on "models" for select using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or leadtime_related(id));

create policy written on "models" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "models" to leadtime_app;

alter table "organisations" enable row level security;

alter table "organisations" force row level security;

create policy visible on "organisations" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id));

grant select, insert, update, delete on "organisations" to leadtime_app;

alter table "paces" enable row level security;

alter table "paces" force row level security;

create policy visible on "paces" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "paces" to leadtime_app;

alter table "patch_judgements" enable row level security;

alter table "patch_judgements" force row level security;

create policy visible on "patch_judgements" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "patch_judgements" to leadtime_app;

alter table "patch_outcomes" enable row level security;

alter table "patch_outcomes" force row level security;

create policy visible on "patch_outcomes" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "patch_outcomes" to leadtime_app;

alter table "published_advisories" enable row level security;

alter table "published_advisories" force row level security;

create policy visible on "published_advisories" for select using (true);

create policy written on "published_advisories" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "published_advisories" to leadtime_app;

alter table "reads" enable row level security;

alter table "reads" force row level security;

create policy visible on "reads" for select using ((select leadtime_role()) = 'system' or ((select leadtime_role()) = 'auditor' and (select leadtime_organisation()) is not null));

create policy written on "reads" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

create policy appended on "reads" for insert with check ((select leadtime_role()) <> '');

grant select, insert, update, delete on "reads" to leadtime_app;

alter table "refusal_minutes" enable row level security;

alter table "refusal_minutes" force row level security;

create policy visible on "refusal_minutes" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "refusal_minutes" to leadtime_app;

alter table "relations" enable row level security;

alter table "relations" force row level security;

create policy visible on "relations" for select using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

create policy written on "relations" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

create policy appended on "relations" for insert with check (relation = 'own' and organisation = (select leadtime_organisation()) and not leadtime_claimed(entity));

grant select, insert, update, delete on "relations" to leadtime_app;

alter table "reports" enable row level security;

alter table "reports" force row level security;

create policy visible on "reports" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id));

grant select, insert, update, delete on "reports" to leadtime_app;

alter table "returns" enable row level security;

alter table "returns" force row level security;

create policy visible on "returns" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "returns" to leadtime_app;

alter table "runners" enable row level security;

alter table "runners" force row level security;

create policy visible on "runners" to leadtime_app using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "runners" to leadtime_app;

create policy lent on "runners" to leadtime_runner using (role = current_user) with check (role = current_user);

grant select (role, slots, heard_at, unopened_at), update (slots, heard_at, unopened_at) on "runners" to leadtime_runner;

alter table "runs" enable row level security;

alter table "runs" force row level security;

create policy visible on "runs" to leadtime_app using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "runs" to leadtime_app;

create policy lent on "runs" to leadtime_runner using (role = current_user) with check (role = current_user);

grant select (id, role, message, given_at, taken_at, takings, answered_at), update (taken_at, takings, answer, answered_at) on "runs" to leadtime_runner;

alter table "set_aside" enable row level security;

alter table "set_aside" force row level security;

create policy visible on "set_aside" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "set_aside" to leadtime_app;

alter table "sources" enable row level security;

alter table "sources" force row level security;

create policy visible on "sources" for select using (true);

create policy written on "sources" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "sources" to leadtime_app;

alter table "validation_shares" enable row level security;

alter table "validation_shares" force row level security;

create policy visible on "validation_shares" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "validation_shares" to leadtime_app;

alter table "validation_turns" enable row level security;

alter table "validation_turns" force row level security;

create policy visible on "validation_turns" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "validation_turns" to leadtime_app;

alter table "validations" enable row level security;

alter table "validations" force row level security;

create policy visible on "validations" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(report)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(report));

grant select, insert, update, delete on "validations" to leadtime_app;

alter table "vulnerabilities" enable row level security;

alter table "vulnerabilities" force row level security;

create policy visible on "vulnerabilities" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(id));

grant select, insert, update, delete on "vulnerabilities" to leadtime_app;

alter table "agreements" enable row level security;

alter table "agreements" force row level security;

create policy visible on "agreements" for select using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation()));

create policy written on "agreements" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "agreements" to leadtime_app;

alter table "case_events" enable row level security;

alter table "case_events" force row level security;

create policy visible on "case_events" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "case_events" to leadtime_app;

alter table "case_participants" enable row level security;

alter table "case_participants" force row level security;

create policy visible on "case_participants" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "case_participants" to leadtime_app;

alter table "case_reports" enable row level security;

alter table "case_reports" force row level security;

create policy visible on "case_reports" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "case_reports" to leadtime_app;

alter table "deliveries" enable row level security;

alter table "deliveries" force row level security;

create policy visible on "deliveries" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "deliveries" to leadtime_app;

alter table "employers" enable row level security;

alter table "employers" force row level security;

create policy visible on "employers" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "employers" to leadtime_app;

alter table "inventory_packages" enable row level security;

alter table "inventory_packages" force row level security;

create policy visible on "inventory_packages" using ((select leadtime_role()) = 'system' or organisation = leadtime_organisation()) with check ((select leadtime_role()) = 'system' or organisation = leadtime_organisation());

grant select, insert, update, delete on "inventory_packages" to leadtime_app;

alter table "inventory_shelves" enable row level security;

alter table "inventory_shelves" force row level security;

create policy visible on "inventory_shelves" using ((select leadtime_role()) = 'system' or organisation = leadtime_organisation()) with check ((select leadtime_role()) = 'system' or organisation = leadtime_organisation());

grant select, insert, update, delete on "inventory_shelves" to leadtime_app;

alter table "kev_entries" enable row level security;

alter table "kev_entries" force row level security;

create policy visible on "kev_entries" for select using (true);

create policy written on "kev_entries" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "kev_entries" to leadtime_app;

alter table "merged_reports" enable row level security;

alter table "merged_reports" force row level security;

create policy visible on "merged_reports" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability));

grant select, insert, update, delete on "merged_reports" to leadtime_app;

alter table "model_variants" enable row level security;

alter table "model_variants" force row level security;

create policy visible on "model_variants" for select using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or leadtime_related(model));

create policy written on "model_variants" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "model_variants" to leadtime_app;

alter table "patches" enable row level security;

alter table "patches" force row level security;

create policy visible on "patches" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(case_id));

grant select, insert, update, delete on "patches" to leadtime_app;

alter table "root_outcomes" enable row level security;

alter table "root_outcomes" force row level security;

create policy visible on "root_outcomes" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability));

grant select, insert, update, delete on "root_outcomes" to leadtime_app;

alter table "severities" enable row level security;

alter table "severities" force row level security;

create policy visible on "severities" using ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability)) with check ((select leadtime_role()) in ('coordinator', 'system') or leadtime_related(vulnerability));

grant select, insert, update, delete on "severities" to leadtime_app;

alter table "ssvc_entries" enable row level security;

alter table "ssvc_entries" force row level security;

create policy visible on "ssvc_entries" for select using (true);

create policy written on "ssvc_entries" using ((select leadtime_role()) in ('coordinator', 'system')) with check ((select leadtime_role()) in ('coordinator', 'system'));

grant select, insert, update, delete on "ssvc_entries" to leadtime_app;

alter table "window_events" enable row level security;

alter table "window_events" force row level security;

create policy visible on "window_events" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or concerns = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or concerns = (select leadtime_organisation()));

grant select, insert, update, delete on "window_events" to leadtime_app;

alter table "windows" enable row level security;

alter table "windows" force row level security;

create policy visible on "windows" for select using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or leadtime_related(id));

create policy written on "windows" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()));

grant select, insert, update, delete on "windows" to leadtime_app;

alter table "people" enable row level security;

alter table "people" force row level security;

create policy visible on "people" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "people" to leadtime_app;

alter table "window_entries" enable row level security;

alter table "window_entries" force row level security;

create policy visible on "window_entries" for select using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or proposed_by = (select leadtime_organisation()) or (organisation = (select leadtime_organisation()) and agreement is not null));

create policy written on "window_entries" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or (proposed_by = (select leadtime_organisation()) and agreement is null and state in ('proposed', 'retracted'))) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or (proposed_by = (select leadtime_organisation()) and agreement is null and state in ('proposed', 'retracted')));

grant select, insert, update, delete on "window_entries" to leadtime_app;

alter table "challenges" enable row level security;

alter table "challenges" force row level security;

create policy visible on "challenges" using ((select leadtime_role()) = 'system') with check ((select leadtime_role()) = 'system');

grant select, insert, update, delete on "challenges" to leadtime_app;

alter table "conflicts" enable row level security;

alter table "conflicts" force row level security;

create policy visible on "conflicts" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "conflicts" to leadtime_app;

alter table "grants" enable row level security;

alter table "grants" force row level security;

create policy visible on "grants" using ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) = 'system' or developer = (select leadtime_organisation()) or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "grants" to leadtime_app;

alter table "identities" enable row level security;

alter table "identities" force row level security;

create policy visible on "identities" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "identities" to leadtime_app;

alter table "paired_acts" enable row level security;

alter table "paired_acts" force row level security;

create policy visible on "paired_acts" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "paired_acts" to leadtime_app;

alter table "passkeys" enable row level security;

alter table "passkeys" force row level security;

create policy visible on "passkeys" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "passkeys" to leadtime_app;

alter table "person_events" enable row level security;

alter table "person_events" force row level security;

create policy visible on "person_events" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "person_events" to leadtime_app;

alter table "sign_in_links" enable row level security;

alter table "sign_in_links" force row level security;

create policy visible on "sign_in_links" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "sign_in_links" to leadtime_app;

alter table "tokens" enable row level security;

alter table "tokens" force row level security;

create policy visible on "tokens" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "tokens" to leadtime_app;

alter table "sessions" enable row level security;

alter table "sessions" force row level security;

create policy visible on "sessions" using ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation())) with check ((select leadtime_role()) in ('coordinator', 'system') or organisation = (select leadtime_organisation()));

grant select, insert, update, delete on "sessions" to leadtime_app;

grant usage on schema public to leadtime_app, leadtime_runner;

grant usage on all sequences in schema public to leadtime_app;

