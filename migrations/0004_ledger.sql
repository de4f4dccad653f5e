-- The ledger: append-only double entry. Money is bigint in minor units of the account's currency.
-- Balances are stored only where a floor, a hold or a screen needs them; income, tax and cost are
-- summed from their entries, so that no row of theirs is hot.
SET LOCAL ROLE joulebook_owner;

CREATE TABLE ledger.account (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL UNIQUE,               -- wallet:C-17:CNY, rev.elec:SITE, vat.out:60000:CNY
    purpose       text NOT NULL CHECK (purpose IN ('wallet', 'bonus', 'arrears', 'receivable', 'partner',
                      'psp', 'cash', 'bank', 'revenue', 'vat', 'promo', 'writeoff', 'suspense', 'rounding',
                      'v2g_cost', 'subsidy', 'grid_payable', 'grid_cost')),
    class         text NOT NULL CHECK (class IN ('asset', 'liability', 'income', 'expense', 'equity')),
    normal        text NOT NULL CHECK (normal IN ('D', 'C')),
    currency      text NOT NULL REFERENCES core.currency,
    customer_id   bigint REFERENCES core.customer,
    site_id       bigint REFERENCES core.site,
    fleet_id      bigint REFERENCES core.fleet,
    charge_code   text,                               -- revenue: what it earns by
    keeps_balance boolean NOT NULL GENERATED ALWAYS AS
                      (purpose IN ('wallet', 'bonus', 'arrears', 'receivable', 'partner')) STORED,
    max_sessions  integer DEFAULT 1 CHECK (max_sessions > 0),   -- running at once; null: no limit
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at     timestamptz,
    CONSTRAINT account_normal CHECK ((class IN ('asset', 'expense')) = (normal = 'D')),
    CONSTRAINT account_holder CHECK (purpose NOT IN ('wallet', 'bonus', 'arrears') OR customer_id IS NOT NULL)
);
CREATE UNIQUE INDEX account_of_customer ON ledger.account (customer_id, currency, purpose)
    WHERE purpose IN ('wallet', 'bonus', 'arrears', 'receivable');
CREATE INDEX account_site ON ledger.account (site_id, purpose);
ALTER TABLE core.card ADD FOREIGN KEY (account_id) REFERENCES ledger.account;

-- One row is one lock. Wallet and bonus: posted - held never below the floor. Receivable: the
-- ceiling bounds new holds; what was delivered is owed all the same, so it bounds no posting.
CREATE TABLE ledger.account_balance (
    account_id    bigint PRIMARY KEY REFERENCES ledger.account,
    posted        bigint NOT NULL DEFAULT 0,
    held          bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    floor_minor   bigint,
    ceiling_minor bigint CHECK (ceiling_minor >= 0),
    version       bigint NOT NULL DEFAULT 0,
    CONSTRAINT balance_floor CHECK (floor_minor IS NULL OR posted - held >= floor_minor)
) WITH (fillfactor = 60);

CREATE TABLE ledger.journal (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idem_key     text NOT NULL UNIQUE,                -- settle:<session>:v1, topup:<channel>:<number>
    request_hash bytea NOT NULL,                      -- same key, other content: a conflict, never a reuse
    kind         text NOT NULL CHECK (kind IN ('topup', 'settle', 'refund', 'reverse', 'adjust', 'share',
                     'payout', 'writeoff', 'grid_cost', 'transfer', 'accrual')),
    reverses     bigint UNIQUE REFERENCES ledger.journal,
    session_uid  uuid,
    site_id      bigint REFERENCES core.site,
    event_at     timestamptz NOT NULL,
    booked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    period       date NOT NULL,                       -- accounting day; a closed one takes no journal
    actor        text NOT NULL,
    memo         text,
    xact         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT journal_reverse CHECK ((kind = 'reverse') = (reverses IS NOT NULL))
);
CREATE INDEX journal_session ON ledger.journal (session_uid) WHERE session_uid IS NOT NULL;
CREATE INDEX journal_period ON ledger.journal (period);

CREATE TABLE ledger.entry (
    journal_id    bigint NOT NULL REFERENCES ledger.journal,
    line          smallint NOT NULL,
    account_id    bigint NOT NULL REFERENCES ledger.account,
    side          text NOT NULL CHECK (side IN ('D', 'C')),
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    balance_after bigint,                             -- of accounts that keep one: the running chain
    account_ver   bigint,
    PRIMARY KEY (journal_id, line),
    CHECK ((balance_after IS NULL) = (account_ver IS NULL))
);
CREATE UNIQUE INDEX entry_chain ON ledger.entry (account_id, account_ver) WHERE account_ver IS NOT NULL;
CREATE INDEX entry_account ON ledger.entry (account_id, journal_id);

CREATE TABLE ledger.hold (
    session_uid  uuid NOT NULL,
    account_id   bigint NOT NULL REFERENCES ledger.account,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'captured', 'released')),
    placed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    resolved_at  timestamptz,
    PRIMARY KEY (session_uid, account_id),
    CHECK ((state = 'active') = (resolved_at IS NULL))
);
CREATE INDEX hold_expiry ON ledger.hold (expires_at) WHERE state = 'active';

CREATE TABLE ledger.settlement (
    session_uid       uuid NOT NULL,
    version           integer NOT NULL CHECK (version > 0),
    state             text NOT NULL DEFAULT 'posted' CHECK (state IN ('posted', 'reversed')),
    journal_id        bigint UNIQUE REFERENCES ledger.journal,   -- null: nothing to pay, nothing to post
    site_id           bigint NOT NULL REFERENCES core.site,
    account_id        bigint NOT NULL REFERENCES ledger.account, -- who pays
    currency          text NOT NULL REFERENCES core.currency,
    tariff_version_id bigint NOT NULL REFERENCES core.tariff_version,
    energy_import_mwh bigint NOT NULL CHECK (energy_import_mwh >= 0),
    energy_export_mwh bigint NOT NULL CHECK (energy_export_mwh >= 0),
    estimated_mwh     bigint NOT NULL CHECK (estimated_mwh >= 0),
    net_micro         bigint NOT NULL,
    vat_micro         bigint NOT NULL,
    net_minor         bigint NOT NULL,
    vat_minor         bigint NOT NULL,
    gross_minor       bigint NOT NULL CHECK (gross_minor >= 0),
    credit_minor      bigint NOT NULL CHECK (credit_minor >= 0),
    from_bonus_minor  bigint NOT NULL DEFAULT 0 CHECK (from_bonus_minor >= 0),
    from_wallet_minor bigint NOT NULL DEFAULT 0 CHECK (from_wallet_minor >= 0),
    to_arrears_minor  bigint NOT NULL DEFAULT 0 CHECK (to_arrears_minor >= 0),
    groups            jsonb NOT NULL,
    evidence          text NOT NULL,
    provisional       boolean NOT NULL DEFAULT false,
    input             bytea NOT NULL,                 -- the engine's whole input, zlib
    input_sha256      bytea NOT NULL CHECK (length(input_sha256) = 32),
    output_sha256     bytea NOT NULL CHECK (length(output_sha256) = 32),
    settled_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (session_uid, version),
    CONSTRAINT settlement_gross CHECK (net_minor + vat_minor = gross_minor),
    CONSTRAINT settlement_journal CHECK (journal_id IS NOT NULL OR (gross_minor = 0 AND credit_minor = 0))
);
CREATE UNIQUE INDEX settlement_live ON ledger.settlement (session_uid) WHERE state = 'posted';
CREATE INDEX settlement_site ON ledger.settlement (site_id, settled_at);

-- The rated lines of a settlement, as the engine made them.
CREATE TABLE ledger.settlement_line (
    session_uid  uuid NOT NULL,
    version      integer NOT NULL,
    seq          integer NOT NULL,
    site_id      bigint NOT NULL REFERENCES core.site,
    station_id   bigint NOT NULL REFERENCES core.station,
    account_id   bigint NOT NULL REFERENCES ledger.account,
    card_id      bigint,
    vehicle_id   bigint,
    group_id     bigint,
    currency     text NOT NULL,
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL,
    direction    text NOT NULL CHECK (direction IN ('import', 'export')),
    dimension    text NOT NULL,
    charge_code  text NOT NULL,
    rate_label   text,
    quantity     bigint NOT NULL,
    unit         text NOT NULL,
    price_micro  bigint NOT NULL,
    net_micro    bigint NOT NULL,
    vat_ppm      integer CHECK (vat_ppm >= 0),        -- null: no tax applies
    vat_micro    bigint NOT NULL,
    gross_micro  bigint NOT NULL,
    amount_minor bigint NOT NULL,
    estimated    boolean NOT NULL,
    element      text,
    PRIMARY KEY (session_uid, version, seq),
    FOREIGN KEY (session_uid, version) REFERENCES ledger.settlement
);

CREATE TABLE ledger.top_up (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel      text NOT NULL CHECK (channel ~ '^[^[:cntrl:]]{1,32}$'),
    external_no  text NOT NULL CHECK (external_no ~ '^[^[:cntrl:]]{1,128}$'),
    account_id   bigint NOT NULL REFERENCES ledger.account,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    bonus_minor  bigint NOT NULL DEFAULT 0 CHECK (bonus_minor >= 0),
    journal_id   bigint NOT NULL UNIQUE REFERENCES ledger.journal,
    actor        text NOT NULL,
    booked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (channel, external_no)
);
CREATE INDEX top_up_account ON ledger.top_up (account_id);

CREATE TABLE ledger.closed_day (
    period      date PRIMARY KEY,
    sealed_hash bytea NOT NULL CHECK (length(sealed_hash) = 32),
    journals    bigint NOT NULL,
    closed_by   text NOT NULL,
    closed_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Sealed blocks list their journals one by one: ids are not the order of commit.
CREATE TABLE ledger.block (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    previous  bigint UNIQUE REFERENCES ledger.block,
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE ledger.sealed (
    journal_id bigint PRIMARY KEY REFERENCES ledger.journal,
    block_id   bigint NOT NULL REFERENCES ledger.block
);
CREATE INDEX sealed_block ON ledger.sealed (block_id);

-- Nobody rewrites history: not the daemon, not the functions, not the tables' owner.
CREATE FUNCTION ledger.append_only() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = '42501';
END
$$;
DO $triggers$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['journal', 'entry', 'settlement_line', 'top_up', 'closed_day', 'block', 'sealed'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON ledger.%I'
            ' FOR EACH ROW EXECUTE FUNCTION ledger.append_only()', name || '_append_only', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON ledger.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()', name || '_no_truncate', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['account', 'account_balance', 'hold', 'settlement'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON ledger.%I'
            ' FOR EACH ROW EXECUTE FUNCTION ledger.append_only()', name || '_no_delete', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON ledger.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION ledger.append_only()', name || '_no_truncate', name);
    END LOOP;
END
$triggers$;

-- A settlement changes its state and nothing else.
CREATE FUNCTION ledger.settlement_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was jsonb := to_jsonb(OLD) - 'state';
BEGIN
    IF to_jsonb(NEW) - 'state' IS DISTINCT FROM was OR OLD.state <> 'posted' THEN
        RAISE EXCEPTION 'settlement % v% does not change', OLD.session_uid, OLD.version USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER settlement_guard BEFORE UPDATE ON ledger.settlement
    FOR EACH ROW EXECUTE FUNCTION ledger.settlement_guard();

-- The lock of an accounting day: shared by whoever books into it, exclusive for whoever closes it.
CREATE FUNCTION ledger.day_lock_key(p_period date) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_period - date '2000-01-01'
$$;

CREATE FUNCTION ledger.journal_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1246905164, ledger.day_lock_key(NEW.period));
    IF EXISTS (SELECT FROM ledger.closed_day c WHERE c.period = NEW.period) THEN
        RAISE EXCEPTION 'the day % is closed', NEW.period USING ERRCODE = '23514', CONSTRAINT = 'journal_day_open';
    END IF;
    NEW.xact := pg_current_xact_id();
    NEW.booked_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER journal_guard BEFORE INSERT ON ledger.journal
    FOR EACH ROW EXECUTE FUNCTION ledger.journal_guard();

-- An entry comes from its journal's own transaction or not at all.
CREATE FUNCTION ledger.entry_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.journal j WHERE j.id = NEW.journal_id AND j.xact = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'journal % was not booked by this transaction', NEW.journal_id
            USING ERRCODE = '23514', CONSTRAINT = 'entry_own_transaction';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER entry_guard BEFORE INSERT ON ledger.entry
    FOR EACH ROW EXECUTE FUNCTION ledger.entry_guard();

-- Last line of defence, checked at commit from both sides: a journal has at least two entries and
-- balances in each currency.
CREATE FUNCTION ledger.balance_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    booked bigint := CASE TG_TABLE_NAME WHEN 'journal' THEN to_jsonb(NEW) -> 'id' ELSE to_jsonb(NEW) -> 'journal_id' END;
BEGIN
    IF (SELECT count(*) < 2 FROM ledger.entry e WHERE e.journal_id = booked)
       OR EXISTS (SELECT FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id
                  WHERE e.journal_id = booked GROUP BY a.currency
                  HAVING sum(CASE e.side WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) <> 0) THEN
        RAISE EXCEPTION 'journal % does not balance', booked USING ERRCODE = '23514', CONSTRAINT = 'journal_balanced';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER journal_balanced AFTER INSERT ON ledger.journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.balance_guard();
CREATE CONSTRAINT TRIGGER entry_balanced AFTER INSERT ON ledger.entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.balance_guard();

-- Each site comes with its own books; each account that keeps a balance with its row.
CREATE FUNCTION ledger.account_opened() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.keeps_balance THEN
        INSERT INTO ledger.account_balance (account_id, floor_minor)
        VALUES (NEW.id, CASE WHEN NEW.purpose IN ('wallet', 'bonus') THEN 0 END);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER account_opened AFTER INSERT ON ledger.account
    FOR EACH ROW EXECUTE FUNCTION ledger.account_opened();

CREATE FUNCTION ledger.site_opened() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ledger.account (code, purpose, class, normal, currency, site_id, charge_code, max_sessions)
    SELECT v.code || ':' || NEW.code, v.purpose, v.class, v.normal, NEW.currency, NEW.id, v.charge_code, NULL
    FROM (VALUES
        ('rev.elec', 'revenue', 'income', 'C', 'ENERGY_ELEC'),
        ('rev.service', 'revenue', 'income', 'C', 'ENERGY_SERVICE'),
        ('rev.occupancy', 'revenue', 'income', 'C', 'OCCUPANCY'),
        ('rev.reservation', 'revenue', 'income', 'C', 'RESERVATION'),
        ('rev.start', 'revenue', 'income', 'C', 'START_FEE'),
        ('v2g.cost', 'v2g_cost', 'expense', 'D', NULL),
        ('cash', 'cash', 'asset', 'D', NULL),
        ('suspense', 'suspense', 'asset', 'D', NULL)) AS v(code, purpose, class, normal, charge_code);
    RETURN NULL;
END
$$;
CREATE TRIGGER site_opened AFTER INSERT ON core.site
    FOR EACH ROW EXECUTE FUNCTION ledger.site_opened();

CREATE TYPE ledger.leg AS (account_id bigint, side text, amount_minor bigint);

RESET ROLE;
