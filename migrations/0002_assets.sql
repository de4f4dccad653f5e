-- Sites, piles, connectors, and who owns which connection.
SET LOCAL ROLE joulebook_owner;

-- Small helpers that constraints use; they may never change their meaning. Those that are one
-- expression have no settings of their own, so that callers have them inlined.
CREATE FUNCTION core.zone_known(p_zone text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- POSIX-style names such as X5 would be taken as zones of their own; a real one is Region/City.
    IF p_zone <> 'UTC' AND position('/' IN p_zone) = 0 THEN
        RETURN false;
    END IF;
    PERFORM timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE p_zone;
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;

-- Stable, since convert_to() is: an immutable wrapper would not be inlined.
CREATE FUNCTION core.tag_key(p_id_tag text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(convert_to(lower(p_id_tag COLLATE "C"), 'UTF8')), 1, 16), 'hex')::uuid
$$;

CREATE FUNCTION core.tag_hint(p_id_tag text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(p_id_tag) >= 9 THEN left(p_id_tag, 2) || '***' || right(p_id_tag, 4)
                WHEN length(p_id_tag) >= 4 THEN left(p_id_tag, 2) || '***'
                ELSE '***' END
$$;

CREATE TABLE core.currency (
    code     text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
    exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4)
);
INSERT INTO core.currency (code, exponent) VALUES
    ('CNY', 2), ('EUR', 2), ('USD', 2), ('GBP', 2), ('CHF', 2), ('HKD', 2), ('SGD', 2),
    ('JPY', 0), ('KRW', 0), ('KWD', 3);

CREATE TABLE core.tariff (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE CHECK (code ~ '^[^[:cntrl:]]{1,64}$'),
    name       text NOT NULL,
    currency   text NOT NULL REFERENCES core.currency,
    tax_mode   text NOT NULL DEFAULT 'net' CHECK (tax_mode IN ('net', 'gross')),
    type       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, currency)
);

CREATE TABLE core.site (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code                 text NOT NULL UNIQUE CHECK (code ~ '^[^[:cntrl:]]{1,64}$'),
    name                 text NOT NULL,
    kind                 text NOT NULL CHECK (kind IN ('petrol_station', 'bus_depot', 'taxi_station',
                             'car_park', 'shopping_centre', 'roadside', 'highway_service_area',
                             'residential', 'workplace', 'remote', 'mobile')),
    zone                 text NOT NULL CHECK (core.zone_known(zone)),
    currency             text NOT NULL REFERENCES core.currency,
    region               text,                       -- which day_calendar holds here
    address              text,
    latitude_micro       integer CHECK (latitude_micro BETWEEN -90000000 AND 90000000),
    longitude_micro      integer CHECK (longitude_micro BETWEEN -180000000 AND 180000000),
    default_tariff_id    bigint,                     -- what an unassigned pile charges by
    min_start_minor      bigint NOT NULL DEFAULT 100 CHECK (min_start_minor > 0),
    hold_floor_minor     bigint NOT NULL DEFAULT 1000 CHECK (hold_floor_minor > 0),
    full_charge_within_s integer CHECK (full_charge_within_s > 0),
    grid_limit_w         bigint CHECK (grid_limit_w > 0),
    own_supply_w         bigint CHECK (own_supply_w > 0),   -- solar, wind, storage on the site
    created_at           timestamptz NOT NULL DEFAULT now(),
    closed_at            timestamptz,
    -- A taxi station promises a full charge within one hour.
    CONSTRAINT site_taxi_promise CHECK (kind <> 'taxi_station' OR COALESCE(full_charge_within_s <= 3600, false)),
    FOREIGN KEY (default_tariff_id, currency) REFERENCES core.tariff (id, currency)
);

CREATE TABLE core.station (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity         text NOT NULL,
    site_id          bigint NOT NULL REFERENCES core.site,
    outdoors         boolean NOT NULL DEFAULT true,
    protection       text NOT NULL CHECK (protection ~ '^IP[0-6][0-9]K?$'),
    place            text NOT NULL DEFAULT 'fixed' CHECK (place IN ('fixed', 'relocatable', 'mobile')),
    vendor           text,
    model            text,
    serial           text,
    box_serial       text,
    firmware         text,
    iccid            text,
    imsi             text,
    meter_type       text,
    meter_serial     text,
    registration     text NOT NULL DEFAULT 'none' CHECK (registration IN ('none', 'accepted', 'pending', 'rejected')),
    boot_number      integer NOT NULL DEFAULT 0,
    booted_at        timestamptz,                    -- received_at of the last BootNotification
    blocked          boolean NOT NULL DEFAULT false,
    quirks           text,
    strict           boolean NOT NULL DEFAULT false, -- certification: deviations are refused, not tolerated
    security_profile smallint NOT NULL DEFAULT 1 CHECK (security_profile BETWEEN 0 AND 3),
    heartbeat_s      integer CHECK (heartbeat_s BETWEEN 10 AND 86400),   -- this and the next: null: the node's own
    ping_s           integer CHECK (ping_s BETWEEN 0 AND 3600),
    export_allowed   boolean NOT NULL DEFAULT false,
    -- In service since then: a start that names an earlier time is no time (a clock of 1970).
    registered_at    timestamptz NOT NULL DEFAULT now(),
    created_at       timestamptz NOT NULL DEFAULT now(),
    retired_at       timestamptz,
    CONSTRAINT station_identity CHECK (octet_length(identity) BETWEEN 1 AND 64 AND identity !~ '[[:cntrl:]]'),
    -- Outdoors IP54 or better, indoors IP32 or better.
    CONSTRAINT station_protection CHECK (
        CASE WHEN outdoors THEN substr(protection, 3, 1) >= '5' AND substr(protection, 4, 1) >= '4'
             ELSE substr(protection, 3, 1) >= '3' AND substr(protection, 4, 1) >= '2' END)
) WITH (fillfactor = 80);
-- Matched exactly, then without case: two piles may not differ in case alone.
CREATE UNIQUE INDEX station_identity_key ON core.station (lower(identity));
CREATE INDEX station_site ON core.station (site_id);

-- Liveness is written every 30 s a pile; in a row of its own it never meets a boot's lock.
CREATE TABLE core.station_seen (
    station bigint PRIMARY KEY,
    at      timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE core.station_key (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id bigint NOT NULL REFERENCES core.station,
    key_hash   text NOT NULL UNIQUE CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'next', 'revoked')),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL))
);
CREATE INDEX station_key_station ON core.station_key (station_id);

-- Where a relocatable or mobile pile stood, and when.
CREATE TABLE core.place_history (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id      bigint NOT NULL REFERENCES core.station,
    site_id         bigint NOT NULL REFERENCES core.site,
    latitude_micro  integer CHECK (latitude_micro BETWEEN -90000000 AND 90000000),
    longitude_micro integer CHECK (longitude_micro BETWEEN -180000000 AND 180000000),
    address         text,
    stood_during    tstzrange NOT NULL CHECK (NOT isempty(stood_during)),
    actor           text NOT NULL,
    EXCLUDE USING gist (int8range(station_id, station_id, '[]') WITH &&, stood_during WITH &&)
);

-- Number 0 is the pile itself.
CREATE TABLE core.connector (
    station_id         bigint NOT NULL REFERENCES core.station,
    number             integer NOT NULL CHECK (number BETWEEN 0 AND 1000),
    kind               text CHECK (kind IN ('AC', 'DC')),
    max_power_w        bigint CHECK (max_power_w > 0),
    standard           text,
    status             text,
    error_code         text,
    info               text,
    vendor_id          text,
    vendor_error_code  text,
    status_at          timestamptz,
    status_received_at timestamptz,
    registered         boolean NOT NULL DEFAULT false,  -- false: known from the pile's own reports only
    PRIMARY KEY (station_id, number)
) WITH (fillfactor = 70);

CREATE TABLE core.node (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who owns a pile's connection. Whoever acts for one compares the epoch.
CREATE TABLE core.station_connection (
    station_id   bigint PRIMARY KEY REFERENCES core.station,
    node_id      bigint,
    epoch        bigint NOT NULL DEFAULT 0,
    remote       text,
    opened_at    timestamptz,
    closed_at    timestamptz,
    close_reason text
) WITH (fillfactor = 50);
CREATE INDEX station_connection_node ON core.station_connection (node_id) WHERE closed_at IS NULL;

-- Changes of what the handshake needs; seq is given after their commit by the sequencer, which tells the nodes.
CREATE TABLE core.directory_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    seq        bigint UNIQUE
);
CREATE INDEX directory_change_new ON core.directory_change (id) WHERE seq IS NULL;
CREATE TABLE core.stream (
    name text PRIMARY KEY,
    seq  bigint NOT NULL DEFAULT 0
);
INSERT INTO core.stream (name) VALUES ('directory'), ('outbox');

CREATE FUNCTION core.station_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'station' THEN
        INSERT INTO core.directory_change (station_id) VALUES (NEW.id);
        IF TG_OP = 'INSERT' THEN
            INSERT INTO core.station_connection (station_id) VALUES (NEW.id);
        END IF;
    ELSE
        INSERT INTO core.directory_change (station_id) VALUES (NEW.station_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER station_inserted AFTER INSERT ON core.station
    FOR EACH ROW EXECUTE FUNCTION core.station_changed();
-- A boot changes boot_number only, and its node knows that already: no change for the directory.
CREATE TRIGGER station_updated AFTER UPDATE ON core.station
    FOR EACH ROW WHEN ((OLD.identity, OLD.security_profile, OLD.registration, OLD.blocked, OLD.ping_s,
                        OLD.quirks, OLD.strict, OLD.retired_at)
        IS DISTINCT FROM (NEW.identity, NEW.security_profile, NEW.registration, NEW.blocked, NEW.ping_s,
                          NEW.quirks, NEW.strict, NEW.retired_at))
    EXECUTE FUNCTION core.station_changed();
CREATE TRIGGER station_key_changed AFTER INSERT OR UPDATE ON core.station_key
    FOR EACH ROW EXECUTE FUNCTION core.station_changed();

RESET ROLE;
