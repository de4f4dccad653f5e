-- The rating engine's whole input for a session, as JSON text. Null: nothing to rate now (unknown,
-- settled, still running, or held back by a review, which is opened here if it is missing).
--
-- Reported times are the pile's. Where the start was shifted, everything between shifts with it, so
-- that the price slot of each reading is the slot in which it was taken.
CREATE OR REPLACE FUNCTION ledger.settlement_input(p_session uuid)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    utc constant text := 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';
    s core.session;
    place record;
    power bigint;
    shift interval;
    ended timestamptz;
    accepted text[];
    no_credit boolean;
    document jsonb;
    readings json;
    states json;
    calendar json;
BEGIN
    -- Locked to the end: what changes the session now would otherwise be overwritten by input_current below.
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session FOR NO KEY UPDATE;
    IF s.uid IS NULL OR s.state NOT IN ('stopped', 'presumed_ended') OR core.review_blocks(s.uid) THEN
        RETURN NULL;
    END IF;
    IF s.tariff_version_id IS NULL THEN
        s.tariff_version_id := core.session_tariff(s);
        UPDATE core.session x SET tariff_version_id = s.tariff_version_id WHERE x.uid = s.uid;
    END IF;
    IF s.tariff_version_id IS NULL OR s.meter_start_mwh IS NULL THEN
        PERFORM ledger.settlement_review(s.uid, CASE WHEN s.tariff_version_id IS NULL THEN 'no_tariff' ELSE 'missing_start' END,
            '{}', NULL);
        RETURN NULL;
    END IF;
    UPDATE core.session x SET input_current = true WHERE x.uid = s.uid AND NOT x.input_current;
    SELECT t.zone, t.region, c.exponent INTO place FROM core.site t JOIN core.currency c ON c.code = s.currency
    WHERE t.id = s.site_id;
    SELECT COALESCE(array_agg(r.kind), '{}') INTO accepted FROM core.review r
    WHERE r.session_uid = s.uid AND r.blocks AND r.decision = 'bill';
    SELECT c.max_power_w INTO power FROM core.connector c WHERE c.station_id = s.station_id AND c.number = s.connector;
    SELECT v.document INTO document FROM core.tariff_version v WHERE v.id = s.tariff_version_id;
    shift := core.session_shift(s);
    SELECT e.ended_at, e.meter_stop_mwh INTO ended, s.meter_stop_mwh FROM core.session_end(s,
        accepted && ARRAY['negative_energy', 'missing_meter_stop', 'meter_stop_missing', 'unusable']) e;
    IF s.stopped_at IS NULL THEN
        UPDATE core.session x SET input_stop_mwh = s.meter_stop_mwh
        WHERE x.uid = s.uid AND x.input_stop_mwh IS DISTINCT FROM s.meter_stop_mwh;
    END IF;
    -- A discharge that a person accepted without proof, or against it, is no credit.
    no_credit := accepted && ARRAY['export_unproven', 'export_falls', 'export_implausible'];
    SELECT json_agg(json_build_object(
               'at', to_char((r.at + shift) AT TIME ZONE 'UTC', utc),
               'received_at', to_char(r.received_at AT TIME ZONE 'UTC', utc),
               'context', r.context, 'import_mwh', r.import_mwh::text,
               'export_mwh', CASE WHEN NOT no_credit THEN r.export_mwh::text END,
               'power_import_mw', r.power_import_mw::text,
               -- Of all phases, where the pile does not tell the sum itself.
               'current_import_ma', COALESCE(r.current_import_ma, LEAST(9223372036854775807,
                   (SELECT sum(v) FROM unnest(ARRAY[r.current_l1_ma, r.current_l2_ma, r.current_l3_ma]) v)))::text)
               ORDER BY r.at, r.import_mwh, r.export_mwh, r.received_at, r.hash)
    INTO readings FROM ledger.settlement_readings(s, ended - shift, power, accepted && ARRAY['negative_energy',
        'negative_register', 'register_falls', 'register_range', 'register_jumps', 'series_disagrees',
        'implausible_energy', 'export_falls']) r;
    SELECT json_agg(json_build_object('at', to_char((e.at + shift) AT TIME ZONE 'UTC', utc), 'state', e.status)
                    ORDER BY e.at, e.received_at)
    INTO states FROM core.status_event e
    WHERE e.station = s.station_id AND e.connector = s.connector
      AND e.at BETWEEN s.started_at - shift AND ended - shift;
    SELECT json_agg(json_build_object('date', c.date::text, 'day_type', c.day_type) ORDER BY c.date)
    INTO calendar FROM core.day_calendar c
    WHERE c.region = place.region
      AND c.date BETWEEN (s.started_at AT TIME ZONE place.zone)::date AND (ended AT TIME ZONE place.zone)::date;
    RETURN json_build_object(
        'session', json_build_object('uid', s.uid, 'transaction_id', s.transaction_id,
            'started_at', to_char(s.started_at AT TIME ZONE 'UTC', utc), 'stopped_at', to_char(ended AT TIME ZONE 'UTC', utc),
            'zone', place.zone, 'currency', s.currency, 'exponent', place.exponent,
            'meter_start_mwh', s.meter_start_mwh::text, 'meter_stop_mwh', s.meter_stop_mwh::text,
            'max_power_w', power, 'direction_allowed', CASE WHEN no_credit THEN 'import' ELSE s.direction END),
        'tariff', document, 'calendar', COALESCE(calendar, '[]'),
        'readings', COALESCE(readings, '[]'), 'states', COALESCE(states, '[]'))::text;
END
$$;
ALTER FUNCTION ledger.settlement_input(uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settlement_input(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.settlement_input(uuid) TO joulebook_app;
COMMENT ON FUNCTION ledger.settlement_input(uuid) IS
    'All that the rating of a session depends on, as JSON; null if it may not be rated now | 会话计费所需的全部输入（JSON）；暂不可计费时为空';

-- The readings that a bill is made of. Where a person decided on registers that contradict one another or
-- jump, those of the start and the stop count, and of the readings between only those that the connector can
-- have gone by from the one to the other. p_until is the session's end by the clock of the readings.
CREATE OR REPLACE FUNCTION ledger.settlement_readings(p_session core.session, p_until timestamptz, p_power_w bigint,
    p_accepted boolean)
RETURNS SETOF core.meter_reading LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    r core.meter_reading;
    reached bigint := p_session.meter_start_mwh;
    since timestamptz := p_session.started_at - core.session_shift(p_session);
BEGIN
    -- Those of one instant by what they say, as the engine takes them: their hash is chance.
    FOR r IN SELECT * FROM core.session_readings(p_session) x WHERE isfinite(x.at)
             ORDER BY x.at, x.import_mwh, x.export_mwh, x.received_at, x.hash LOOP
        IF p_accepted THEN
            IF r.at BETWEEN since AND p_until AND r.import_mwh BETWEEN reached AND p_session.meter_stop_mwh
               AND r.import_mwh - reached <= core.energy_limit_mwh(p_power_w, since, r.at)
               AND p_session.meter_stop_mwh - r.import_mwh <= core.energy_limit_mwh(p_power_w, r.at, p_until)
               AND COALESCE(r.context, '') NOT IN ('Transaction.Begin', 'Transaction.End') THEN
                reached := r.import_mwh;
                since := r.at;
            ELSE
                r.import_mwh := NULL;
            END IF;
            IF r.export_mwh < 0 THEN
                r.export_mwh := NULL;
            END IF;
        END IF;
        IF r.import_mwh IS NOT NULL OR r.export_mwh IS NOT NULL THEN
            RETURN NEXT r;
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION ledger.settlement_readings(core.session, timestamptz, bigint, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settlement_readings(core.session, timestamptz, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION ledger.settlement_readings(core.session, timestamptz, bigint, boolean) IS
    'The readings that a bill is made of | 构成账单的电表读数';

-- Puts a session in review instead of settling it, with the input that nobody would trust. Outcomes: done,
-- busy (the facts changed since that input was taken), refused (nothing to review any more).
CREATE OR REPLACE FUNCTION ledger.settlement_review(p_session uuid, p_kind text, p_detail jsonb, p_input bytea,
    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
BEGIN
    outcome := 'done';
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session FOR NO KEY UPDATE;
    IF s.uid IS NULL OR s.state IN ('settled', 'lost') THEN
        outcome := 'refused';
        RETURN;
    END IF;
    IF p_input IS NOT NULL AND NOT s.input_current THEN
        outcome := 'busy';                    -- what it found wrong may be so no more: take the input again
        RETURN;
    END IF;
    PERFORM core.review_again(p_kind, true, s.station_id, s.uid, clock_timestamp(), p_detail, NULL);
    UPDATE core.review r SET input = COALESCE(p_input, r.input)
    WHERE r.session_uid = s.uid AND r.kind = p_kind AND r.state = 'open';
    UPDATE core.session x SET state = 'review' WHERE x.uid = s.uid AND x.state IN ('stopped', 'presumed_ended');
END
$$;
ALTER FUNCTION ledger.settlement_review(uuid, text, jsonb, bytea) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settlement_review(uuid, text, jsonb, bytea) FROM PUBLIC;
COMMENT ON FUNCTION ledger.settlement_review(uuid, text, jsonb, bytea) IS
    'Puts a session in review instead of settling it | 不结算而转入人工审核';

-- The same for a worker that has the session's job, and for nobody who was overtaken.
CREATE OR REPLACE FUNCTION ledger.settlement_review_claimed(p_job bigint, p_worker text, p_attempts integer,
    p_kind text, p_detail jsonb, p_input bytea, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    session uuid := inbound.job_session(p_job, p_worker, p_attempts);
BEGIN
    outcome := 'refused';
    IF session IS NOT NULL THEN
        outcome := ledger.settlement_review(session, p_kind, p_detail, p_input);
    END IF;
    IF outcome = 'done' THEN
        PERFORM inbound.job_done(p_job, p_worker, p_attempts);
    END IF;
END
$$;
ALTER FUNCTION ledger.settlement_review_claimed(bigint, text, integer, text, jsonb, bytea) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settlement_review_claimed(bigint, text, integer, text, jsonb, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.settlement_review_claimed(bigint, text, integer, text, jsonb, bytea) TO joulebook_app;
COMMENT ON FUNCTION ledger.settlement_review_claimed(bigint, text, integer, text, jsonb, bytea) IS
    'Puts the session of a claimed job in review and ends the job | 将已认领任务的会话转入人工审核并结束任务';
