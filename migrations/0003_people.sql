-- Customers, cards, vehicles, fleets, tariffs. Names, phones, plates and raw tags stand in tables
-- of their own, so that forgetting a person empties those and touches no bill.
SET LOCAL ROLE joulebook_owner;

CREATE TABLE core.customer (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL UNIQUE CHECK (code ~ '^[^[:cntrl:]]{1,64}$'),   -- the operator's own number
    kind         text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'company', 'public_body')),
    language     text NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2}(-[A-Za-z]{2,4})?$'),
    home_site_id bigint REFERENCES core.site,         -- whose operators see this customer
    status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'blocked', 'closed')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    forgotten_at timestamptz
);
CREATE TABLE core.customer_person (
    customer_id bigint PRIMARY KEY REFERENCES core.customer,
    name        text,
    phone       text,
    email       text,
    address     text,
    tax_number  text
);

CREATE TABLE core.fleet (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE CHECK (code ~ '^[^[:cntrl:]]{1,64}$'),
    name        text NOT NULL,
    kind        text NOT NULL DEFAULT 'company' CHECK (kind IN ('bus', 'taxi', 'logistics', 'company')),
    customer_id bigint REFERENCES core.customer,      -- who pays
    site_id     bigint REFERENCES core.site,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE core.vehicle (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id       bigint REFERENCES core.customer,
    fleet_id          bigint REFERENCES core.fleet,
    class             text NOT NULL DEFAULT 'car' CHECK (class IN ('car', 'taxi', 'bus', 'truck', 'van', 'two_wheeler')),
    battery_mwh       bigint CHECK (battery_mwh > 0),
    max_power_w       bigint CHECK (max_power_w > 0),
    discharge_allowed boolean NOT NULL DEFAULT false,
    created_at        timestamptz NOT NULL DEFAULT now(),
    retired_at        timestamptz
);
CREATE TABLE core.vehicle_plate (
    vehicle_id bigint PRIMARY KEY REFERENCES core.vehicle,
    plate      text,
    vin        text
);
CREATE UNIQUE INDEX vehicle_plate_plate ON core.vehicle_plate (upper(plate));

CREATE TABLE core.tag_group (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent text NOT NULL UNIQUE CHECK (length(parent) BETWEEN 1 AND 20)   -- parentIdTag, no person's
);

-- A card is found by core.tag_key(id_tag), which knows no case; the raw tag stands in core.card_tag.
CREATE TABLE core.card (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag_key     uuid UNIQUE,                          -- null once forgotten
    tag_hint    text NOT NULL,                        -- what views show
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'blocked', 'lost', 'retired')),
    expires_at  timestamptz,
    group_id    bigint REFERENCES core.tag_group,
    customer_id bigint REFERENCES core.customer,
    account_id  bigint,                               -- who pays: a wallet or a receivable
    vehicle_id  bigint REFERENCES core.vehicle,
    fleet_id    bigint REFERENCES core.fleet,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX card_customer ON core.card (customer_id);
CREATE TABLE core.card_tag (
    card_id bigint PRIMARY KEY REFERENCES core.card,
    id_tag  text NOT NULL CHECK (length(id_tag) BETWEEN 1 AND 20)
);

-- The dearest a kWh of import can get under a tariff document, with tax, in micro units: what a
-- hold is estimated by. A component counts where it stands, restrictions or not; per charge code
-- the dearest, and the charge codes add up.
CREATE FUNCTION core.tariff_top_price_micro(p_document jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(ceil(sum(price) * 1000000), 0)::bigint FROM (
        SELECT max((c.value ->> 'price')::numeric
                   * CASE WHEN p_document ->> 'tax_mode' = 'gross' THEN 1
                          ELSE 1 + COALESCE((c.value ->> 'vat')::numeric, 0) / 100 END
                   * COALESCE((c.value ->> 'quantity_factor')::numeric, 1)) AS price
        FROM jsonb_array_elements(p_document -> 'elements') e,
             jsonb_array_elements(e.value -> 'price_components') c
        WHERE c.value ->> 'type' = 'ENERGY' AND COALESCE(e.value ->> 'direction', 'IMPORT') = 'IMPORT'
        GROUP BY COALESCE(c.value ->> 'charge_code', 'ENERGY_ELEC')) t
$$;

CREATE TABLE core.tariff_version (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tariff_id       bigint NOT NULL REFERENCES core.tariff,
    version         integer NOT NULL CHECK (version > 0),
    valid_from      timestamptz NOT NULL,
    valid_to        timestamptz,
    state           text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'active', 'retired')),
    document        jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    sha256          bytea NOT NULL,                   -- of document::text, set here
    top_price_micro bigint NOT NULL,                  -- per kWh with tax, set here
    published_by    text NOT NULL,
    published_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tariff_id, version),
    CHECK (valid_to IS NULL OR valid_to > valid_from),
    CONSTRAINT tariff_version_overlap EXCLUDE USING gist
        (int8range(tariff_id, tariff_id, '[]') WITH &&, tstzrange(valid_from, valid_to) WITH &&)
        WHERE (state <> 'draft')
);

CREATE FUNCTION core.tariff_version_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'draft' THEN
            RAISE EXCEPTION 'tariff version % is published and cannot be deleted', OLD.id USING ERRCODE = '23514';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state <> 'draft' THEN
        -- Published: it may end or be retired, nothing else.
        IF (NEW.id, NEW.tariff_id, NEW.version, NEW.valid_from, NEW.document, NEW.sha256,
            NEW.top_price_micro, NEW.published_by, NEW.published_at)
           IS DISTINCT FROM
           (OLD.id, OLD.tariff_id, OLD.version, OLD.valid_from, OLD.document, OLD.sha256,
            OLD.top_price_micro, OLD.published_by, OLD.published_at)
           OR NEW.state = 'draft' OR (OLD.state = 'retired' AND NEW.state <> 'retired') THEN
            RAISE EXCEPTION 'tariff version % is published and does not change', OLD.id USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    NEW.sha256 := sha256(convert_to(NEW.document::text, 'UTF8'));
    NEW.top_price_micro := core.tariff_top_price_micro(NEW.document);
    RETURN NEW;
END
$$;
CREATE TRIGGER tariff_version_guard BEFORE INSERT OR UPDATE OR DELETE ON core.tariff_version
    FOR EACH ROW EXECUTE FUNCTION core.tariff_version_guard();

-- Which tariff holds where. The narrowest scope wins, then the lowest priority number.
CREATE TABLE core.tariff_assignment (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope        text NOT NULL CHECK (scope IN ('customer', 'fleet', 'card_group', 'connector', 'station', 'site')),
    target_id    bigint NOT NULL,                     -- customer, fleet, tag_group, station or site
    connector    integer NOT NULL DEFAULT 0 CHECK ((scope = 'connector') = (connector > 0)),
    tariff_id    bigint NOT NULL REFERENCES core.tariff,
    priority     integer NOT NULL DEFAULT 0,
    valid_during tstzrange NOT NULL DEFAULT tstzrange(NULL, NULL) CHECK (NOT isempty(valid_during)),
    scope_rank   integer NOT NULL GENERATED ALWAYS AS (
        CASE scope WHEN 'customer' THEN 1 WHEN 'fleet' THEN 2 WHEN 'card_group' THEN 3
                   WHEN 'connector' THEN 4 WHEN 'station' THEN 5 ELSE 6 END) STORED,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor        text NOT NULL,
    CONSTRAINT tariff_assignment_overlap EXCLUDE USING gist (
        int8range(target_id, target_id, '[]') WITH &&,
        int4range(scope_rank, scope_rank, '[]') WITH &&,
        int4range(connector, connector, '[]') WITH &&,
        int4range(priority, priority, '[]') WITH &&,
        valid_during WITH &&)
);
CREATE INDEX tariff_assignment_target ON core.tariff_assignment (target_id, scope);

CREATE TABLE core.day_calendar (
    region   text NOT NULL,
    date     date NOT NULL,
    day_type text NOT NULL CHECK (day_type <> ''),
    PRIMARY KEY (region, date)
);

-- A day that has begun anywhere keeps its type; a past day may still get one as long as nothing
-- was charged by it.
CREATE FUNCTION core.day_calendar_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    begun date := (now() AT TIME ZONE 'UTC' + interval '14 hours')::date;
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.date <= begun THEN
        RAISE EXCEPTION 'the calendar of % has begun and does not change', OLD.date USING ERRCODE = '23514';
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.date <= begun AND EXISTS (
            SELECT FROM core.session s JOIN core.site t ON t.id = s.site_id
            WHERE t.region = NEW.region
              AND s.started_at < (NEW.date + 2)::timestamp AT TIME ZONE 'UTC'
              AND (s.stopped_at IS NULL OR s.stopped_at > (NEW.date - 1)::timestamp AT TIME ZONE 'UTC')) THEN
        RAISE EXCEPTION 'sessions were charged by the calendar of %', NEW.date USING ERRCODE = '23514';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER day_calendar_guard BEFORE INSERT OR UPDATE OR DELETE ON core.day_calendar
    FOR EACH ROW EXECUTE FUNCTION core.day_calendar_guard();

RESET ROLE;
