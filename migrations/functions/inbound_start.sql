-- StartTransaction. Known by its content, never by its message id: the answer of the first is given
-- again. Every start gets a transaction, also the refused one, since energy may flow all the same.
--
-- Locks, before the first write and without waiting: the payer's balance rows by id, then the session
-- that still runs on this connector. p_unsecured: the lane waited for them in vain; the start goes
-- through without its hold, and a job places it later.
--
-- `x := f()` and not `SELECT * INTO x FROM f()`: it saves a plan's start and end on the way of every charge.
CREATE OR REPLACE FUNCTION inbound.start(p_station bigint, p_connector integer, p_id_tag text, p_meter_start_mwh bigint,
    p_at timestamptz, p_at_text text, p_reservation bigint, p_received_at timestamptz, p_queued boolean,
    p_offset_us bigint, p_unsecured boolean, p_frame text, p_deviations text,
    OUT outcome text, OUT transaction_id bigint, OUT status text, OUT expiry timestamptz, OUT parent text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here record;
    clock record;
    tag record;
    tariff record;
    payer record;
    known core.session;
    running bigint;
    session_id uuid;
    content uuid;
    account bigint;
    verdict text;
    unsecured boolean := false;
    wanted bigint;
    problem text;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    SELECT s.site_id, s.boot_number, s.registered_at, s.export_allowed, s.place, t.currency, t.min_start_minor,
           t.hold_floor_minor, c.max_power_w, u.exponent
    INTO here
    FROM core.station s JOIN core.site t ON t.id = s.site_id JOIN core.currency u ON u.code = t.currency
    LEFT JOIN core.connector c ON c.station_id = s.id AND c.number = p_connector
    WHERE s.id = p_station;
    IF here.site_id IS NULL THEN
        RAISE EXCEPTION 'no such station: %', p_station USING ERRCODE = '23503';
    END IF;
    clock := inbound.effective_time(p_at, p_received_at, p_queued, p_offset_us, here.registered_at);
    tag := core.tag_check(p_id_tag, p_received_at);
    -- Where the time is none, the boot and the register tell one start from the next.
    content := inbound.digest(p_station::text, p_connector::text, tag.tag_key::text, extract(epoch FROM p_at)::text,
        CASE WHEN clock.clockless THEN here.boot_number || '/' || COALESCE(p_meter_start_mwh::text, '') END);

    -- Or it was told first when its time was more than a day ahead, and none (session_ahead).
    SELECT * INTO known FROM (
        SELECT s.* FROM core.session s WHERE s.start_key = content
        UNION ALL SELECT x.* FROM core.session x
        WHERE CASE WHEN x.start_received_at < '2200-01-01 00:00:00+00' THEN
            x.start_reported_at AT TIME ZONE 'UTC' > x.start_received_at AT TIME ZONE 'UTC' + interval '1 day' ELSE false END
          AND x.station_id = p_station AND x.connector = p_connector AND x.start_reported_at = p_at
          AND NOT clock.clockless AND inbound.start_ahead(x, tag.tag_key, p_meter_start_mwh)) k LIMIT 1;
    IF known.uid IS NULL THEN
        tariff := core.tariff_pick(tag.customer_id, tag.fleet_id, tag.tag_group_id, p_station, p_connector, here.site_id,
            clock.at);
        verdict := tag.status;
        IF tag.account_id IS NULL OR p_unsecured THEN
            SELECT tag.account_id IS NULL OR ledger.accounts_free(tag.account_id, NULL) AS got, a.currency, a.closed_at,
                a.max_sessions, 0::bigint AS free_minor, NULL::bigint AS bonus_account_id, 0::bigint AS bonus_free_minor
            INTO payer FROM (SELECT) nobody LEFT JOIN ledger.account a ON a.id = tag.account_id;
        ELSE
            payer := ledger.payer_lock(tag.account_id, false);
        END IF;
        IF NOT payer.got THEN
            outcome := 'busy';
            RETURN;
        END IF;
        IF tag.account_id IS NOT NULL THEN
            IF payer.currency <> COALESCE(tariff.currency, here.currency) OR payer.closed_at IS NOT NULL THEN
                problem := CASE WHEN payer.closed_at IS NULL THEN 'currency_mismatch' ELSE 'account_closed' END;
            ELSE
                account := tag.account_id;
            END IF;
        END IF;
        -- The last one on this connector was left without its Stop, which may still come. Not asked by
        -- state: with stale statistics the planner would walk all that is open instead of this connector's.
        SELECT s.transaction_id INTO running FROM core.session s
        WHERE s.station_id = p_station AND s.connector = p_connector AND s.stopped_at IS NULL AND s.presumed_ended_at IS NULL
          AND s.started_at <= clock.at ORDER BY s.started_at DESC LIMIT 1;
        IF running IS NOT NULL THEN
            PERFORM FROM core.session s WHERE s.transaction_id = running FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                outcome := 'busy';
                RETURN;
            END IF;
        END IF;

        IF verdict = 'Accepted' THEN
            verdict := CASE
                WHEN account IS NULL OR tariff.tariff_version_id IS NULL THEN 'Blocked'
                WHEN payer.max_sessions <= (SELECT count(*) FROM core.session s
                        WHERE s.account_id = account AND s.state = 'open' AND s.transaction_id IS DISTINCT FROM running)
                    THEN 'ConcurrentTx'
                WHEN NOT p_unsecured AND payer.free_minor + payer.bonus_free_minor < here.min_start_minor THEN 'Blocked'
                ELSE 'Accepted' END;
            -- Offline the energy is on its way already: the session runs on, its money not set aside.
            unsecured := verdict <> 'Accepted' OR p_unsecured;
        END IF;
        IF account IS NULL THEN
            SELECT a.id INTO account FROM ledger.account a
            WHERE a.site_id = here.site_id AND a.purpose = 'suspense' ORDER BY a.id LIMIT 1;
        END IF;

        session_id := gen_random_uuid();
        INSERT INTO core.session AS s (uid, start_key, station_id, connector, site_id, place, tag_key, tag_hint, card_id,
            customer_id, account_id, vehicle_id, fleet_id, currency, direction, tariff_version_id, reservation_id, verdict,
            verdict_expiry, verdict_parent, unsecured, boot_number, started_at, start_reported_at, start_received_at,
            start_queued, start_offset_us, meter_start_mwh)
        VALUES (session_id, content, p_station, p_connector, here.site_id, here.place, tag.tag_key, core.tag_hint(p_id_tag),
            tag.card_id, tag.customer_id, account, tag.vehicle_id, tag.fleet_id,
            COALESCE(tariff.currency, here.currency), CASE WHEN here.export_allowed THEN 'both' ELSE 'import' END,
            tariff.tariff_version_id, p_reservation, verdict, tag.expiry, tag.parent, unsecured, here.boot_number, clock.at,
            inbound.reported_time(p_at), p_received_at, p_queued, -p_offset_us, p_meter_start_mwh)
        ON CONFLICT (start_key) DO NOTHING RETURNING s.transaction_id INTO transaction_id;
        IF transaction_id IS NOT NULL THEN
            IF verdict = 'Accepted' AND p_unsecured THEN
                INSERT INTO core.job (kind, key) VALUES ('hold', session_id::text)
                ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING;
            ELSIF verdict = 'Accepted' THEN
                wanted := inbound.hold_wanted(here.hold_floor_minor, tariff.top_price_micro, here.max_power_w, here.exponent);
                wanted := wanted - ledger.hold_write(session_id, payer.bonus_account_id,
                    LEAST(payer.bonus_free_minor, wanted), p_received_at + interval '2 days');
                PERFORM ledger.hold_write(session_id, account, LEAST(payer.free_minor, wanted),
                    p_received_at + interval '2 days');
            END IF;
            INSERT INTO core.session_message (transaction_id, kind, received_at, id_tag, at_text, meter_mwh, frame,
                deviations, digest)
            VALUES (start.transaction_id, 'start', p_received_at, p_id_tag, p_at_text, p_meter_start_mwh, p_frame,
                p_deviations, content);
            IF running IS NOT NULL THEN
                PERFORM inbound.presume_ended(running, p_received_at);
            END IF;
            IF clock.doubt IS NOT NULL OR problem IS NOT NULL OR tag.card_id IS NULL OR tariff.tariff_version_id IS NULL
               OR p_meter_start_mwh IS NULL OR p_meter_start_mwh < 0 OR p_connector IS NULL OR p_connector < 1 THEN
                PERFORM inbound.start_doubts(transaction_id, clock.doubt, problem);
            END IF;
            IF EXISTS (SELECT FROM core.command c WHERE c.station_id = p_station AND c.state IN ('sent', 'unknown', 'accepted')
                         AND c.requested_at > p_received_at - interval '10 minutes')
               OR EXISTS (SELECT FROM core.unmatched_stop u WHERE u.station_id = p_station AND u.state = 'waiting') THEN
                PERFORM inbound.start_evidence(transaction_id, p_id_tag);
            END IF;
            outcome := 'done';
            status := verdict;
            expiry := tag.expiry;
            parent := tag.parent;
            SET CONSTRAINTS ALL IMMEDIATE;
            RETURN;
        END IF;
        -- Another connection of this pile brought the same start in the same instant.
        SELECT * INTO STRICT known FROM core.session s WHERE s.start_key = content;
    END IF;
    outcome := 'done';
    transaction_id := known.transaction_id;
    status := known.verdict;
    expiry := known.verdict_expiry;
    parent := known.verdict_parent;
    IF known.meter_start_mwh IS DISTINCT FROM p_meter_start_mwh THEN
        PERFORM inbound.start_conflict(known, p_id_tag, p_meter_start_mwh, p_at_text, p_received_at, p_frame, p_deviations);
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
    transaction_id := inbound.refuse('start', p_station, p_received_at, SQLSTATE, SQLERRM, p_frame, true, NULL);
    status := 'Invalid';
    expiry := NULL;
    parent := NULL;
END
$$;
ALTER FUNCTION inbound.start(bigint, integer, text, bigint, timestamptz, text, bigint, timestamptz, boolean, bigint, boolean, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start(bigint, integer, text, bigint, timestamptz, text, bigint, timestamptz, boolean, bigint, boolean, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.start(bigint, integer, text, bigint, timestamptz, text, bigint, timestamptz, boolean, bigint, boolean, text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.start(bigint, integer, text, bigint, timestamptz, text, bigint, timestamptz, boolean, bigint, boolean, text, text) IS
    'StartTransaction: one session for one real start, always with a transaction id | 处理 StartTransaction：一次真实充电只建一个会话';
