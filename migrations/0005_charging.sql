-- What piles report: sessions, readings, statuses, frames, and what could not be trusted.
SET LOCAL ROLE joulebook_owner;

-- One sequence for all transactions of all piles; positive, never reused, within the int32 that
-- piles hold. It is also the session's key here, so that nothing else needs to know the pile.
CREATE SEQUENCE core.transaction_id AS bigint MINVALUE 1 MAXVALUE 2147483647 NO CYCLE;

-- Few foreign keys: a start copies ids that it has just read, from rows that nobody may delete.
-- Those that money hangs on are checked all the same.
CREATE TABLE core.session (
    transaction_id     bigint PRIMARY KEY DEFAULT nextval('core.transaction_id')
                           CHECK (transaction_id BETWEEN 1 AND 2147483647),
    uid                uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    -- Digest of (pile, connector, tag, time): a start seen again is the same session. It holds the
    -- boot number and the register where the time is none, and such a key is given up at the Stop.
    start_key          uuid UNIQUE,
    state              text NOT NULL DEFAULT 'open'
                           CHECK (state IN ('open', 'presumed_ended', 'stopped', 'review', 'settled', 'lost')),
    station_id         bigint NOT NULL,
    connector          integer,                      -- null: a start that could not be read
    site_id            bigint NOT NULL,
    place              text,                         -- where a relocatable or mobile pile stood
    tag_key            uuid,
    tag_hint           text,
    card_id            bigint,
    customer_id        bigint,
    account_id         bigint REFERENCES ledger.account,  -- who pays; the site's suspense account if unknown
    vehicle_id         bigint,
    fleet_id           bigint,
    group_id           bigint,                       -- two guns on one bus share one
    currency           text NOT NULL,
    direction          text NOT NULL DEFAULT 'import' CHECK (direction IN ('import', 'export', 'both')),
    tariff_version_id  bigint REFERENCES core.tariff_version,  -- frozen here
    reservation_id     bigint,
    verdict            text NOT NULL,                -- given to the pile, replayed unchanged
    verdict_expiry     timestamptz,
    verdict_parent     text,
    unsecured          boolean NOT NULL DEFAULT false,
    boot_number        integer NOT NULL,
    started_at         timestamptz NOT NULL,         -- effective: what money counts by
    start_reported_at  timestamptz,
    start_received_at  timestamptz NOT NULL,
    start_queued       boolean NOT NULL DEFAULT false,
    start_offset_us    bigint,                       -- the pile's clock minus ours; null: unknown
    meter_start_mwh    bigint,
    stopped_at         timestamptz,
    stop_reported_at   timestamptz,
    stop_received_at   timestamptz,
    stop_queued        boolean,
    stop_offset_us     bigint,
    meter_stop_mwh     bigint,
    stop_reason        text,
    stop_tag_key       uuid,
    stop_verdict       text,                         -- null: the Stop named no tag
    stop_expiry        timestamptz,
    stop_parent        text,
    presumed_ended_at  timestamptz,
    running_cost_minor bigint,
    running_cost_at    timestamptz,
    -- False: the facts changed after the rating input was taken, and a bill made of it is void.
    input_current      boolean NOT NULL DEFAULT true,
    settled_at         timestamptz,
    booked_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT session_stopped CHECK ((stop_received_at IS NULL) = (stopped_at IS NULL)),
    CONSTRAINT session_state CHECK (state NOT IN ('stopped') OR stopped_at IS NOT NULL)
) WITH (fillfactor = 75);
CREATE INDEX session_running ON core.session (station_id, connector) WHERE stopped_at IS NULL;
CREATE INDEX session_account_running ON core.session (account_id) WHERE state = 'open';
CREATE INDEX session_site ON core.session (site_id, started_at);
CREATE INDEX session_customer ON core.session (customer_id, started_at) WHERE customer_id IS NOT NULL;
CREATE INDEX session_unsettled ON core.session (state, stopped_at) WHERE state IN ('stopped', 'review', 'presumed_ended');

-- The messages behind a session as they were sent, and the raw tags: evidence and personal data,
-- apart from the session so that a person can be forgotten.
CREATE TABLE core.session_message (
    transaction_id bigint NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('start', 'start_conflict', 'stop', 'stop_conflict')),
    digest         uuid NOT NULL,                    -- of what was said: the same conflict is kept once
    received_at    timestamptz NOT NULL,
    id_tag         text,
    at_text        text,
    meter_mwh      bigint,
    frame          text,
    deviations     text,
    PRIMARY KEY (transaction_id, kind, digest)
);

-- A Stop whose session is not known (yet).
CREATE TABLE core.unmatched_stop (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest         uuid NOT NULL UNIQUE,
    station_id     bigint NOT NULL REFERENCES core.station,
    sent_id        bigint,                           -- the transactionId that the pile named
    tag_key        uuid,
    at             timestamptz NOT NULL,             -- effective
    reported_at    timestamptz,
    at_text        text,
    doubt          text,                             -- why its time is not trusted
    offset_us      bigint,
    queued         boolean NOT NULL,
    received_at    timestamptz NOT NULL,
    meter_stop_mwh bigint,
    reason         text,
    id_tag         text,
    frame          text,
    deviations     text,
    verdict        text,
    expiry         timestamptz,
    parent         text,
    state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'joined', 'review')),
    transaction_id bigint                            -- the session that it joined
);
CREATE INDEX unmatched_stop_waiting ON core.unmatched_stop (station_id) WHERE state = 'waiting';

-- One wide row a reading. No foreign keys: telemetry may live elsewhere one day, and no reading
-- may fail. Which session it belongs to is decided when it is read.
CREATE TABLE core.meter_reading (
    station           bigint NOT NULL,
    at                timestamptz NOT NULL,
    connector         integer NOT NULL,
    hash              bigint NOT NULL,               -- of the element's canonical content
    received_at       timestamptz NOT NULL,
    transaction_id    bigint,                        -- as the pile named it
    context           text,
    import_mwh        bigint,
    export_mwh        bigint,
    power_import_mw   bigint,
    power_export_mw   bigint,
    power_offered_mw  bigint,
    current_import_ma bigint,
    current_l1_ma     bigint,
    current_l2_ma     bigint,
    current_l3_ma     bigint,
    current_export_ma bigint,
    current_offered_ma bigint,
    voltage_mv        bigint,
    voltage_l1_mv     bigint,
    voltage_l2_mv     bigint,
    voltage_l3_mv     bigint,
    frequency_mhz     bigint,                        -- millihertz
    temperature_mc    bigint,                        -- thousandths of a degree Celsius
    soc_ppm           bigint,
    extra             jsonb,                         -- what fits no column exactly, verbatim
    suspect           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (station, at, connector, hash)
) PARTITION BY RANGE (at);

CREATE TABLE core.status_event (
    station           bigint NOT NULL,
    at                timestamptz NOT NULL,
    connector         integer NOT NULL,
    received_at       timestamptz NOT NULL,
    status            text NOT NULL,
    error_code        text,
    info              text,
    vendor_id         text,
    vendor_error_code text,
    at_text           text,
    PRIMARY KEY (station, at, connector, received_at)
) PARTITION BY RANGE (at);

CREATE TABLE core.frame (
    station    bigint NOT NULL,
    at         timestamptz NOT NULL,
    direction  text NOT NULL CHECK (direction IN ('in', 'out')),
    type       smallint,
    action     text,
    message_id text,
    frame      text,
    note       text
) PARTITION BY RANGE (at);
CREATE INDEX frame_station ON core.frame (station, at);

-- Everything else that a pile tells: firmware, diagnostics, logs, security events, data transfers.
CREATE TABLE core.station_event (
    station     bigint NOT NULL,
    received_at timestamptz NOT NULL,
    action      text NOT NULL,
    payload     text,
    PRIMARY KEY (station, received_at, action)
);

-- What a constraint refused is confirmed to the pile all the same and kept here: no checks, no keys.
CREATE TABLE core.inbound_refused (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    station        bigint,
    received_at    timestamptz,
    function_name  text,
    sqlstate       text,
    message        text,
    frame          text,
    digest         uuid,
    transaction_id bigint,
    booked_at      timestamptz DEFAULT clock_timestamp()
);
CREATE INDEX inbound_refused_digest ON core.inbound_refused (digest);

-- How long the partitioned tables keep their months, and the months themselves.
CREATE TABLE core.partition_plan (
    table_name       text PRIMARY KEY,
    retention_months integer NOT NULL CHECK (retention_months >= 1),
    ahead_months     integer NOT NULL DEFAULT 3 CHECK (ahead_months >= 1)
);
INSERT INTO core.partition_plan (table_name, retention_months) VALUES
    ('meter_reading', 13), ('status_event', 13), ('frame', 2);

RESET ROLE;
