-- Jobs for the workers: claimed by state, kept for a while, repeated if a worker dies. A claim is a worker
-- and an attempt: who was overtaken ends nothing.

-- The clock's jobs come first: bills may wait by thousands after an outage, and neither revoked keys nor the
-- commands' deadlines wait with them. A job whose workers died at it ten times would kill the next one too: a
-- person gets it instead. By their time alone: named with =, the kinds would let the planner walk all bills that
-- wait, by job_once, as long as no statistics tell it better.
CREATE OR REPLACE FUNCTION inbound.job_claim(p_kinds text[], p_worker text,
    OUT job_id bigint, OUT kind text, OUT key text, OUT payload text, OUT attempts integer)
RETURNS SETOF record LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    chosen bigint;
    deadly boolean;
BEGIN
    SELECT j.id INTO chosen FROM core.job j
    WHERE j.state IN ('queued', 'running') AND j.repeat_s IS NOT NULL AND j.run_at <= moment AND array_position(p_kinds, j.kind) IS NOT NULL
      AND (j.state = 'queued' OR j.lease_until <= moment)
    ORDER BY j.run_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    WHILE chosen IS NULL LOOP
        SELECT j.id, j.attempts >= 10 INTO chosen, deadly FROM core.job j
        WHERE j.state IN ('queued', 'running') AND j.repeat_s IS NULL AND j.run_at <= moment AND array_position(p_kinds, j.kind) IS NOT NULL
          AND (j.state = 'queued' OR j.lease_until <= moment)
        ORDER BY j.run_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        IF deadly THEN
            PERFORM inbound.job_give_up(chosen, 'no worker lived to end it');
            chosen := NULL;
        END IF;
    END LOOP;
    IF chosen IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY UPDATE core.job j SET state = 'running', worker = p_worker, attempts = j.attempts + 1,
        claimed_at = clock_timestamp(), lease_until = clock_timestamp() + interval '5 minutes'
    WHERE j.id = chosen RETURNING j.id, j.kind, j.key, j.payload::text, j.attempts;
END
$$;
ALTER FUNCTION inbound.job_claim(text[], text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_claim(text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.job_claim(text[], text) TO joulebook_app;
COMMENT ON FUNCTION inbound.job_claim(text[], text) IS 'Claims the job that is longest due, the clock''s own before others | 认领最早到期的任务，周期任务优先';

-- The session that a settlement job is about, if the caller has the job; then it keeps it to the end of its
-- transaction. Null: the job has ended, or another worker has it.
CREATE OR REPLACE FUNCTION inbound.job_session(p_job bigint, p_worker text, p_attempts integer)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j core.job;
BEGIN
    -- By its id alone: with stale statistics the planner would walk all jobs of its kind.
    SELECT * INTO j FROM core.job x WHERE x.id = p_job FOR NO KEY UPDATE;
    RETURN CASE WHEN j.kind = 'settle' AND j.state = 'running' AND j.worker = p_worker AND j.attempts = p_attempts
        THEN j.key::uuid END;
END
$$;
ALTER FUNCTION inbound.job_session(bigint, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_session(bigint, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION inbound.job_session(bigint, text, integer) IS
    'Locks a claimed settlement job and tells its session | 锁定已认领的结算任务并返回其会话';

CREATE OR REPLACE FUNCTION inbound.job_done(p_job bigint, p_worker text, p_attempts integer, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE core.job j SET
        state = CASE WHEN j.repeat_s IS NULL THEN 'done' ELSE 'queued' END,
        run_at = CASE WHEN j.repeat_s IS NULL THEN j.run_at ELSE clock_timestamp() + make_interval(secs => j.repeat_s) END,
        attempts = CASE WHEN j.repeat_s IS NULL THEN j.attempts ELSE 0 END,
        finished_at = clock_timestamp(), lease_until = NULL, error = NULL
    WHERE j.id = p_job AND j.state = 'running' AND j.worker = p_worker AND j.attempts = p_attempts;
    outcome := CASE WHEN FOUND THEN 'done' ELSE 'refused' END;
END
$$;
ALTER FUNCTION inbound.job_done(bigint, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_done(bigint, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.job_done(bigint, text, integer) TO joulebook_app;
COMMENT ON FUNCTION inbound.job_done(bigint, text, integer) IS 'Ends a job, or queues it again if the clock repeats it | 完成任务；周期任务重新排队';

-- Again after 1, 2, 4 … 300 s. After ten attempts a person looks at it; the clock's own jobs never end.
CREATE OR REPLACE FUNCTION inbound.job_fail(p_job bigint, p_worker text, p_attempts integer, p_error text, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE core.job x SET
        state = 'queued',
        run_at = clock_timestamp() + make_interval(secs => LEAST(300, power(2, LEAST(x.attempts, 10) - 1))),
        lease_until = NULL, error = p_error
    WHERE x.id = p_job AND x.state = 'running' AND x.worker = p_worker AND x.attempts = p_attempts;
    outcome := CASE WHEN FOUND THEN 'done' ELSE 'refused' END;
    IF outcome = 'done' AND p_attempts >= 10 THEN
        PERFORM inbound.job_give_up(p_job, p_error);
    END IF;
END
$$;
ALTER FUNCTION inbound.job_fail(bigint, text, integer, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_fail(bigint, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.job_fail(bigint, text, integer, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.job_fail(bigint, text, integer, text) IS 'Tries a job again later, or gives it to a person | 稍后重试任务，或转人工处理';

-- Again in two seconds, and as if it had not been tried: that somebody holds a row says nothing of the job, and ends
-- by itself.
CREATE OR REPLACE FUNCTION inbound.job_put_off(p_job bigint, p_worker text, p_attempts integer, p_why text, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE core.job x SET state = 'queued', run_at = clock_timestamp() + interval '2 seconds', lease_until = NULL,
        attempts = x.attempts - 1, error = p_why
    WHERE x.id = p_job AND x.state = 'running' AND x.worker = p_worker AND x.attempts = p_attempts;
    outcome := CASE WHEN FOUND THEN 'done' ELSE 'refused' END;
END
$$;
ALTER FUNCTION inbound.job_put_off(bigint, text, integer, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_put_off(bigint, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.job_put_off(bigint, text, integer, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.job_put_off(bigint, text, integer, text) IS 'Tries a job that found a row held again soon | 所需的行被占用的任务稍后即重试';

-- Gives a job to a person, whose row the caller has locked; not one that the clock repeats.
CREATE OR REPLACE FUNCTION inbound.job_give_up(p_job bigint, p_error text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j core.job;
BEGIN
    UPDATE core.job x SET state = 'failed', lease_until = NULL, error = p_error
    WHERE x.id = p_job AND x.repeat_s IS NULL RETURNING * INTO j;
    IF j.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM core.review_open('job_failed', j.kind = 'settle', j.id::text,
        (SELECT s.station_id FROM core.session s WHERE j.kind = 'settle' AND s.uid::text = j.key),
        (SELECT s.uid FROM core.session s WHERE j.kind = 'settle' AND s.uid::text = j.key), clock_timestamp(),
        jsonb_build_object('job', j.id, 'kind', j.kind, 'key', j.key, 'error', p_error), NULL);
    IF j.kind = 'settle' THEN
        UPDATE core.session s SET state = 'review'
        WHERE s.uid::text = j.key AND s.state IN ('stopped', 'presumed_ended');
    END IF;
END
$$;
ALTER FUNCTION inbound.job_give_up(bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_give_up(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.job_give_up(bigint, text) IS 'Gives a job that cannot be done to a person | 将无法完成的任务转人工处理';

-- The jobs that are one function each, by their kind: sequence, sweep, command_expiry, partitions, hold.
CREATE OR REPLACE FUNCTION inbound.job_run(p_kind text, p_key text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_kind = 'hold' THEN
        PERFORM set_config('lock_timeout', '500ms', true);  -- as a bill (ledger.settle_claimed)
    END IF;
    RETURN CASE p_kind
        WHEN 'sequence' THEN inbound.sequence()::text
        WHEN 'sweep' THEN inbound.sweep()::text
        WHEN 'command_expiry' THEN inbound.command_expiry()::text
        WHEN 'partitions' THEN inbound.partitions()::text
        WHEN 'hold' THEN inbound.hold_late(p_key::uuid)
    END;
END
$$;
ALTER FUNCTION inbound.job_run(text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.job_run(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.job_run(text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.job_run(text, text) IS 'Runs a job that is one function | 执行仅由一个函数完成的任务';

-- Gives committed rows of the streams their place, and tells the nodes that the directory has news: before
-- that they could not read it. Only one at a time may: a second call does nothing.
CREATE OR REPLACE FUNCTION inbound.sequence()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given bigint := 0;
    stream record;
    added bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1246905165 /* 0001_roles.sql */) THEN
        RETURN 0;
    END IF;
    WITH numbered AS (
        SELECT d.id, (SELECT s.seq FROM core.stream s WHERE s.name = 'directory') + row_number() OVER (ORDER BY d.id) AS seq
        FROM core.directory_change d WHERE d.seq IS NULL ORDER BY d.id LIMIT 10000),
    written AS (
        UPDATE core.directory_change d SET seq = n.seq FROM numbered n WHERE d.id = n.id RETURNING d.seq)
    UPDATE core.stream s SET seq = GREATEST(s.seq, w.newest)
    FROM (SELECT max(seq) AS newest FROM written) w WHERE s.name = 'directory' AND w.newest IS NOT NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added > 0 THEN
        PERFORM pg_notify('joulebook_directory', '');
    END IF;
    given := given + added;
    WITH numbered AS (
        SELECT o.id, (SELECT s.seq FROM core.stream s WHERE s.name = 'outbox') + row_number() OVER (ORDER BY o.id) AS seq
        FROM core.outbox o WHERE o.seq IS NULL ORDER BY o.id LIMIT 10000),
    written AS (
        UPDATE core.outbox o SET seq = n.seq FROM numbered n WHERE o.id = n.id RETURNING o.seq)
    UPDATE core.stream s SET seq = GREATEST(s.seq, w.newest)
    FROM (SELECT max(seq) AS newest FROM written) w WHERE s.name = 'outbox' AND w.newest IS NOT NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN given + added;
END
$$;
ALTER FUNCTION inbound.sequence() OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.sequence() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.sequence() TO joulebook_app;
COMMENT ON FUNCTION inbound.sequence() IS 'Numbers committed rows of the streams | 为已提交的流记录编号';

-- A session that was billed without its Stop is billed anew once what came since moves the register at which it
-- ended by more than 10 Wh. They are asked ever more rarely, and after 30 days no more. What is left of a
-- queue comes within two minutes.
CREATE OR REPLACE FUNCTION inbound.sweep_provisional(p_moment timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
    stands boolean;
    moved boolean;
    done bigint := 0;
BEGIN
    FOR s IN SELECT * FROM core.session x WHERE x.recheck_at <= p_moment
             ORDER BY x.recheck_at LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED LOOP
        stands := s.state = 'settled';
        -- Readings that came since, or a next start that takes those without a number from it.
        moved := stands AND (EXISTS (
                SELECT FROM core.session o
                WHERE core.connector_key(o.station_id, o.connector) = core.connector_key(s.station_id, s.connector)
                  AND o.started_at >= s.started_at AND o.transaction_id <> s.transaction_id
                  AND o.start_received_at > s.settled_at - interval '10 minutes')
            OR EXISTS (
                SELECT FROM core.session_window(s) w JOIN core.meter_reading r
                    ON r.station = s.station_id AND r.connector = s.connector AND r.at BETWEEN w.lowest AND w.highest
                WHERE r.received_at > s.settled_at - interval '10 minutes'      -- the bill was in the making
                  AND (r.transaction_id = s.transaction_id OR r.at BETWEEN w.since AND w.until)))
            AND COALESCE(abs((SELECT e.meter_stop_mwh FROM core.session_end(s, false) e) - s.input_stop_mwh) > 10000, false);
        UPDATE core.session x SET
            state = CASE WHEN moved THEN 'presumed_ended' ELSE x.state END,
            input_current = x.input_current AND NOT moved,
            recheck_at = CASE WHEN stands AND NOT moved AND s.settled_at > p_moment - interval '30 days' THEN p_moment
                + LEAST(GREATEST((p_moment - s.settled_at) / 4, interval '1 minute'), interval '12 hours') END
        WHERE x.transaction_id = s.transaction_id;
        IF moved THEN
            INSERT INTO core.job (kind, key, payload, run_at)
            VALUES ('settle', s.uid::text, jsonb_build_object('session', s.uid), p_moment + interval '120 seconds')
            ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING;
            done := done + 1;
        END IF;
    END LOOP;
    RETURN done;
END
$$;
ALTER FUNCTION inbound.sweep_provisional(timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.sweep_provisional(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION inbound.sweep_provisional(timestamptz) IS
    'Bills sessions without a Stop anew when late readings move their end | 迟到读数改变末读数时重新结算无停止报文的会话';

-- What evidence and time settle: sessions whose pile fell silent, presumed ends that are due, bills that later
-- readings overtook, Stops that found no start in a day, holds that outlived their session, settlements that
-- nobody queued; and refused callers that did not come again.
CREATE OR REPLACE FUNCTION inbound.sweep()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    s record;
    done bigint := 0;
    part bigint;
BEGIN
    FOR s IN SELECT x.transaction_id FROM core.session x JOIN core.station_connection c ON c.station_id = x.station_id
             WHERE x.state = 'open' AND c.closed_at < moment - interval '2 hours'
               AND x.start_received_at < moment - interval '2 hours'
             ORDER BY x.transaction_id LIMIT 1000 FOR NO KEY UPDATE OF x SKIP LOCKED LOOP
        PERFORM inbound.presume_ended(s.transaction_id, moment);
        done := done + 1;
    END LOOP;
    INSERT INTO core.job (kind, key, payload)
    SELECT 'settle', x.uid::text, jsonb_build_object('session', x.uid) FROM core.session x
    WHERE (x.state = 'presumed_ended' AND x.presumed_ended_at < moment - interval '15 minutes'
           OR x.state = 'stopped' AND x.stop_received_at < moment - interval '5 minutes')
      AND NOT EXISTS (SELECT FROM core.job j WHERE j.kind = 'settle' AND j.key = x.uid::text AND j.state IN ('queued', 'running'))
      AND NOT EXISTS (SELECT FROM core.job j WHERE j.kind = 'settle' AND j.key = x.uid::text AND j.state = 'failed')
      AND NOT core.review_blocks(x.uid)
    LIMIT 1000
    ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING;
    GET DIAGNOSTICS part = ROW_COUNT;
    done := done + part;
    UPDATE core.unmatched_stop u SET state = 'review'
    WHERE u.state = 'waiting' AND u.received_at < moment - interval '24 hours';
    GET DIAGNOSTICS part = ROW_COUNT;
    done := done + part;
    FOR s IN SELECT h.session_uid, array_agg(h.account_id) AS accounts
             FROM ledger.hold h LEFT JOIN core.session x ON x.uid = h.session_uid
             WHERE h.state = 'active' AND h.expires_at < moment AND COALESCE(x.state, 'lost') IN ('lost', 'settled')
             GROUP BY 1 LIMIT 100 LOOP
        -- Accounts come before sessions, and some of those are taken: what is in use waits for the next sweep.
        PERFORM FROM ledger.account_balance b WHERE b.account_id = ANY (s.accounts) FOR NO KEY UPDATE SKIP LOCKED;
        GET DIAGNOSTICS part = ROW_COUNT;
        CONTINUE WHEN part < cardinality(s.accounts);
        PERFORM ledger.release_holds(s.session_uid, 'released');
        done := done + 1;
    END LOOP;
    done := done + inbound.sweep_provisional(moment);
    DELETE FROM core.job j WHERE j.state = 'done' AND j.finished_at < moment - interval '7 days';
    DELETE FROM core.door d WHERE d.last_at < moment - interval '30 days';
    GET DIAGNOSTICS part = ROW_COUNT;
    RETURN done + part;
END
$$;
ALTER FUNCTION inbound.sweep() OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.sweep() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.sweep() TO joulebook_app;
COMMENT ON FUNCTION inbound.sweep() IS 'Settles what time and evidence have decided | 处理已由时间与证据决定的事项';

-- Months ahead are made, months behind retention are dropped. Owner's work, so this one runs as the owner.
CREATE OR REPLACE FUNCTION inbound.partitions()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $$
DECLARE
    plan record;
    this_month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    month date;
    changed bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1246905166 /* 0001_roles.sql */) THEN
        RETURN 0;
    END IF;
    FOR plan IN SELECT * FROM core.partition_plan ORDER BY table_name LOOP
        FOR month IN SELECT m::date FROM generate_series(this_month - make_interval(months => plan.retention_months),
                this_month + make_interval(months => plan.ahead_months), interval '1 month') m LOOP
            changed := changed + core.partition_make(plan.table_name, month)::integer;
        END LOOP;
        FOR month IN SELECT to_date(right(c.relname, 7), 'YYYY"m"MM') FROM pg_inherits i
                JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = format('core.%I', plan.table_name)::regclass AND c.relname ~ '_\d{4}m\d{2}$' LOOP
            IF month < this_month - make_interval(months => plan.retention_months) THEN
                changed := changed + core.partition_drop(plan.table_name, month)::integer;
            END IF;
        END LOOP;
    END LOOP;
    RETURN changed;
END
$$;
ALTER FUNCTION inbound.partitions() OWNER TO joulebook_owner;
REVOKE ALL ON FUNCTION inbound.partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.partitions() TO joulebook_app, joulebook_writer;
COMMENT ON FUNCTION inbound.partitions() IS 'Makes coming months and drops those past retention | 创建未来月份分区并删除过期分区';
