-- Closes an accounting day that is over everywhere: whoever is booking into it is waited for, and
-- afterwards nothing gets in. Returns done or repeat. The hash covers journals and entries as text.
CREATE OR REPLACE FUNCTION ledger.close_day(p_period date, p_actor text, OUT outcome text, OUT sealed_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    counted bigint;
BEGIN
    IF p_period >= (now() AT TIME ZONE 'UTC' - interval '12 hours')::date THEN
        RAISE EXCEPTION 'the day % is not over everywhere', p_period USING ERRCODE = '22023', DETAIL = 'period';
    END IF;
    -- Asked for again and again, not queued for: a queued exclusive lock would stand between bookers who
    -- hold accounts and those who hold the day.
    WHILE NOT pg_try_advisory_xact_lock(1246905164, ledger.day_lock_key(p_period)) LOOP
        IF clock_timestamp() > statement_timestamp() + interval '20 seconds' THEN
            RAISE EXCEPTION 'somebody is still booking into %', p_period USING ERRCODE = '55P03';
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    SELECT c.sealed_hash INTO sealed_hash FROM ledger.closed_day c WHERE c.period = p_period;
    IF sealed_hash IS NOT NULL THEN
        outcome := 'repeat';
        RETURN;
    END IF;
    SELECT count(DISTINCT t.id), sha256(convert_to(COALESCE(string_agg(t.line, E'\n' ORDER BY t.id, t.place), ''), 'UTF8'))
    INTO counted, sealed_hash
    FROM (SELECT j.id, 0 AS place, concat_ws('|', j.id, j.idem_key, encode(j.request_hash, 'hex'), j.kind, j.reverses,
                     j.session_uid, j.site_id, j.event_at, j.booked_at, j.period, j.actor, j.memo) AS line
          FROM ledger.journal j WHERE j.period = p_period
          UNION ALL
          SELECT e.journal_id, e.line, concat_ws('|', e.journal_id, e.line, e.account_id, e.side, e.amount_minor,
                     e.balance_after, e.account_ver)
          FROM ledger.entry e JOIN ledger.journal j ON j.id = e.journal_id WHERE j.period = p_period) t;
    INSERT INTO ledger.closed_day (period, sealed_hash, journals, closed_by)
    VALUES (p_period, close_day.sealed_hash, counted, p_actor);
    outcome := 'done';
END
$$;
ALTER FUNCTION ledger.close_day(date, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.close_day(date, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.close_day(date, text) IS 'Closes an accounting day for ever | 永久关闭一个会计日';
