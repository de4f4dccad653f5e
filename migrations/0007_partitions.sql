-- Months of the time-series tables. A month is made as a table of its own, the rows of it that
-- went to the DEFAULT partition are moved in, and it is attached: one transaction, nothing hidden.
SET LOCAL ROLE joulebook_owner;

-- Everything in core and ledger stands under row security, also for its owner. The three that work
-- on all rows have policies that say so; readers see what their login is granted.
CREATE FUNCTION core.secure_table(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    worker text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    FOREACH worker IN ARRAY ARRAY['joulebook_owner', 'joulebook_writer', 'joulebook_app'] LOOP
        EXECUTE format('CREATE POLICY %I ON %s TO %I USING (true) WITH CHECK (true)', worker, p_table, worker);
    END LOOP;
END
$$;

CREATE FUNCTION core.partition_name(p_table text, p_month date) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_table || '_' || to_char(p_month, 'YYYY"m"MM')
$$;

-- True: the month was missing and is there now.
CREATE FUNCTION core.partition_make(p_table text, p_month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := core.partition_name(p_table, p_month);
    lower_at timestamptz := p_month::timestamp AT TIME ZONE 'UTC';
    upper_at timestamptz := (p_month + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass('core.' || quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE core.%I (LIKE core.%I INCLUDING ALL)', name, p_table);
    PERFORM core.secure_table(to_regclass('core.' || quote_ident(name)));
    -- A writer between the move and the attachment would be lost to neither: it waits here.
    EXECUTE format('LOCK TABLE core.%I IN ACCESS EXCLUSIVE MODE', p_table || '_default');
    EXECUTE format('WITH moved AS (DELETE FROM core.%I WHERE at >= %L AND at < %L RETURNING *)'
        ' INSERT INTO core.%I SELECT * FROM moved', p_table || '_default', lower_at, upper_at, name);
    EXECUTE format('ALTER TABLE core.%I ATTACH PARTITION core.%I FOR VALUES FROM (%L) TO (%L)',
        p_table, name, lower_at, upper_at);
    RETURN true;
END
$$;

-- The months that retention has left behind; true: one was there and is gone.
CREATE FUNCTION core.partition_drop(p_table text, p_month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := core.partition_name(p_table, p_month);
BEGIN
    IF to_regclass('core.' || quote_ident(name)) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE core.%I', name);
    RETURN true;
END
$$;

CREATE TABLE core.meter_reading_default PARTITION OF core.meter_reading DEFAULT;
CREATE TABLE core.status_event_default PARTITION OF core.status_event DEFAULT;
CREATE TABLE core.frame_default PARTITION OF core.frame DEFAULT;
SELECT core.secure_table(to_regclass('core.' || name))
FROM unnest(ARRAY['meter_reading_default', 'status_event_default', 'frame_default']) name;

SELECT core.partition_make(p.table_name, m.month::date)
FROM core.partition_plan p,
     generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => p.retention_months),
                     date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => p.ahead_months),
                     interval '1 month') AS m(month);

RESET ROLE;
