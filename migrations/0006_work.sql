-- What is to be done, decided, sent and remembered: reviews, jobs, commands, the door, the audit.
SET LOCAL ROLE joulebook_owner;

-- Data nobody can trust waits here for a person. While an item that blocks is open, its session is
-- not billed.
CREATE TABLE core.review (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    blocks      boolean NOT NULL DEFAULT false,
    dedupe_key  text NOT NULL UNIQUE,                 -- the same trouble is one item
    station_id  bigint,
    site_id     bigint,
    session_uid uuid,
    received_at timestamptz,
    detail      jsonb NOT NULL DEFAULT '{}',
    frame       text,
    input       bytea,                                -- the rating input that the engine would not trust
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided')),
    decision    text,
    correction  jsonb,                                -- that the decision brought
    note        text,
    decided_by  text,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at  timestamptz,
    CHECK ((state = 'decided') = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND decision IS NOT NULL))
);
CREATE INDEX review_session ON core.review (session_uid) WHERE session_uid IS NOT NULL;
CREATE INDEX review_open ON core.review (opened_at) WHERE state = 'open';

CREATE TABLE core.job (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    key         text NOT NULL,
    payload     jsonb NOT NULL DEFAULT '{}',
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    repeat_s    integer CHECK (repeat_s > 0),         -- a job of the clock queues itself again
    attempts    integer NOT NULL DEFAULT 0,
    worker      text,
    claimed_at  timestamptz,
    lease_until timestamptz,                          -- a worker that died is overtaken after this
    finished_at timestamptz,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX job_once ON core.job (kind, key) WHERE state IN ('queued', 'running');
CREATE INDEX job_due ON core.job (run_at) WHERE state IN ('queued', 'running') AND repeat_s IS NULL;
CREATE INDEX job_clock ON core.job (run_at) WHERE state IN ('queued', 'running') AND repeat_s IS NOT NULL;
CREATE INDEX job_failed ON core.job (kind, key) WHERE state = 'failed';
CREATE INDEX job_done ON core.job (finished_at) WHERE state = 'done';
INSERT INTO core.job (kind, key, repeat_s) VALUES
    ('partitions', 'all', 21600), ('command_expiry', 'all', 5), ('sequence', 'all', 1), ('sweep', 'all', 60);

-- No command to a pile exists outside this table.
CREATE TABLE core.command (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id      bigint NOT NULL REFERENCES core.station,
    action          text NOT NULL,
    payload         jsonb NOT NULL,
    secret_members  text[] NOT NULL DEFAULT '{}',     -- wiped from payload once it has ended
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'accepted', 'rejected',
                        'refused', 'call_error', 'timed_out', 'unknown', 'expired', 'cancelled')),
    repeatable      boolean NOT NULL DEFAULT false,
    timeout_s       integer CHECK (timeout_s BETWEEN 1 AND 3600),   -- null: the node's own, 600 at most
    deadline        timestamptz NOT NULL,
    actor           text NOT NULL,
    idempotency_key text,
    session_uid     uuid,                             -- the session that a remote start or stop is about
    requested_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    message_id      text,
    node_id         bigint,
    epoch           bigint,
    attempts        integer NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    answered_at     timestamptz,
    answer          text,                             -- JSON, or the error's text
    UNIQUE (actor, idempotency_key)
) WITH (fillfactor = 70);
CREATE INDEX command_queued ON core.command (station_id, id) WHERE state = 'queued';
CREATE INDEX command_due ON core.command (deadline) WHERE state = 'queued';
CREATE INDEX command_sent ON core.command (station_id) WHERE state = 'sent';
CREATE INDEX command_reset ON core.command (station_id, sent_at) WHERE state IN ('sent', 'unknown') AND action = 'Reset';
CREATE INDEX command_secret ON core.command (deadline) WHERE state = 'unknown' AND payload ?| secret_members;
CREATE INDEX command_station ON core.command (station_id, requested_at);

-- However a command ends, its secrets end with it. A late answer may still come to one that is unknown, and
-- one that never left is put back: the clock wipes those once their deadline has passed.
CREATE FUNCTION core.command_ended() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.payload := NEW.payload - NEW.secret_members;
    RETURN NEW;
END
$$;
CREATE TRIGGER command_ended BEFORE UPDATE ON core.command
    FOR EACH ROW WHEN (NEW.state NOT IN ('queued', 'sent', 'unknown') AND NEW.payload ?| NEW.secret_members)
    EXECUTE FUNCTION core.command_ended();

-- The owner's node is told at once; inside a lane the node tells itself after the commit.
CREATE FUNCTION core.command_queued() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node bigint;
BEGIN
    IF current_setting('joulebook.lane', true) = 'on' THEN
        RETURN NULL;
    END IF;
    SELECT c.node_id INTO node FROM core.station_connection c
    WHERE c.station_id = NEW.station_id AND c.closed_at IS NULL;
    IF node IS NOT NULL THEN
        PERFORM pg_notify('joulebook_node_' || node, NEW.station_id::text);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER command_queued AFTER INSERT ON core.command
    FOR EACH ROW WHEN (NEW.state = 'queued') EXECUTE FUNCTION core.command_queued();

-- Callers that were refused, one row for each name and reason; the empty name is who gave none that
-- could be understood, and those for whose names there was no room. Rows not seen for 30 days are swept.
CREATE TABLE core.door (
    identity text NOT NULL,
    reason   text NOT NULL,
    count    bigint NOT NULL DEFAULT 1,
    remote   text,                                    -- the last one
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    stranger boolean NOT NULL DEFAULT false,          -- no pile had that name when it first came
    PRIMARY KEY (identity, reason)
);
CREATE INDEX door_last ON core.door (last_at);
CREATE INDEX door_strangers ON core.door (stranger) WHERE stranger;

-- Events for the world outside; seq is given after their commit by the sequencer.
CREATE TABLE core.outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    site_id     bigint,
    station_id  bigint,
    session_uid uuid,
    payload     jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seq         bigint UNIQUE
);
CREATE INDEX outbox_new ON core.outbox (id) WHERE seq IS NULL;

-- A lane writes its mark with a member whose outcome it did not learn.
CREATE TABLE core.lane_mark (
    lane  text PRIMARY KEY,
    token bigint NOT NULL,
    at    timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- The field tables of ocpp/, loaded by the migrator: no second list.
CREATE TABLE core.ocpp_action (
    action     text PRIMARY KEY,
    sender     text NOT NULL CHECK (sender IN ('pile', 'system', 'both')),
    repeatable boolean NOT NULL,
    section    text
);
CREATE TABLE core.ocpp_field (
    action       text NOT NULL,
    confirmation boolean NOT NULL,
    path         text NOT NULL,                       -- chargingSchedule.chargingSchedulePeriod[].limit
    kind         text NOT NULL,                       -- int, bool, string, time, decimal, enum, object, array
    required     boolean NOT NULL,
    minimum      bigint,
    maximum      bigint,                              -- of the value, or of the length
    allowed      text[],                              -- enum spellings
    ordinal      integer NOT NULL,
    PRIMARY KEY (action, confirmation, path)
);

CREATE TABLE core.audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    login       text NOT NULL DEFAULT session_user,
    action      text NOT NULL,
    site_id     bigint,
    target      text,
    args        jsonb NOT NULL DEFAULT '{}',          -- secrets masked
    outcome     text NOT NULL DEFAULT 'done'
);
CREATE INDEX audit_at ON core.audit (at);
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON core.audit
    FOR EACH ROW EXECUTE FUNCTION ledger.append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON core.audit
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only();

-- Who may act, and what they may see.
CREATE TABLE core.login (
    login       text PRIMARY KEY,
    role        text NOT NULL CHECK (role IN ('viewer', 'operator', 'cashier', 'admin')),
    scope       text NOT NULL DEFAULT 'list' CHECK (scope IN ('all', 'list')),
    label       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
CREATE TABLE core.login_site (
    login   text NOT NULL REFERENCES core.login,
    site_id bigint NOT NULL REFERENCES core.site,
    PRIMARY KEY (login, site_id)
);
CREATE TABLE core.login_fleet (
    login    text NOT NULL REFERENCES core.login,
    fleet_id bigint NOT NULL REFERENCES core.fleet,
    PRIMARY KEY (login, fleet_id)
);

RESET ROLE;
