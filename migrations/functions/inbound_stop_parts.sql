-- The rarer parts of a stop.

-- Whether a tag may end a session: its own, or another card of the same customer, account or group.
CREATE OR REPLACE FUNCTION inbound.stop_tag_fits(p_session core.session, p_tag_key uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN COALESCE(p_tag_key = p_session.tag_key, false) OR EXISTS (
        SELECT FROM core.card c LEFT JOIN core.card own ON own.id = p_session.card_id
        WHERE c.tag_key = p_tag_key AND (c.customer_id = p_session.customer_id
                OR c.account_id = p_session.account_id OR c.group_id = own.group_id));
END
$$;
ALTER FUNCTION inbound.stop_tag_fits(core.session, uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop_tag_fits(core.session, uuid) FROM PUBLIC;
COMMENT ON FUNCTION inbound.stop_tag_fits(core.session, uuid) IS
    'Whether a tag may end a session | 该标签是否可结束该会话';

-- The one session that a Stop without a usable transactionId can mean; null: none, or more than one.
-- -1, 0 and none come from a pile that never learned its number: any session of this pile without a
-- Stop that began before and was the last on its connector by then, unless its tag is another customer's: that
-- one's start may still come. A number
-- that nobody gave out is trusted only together with the tag.
CREATE OR REPLACE FUNCTION inbound.stop_match(p_report core.unmatched_stop)
RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    candidates bigint[];
    fitting bigint[];
    own boolean;
BEGIN
    IF p_report.sent_id > 0 AND (p_report.tag_key IS NULL
            OR EXISTS (SELECT FROM core.session s WHERE s.transaction_id = p_report.sent_id)) THEN
        RETURN NULL;
    END IF;
    -- The nearest circle that is not empty: same tag before another's, begun before that second, running before
    -- presumed ended.
    SELECT array_agg(t.transaction_id), bool_and(t.own) INTO candidates, own FROM (
        SELECT s.transaction_id, s.tag_key = p_report.tag_key AS own, rank() OVER (
            ORDER BY (s.tag_key = p_report.tag_key) DESC NULLS LAST, (s.started_at < p_report.at) DESC,
                     (s.state = 'open') DESC) AS circle
        FROM core.session s
        WHERE s.station_id = p_report.station_id AND s.stopped_at IS NULL
          AND s.state IN ('open', 'presumed_ended', 'settled', 'review') AND s.started_at <= p_report.at
          AND (s.tag_key = p_report.tag_key OR COALESCE(p_report.sent_id, 0) <= 0
               AND (p_report.tag_key IS NULL OR s.tag_key IS NULL OR inbound.stop_tag_fits(s, p_report.tag_key)))
          -- The connector had begun the next one by then: this one had ended.
          AND NOT EXISTS (SELECT FROM core.session o
                          WHERE core.connector_key(o.station_id, o.connector) = core.connector_key(s.station_id, s.connector)
                            AND (o.started_at, o.transaction_id) > (s.started_at, s.transaction_id)
                            AND o.started_at < p_report.at)) t
    WHERE t.circle = 1;
    IF cardinality(candidates) = 1 AND own AND COALESCE(p_report.sent_id, 0) <= 0 THEN
        RETURN candidates[1];
    END IF;
    -- The register must go on from where that session is known to have been: else it is the Stop of another one,
    -- on another connector perhaps, whose start may still come.
    SELECT array_agg(s.transaction_id) INTO fitting FROM core.session s
    LEFT JOIN core.connector c ON c.station_id = s.station_id AND c.number = s.connector
    WHERE s.transaction_id = ANY (candidates) AND p_report.meter_stop_mwh >= s.meter_start_mwh
      AND NOT EXISTS (SELECT FROM core.session_readings(s) r WHERE r.import_mwh > p_report.meter_stop_mwh)
      AND p_report.meter_stop_mwh - s.meter_start_mwh <= core.energy_limit_mwh(c.max_power_w, s.started_at, p_report.at);
    RETURN CASE WHEN cardinality(fitting) = 1 THEN fitting[1] END;
END
$$;
ALTER FUNCTION inbound.stop_match(core.unmatched_stop) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop_match(core.unmatched_stop) FROM PUBLIC;
COMMENT ON FUNCTION inbound.stop_match(core.unmatched_stop) IS
    'The one session that a Stop without a known number can mean | 无有效编号的停止报文所对应的唯一会话';

-- A Stop after the first. With a register that was told before it is a repeat; with another one it is no new
-- money, and where the bill is not made yet there is none until somebody decided which one is true.
CREATE OR REPLACE FUNCTION inbound.stop_again(p_session core.session, p_report core.unmatched_stop)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    repeat boolean := p_session.meter_stop_mwh IS NOT DISTINCT FROM p_report.meter_stop_mwh OR EXISTS (
        SELECT FROM core.session_message m WHERE m.transaction_id = p_session.transaction_id AND m.kind = 'stop'
          AND m.meter_mwh IS NOT DISTINCT FROM p_report.meter_stop_mwh);
BEGIN
    INSERT INTO core.session_message (transaction_id, kind, received_at, id_tag, at_text, meter_mwh, frame, deviations, digest)
    VALUES (p_session.transaction_id, CASE WHEN repeat THEN 'stop' ELSE 'stop_conflict' END, p_report.received_at,
            p_report.id_tag, p_report.at_text, p_report.meter_stop_mwh, p_report.frame, p_report.deviations,
            CASE WHEN repeat THEN p_report.digest ELSE inbound.digest(p_report.meter_stop_mwh::text) END)
    ON CONFLICT (transaction_id, kind, digest) DO NOTHING;
    IF NOT repeat THEN
        PERFORM core.review_open('stop_conflict', p_session.state NOT IN ('settled', 'lost'),
            p_session.uid || ':' || inbound.digest(p_report.meter_stop_mwh::text), p_session.station_id, p_session.uid,
            p_report.received_at, jsonb_build_object('transaction_id', p_session.transaction_id,
                'meter_stop_mwh', p_session.meter_stop_mwh::text, 'then_mwh', p_report.meter_stop_mwh::text,
                'then_reported', p_report.at_text), p_report.frame);
    END IF;
END
$$;
ALTER FUNCTION inbound.stop_again(core.session, core.unmatched_stop) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop_again(core.session, core.unmatched_stop) FROM PUBLIC;
COMMENT ON FUNCTION inbound.stop_again(core.session, core.unmatched_stop) IS
    'Keeps a Stop after the first; another register goes to review | 保存首次之后的停止报文，读数不同者转人工审核';

-- Ends a session, whose row the caller has locked, and queues its settlement: a little later, so that
-- readings still on their way come first; two minutes later if they may come by another connection.
CREATE OR REPLACE FUNCTION inbound.stop_write(p_session core.session, p_report core.unmatched_stop)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session := p_session;
    power bigint;
    opened timestamptz;
    blocked boolean;
    command bigint;
BEGIN
    SELECT c.max_power_w, n.opened_at INTO power, opened FROM core.station_connection n
    LEFT JOIN core.connector c ON c.station_id = n.station_id AND c.number = s.connector
    WHERE n.station_id = s.station_id;
    blocked := inbound.stop_doubts(s, p_report, power) OR core.review_blocks(s.uid);
    UPDATE core.session x SET
        state = CASE WHEN blocked OR s.state = 'lost' THEN 'review' ELSE 'stopped' END,
        stopped_at = p_report.at, stop_reported_at = p_report.reported_at, stop_received_at = p_report.received_at,
        stop_queued = p_report.queued, stop_offset_us = p_report.offset_us, meter_stop_mwh = p_report.meter_stop_mwh,
        stop_reason = p_report.reason, stop_tag_key = p_report.tag_key, stop_verdict = p_report.verdict,
        stop_expiry = p_report.expiry, stop_parent = p_report.parent,
        input_current = s.presumed_ended_at IS NULL,
        -- A key whose time is none is given up here: the next such start is another session.
        start_key = CASE WHEN x.start_reported_at IS NULL AND NOT inbound.start_unread(x.transaction_id, x.start_key)
                           OR x.start_reported_at > x.start_received_at + interval '1 day'
                           OR x.start_reported_at < (SELECT t.registered_at FROM core.station t WHERE t.id = x.station_id)
                         THEN NULL ELSE x.start_key END
    WHERE x.transaction_id = s.transaction_id;
    INSERT INTO core.session_message (transaction_id, kind, received_at, id_tag, at_text, meter_mwh, frame, deviations, digest)
    VALUES (s.transaction_id, 'stop', p_report.received_at, p_report.id_tag, p_report.at_text, p_report.meter_stop_mwh,
            p_report.frame, p_report.deviations, p_report.digest);
    IF NOT blocked AND s.state <> 'lost' THEN
        INSERT INTO core.job (kind, key, payload, run_at)
        VALUES ('settle', s.uid::text, jsonb_build_object('session', s.uid), clock_timestamp()
            + CASE WHEN p_report.queued OR opened > GREATEST(s.started_at, p_report.received_at - interval '2 minutes')
                   THEN interval '120 seconds' ELSE interval '5 seconds' END)
        ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING;
    END IF;
    IF s.presumed_ended_at IS NOT NULL THEN
        UPDATE core.review r SET state = 'decided', decision = 'noted', decided_by = 'joulebook',
            note = 'its Stop came', decided_at = clock_timestamp()
        WHERE r.dedupe_key = 'presumed_ended:' || s.uid AND r.state = 'open';
    END IF;
    SELECT c.id INTO command FROM core.command c
    WHERE c.station_id = s.station_id AND c.state = 'unknown' AND c.action = 'RemoteStopTransaction'
      AND c.payload ->> 'transactionId' = s.transaction_id::text
    ORDER BY c.id DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF command IS NOT NULL THEN
        UPDATE core.command c SET state = 'accepted', answered_at = p_report.received_at WHERE c.id = command;
    END IF;
END
$$;
ALTER FUNCTION inbound.stop_write(core.session, core.unmatched_stop) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop_write(core.session, core.unmatched_stop) FROM PUBLIC;
COMMENT ON FUNCTION inbound.stop_write(core.session, core.unmatched_stop) IS
    'Ends a session and queues its settlement | 结束会话并排队结算';

-- What about a Stop is not to be trusted. True: the session may not be billed before a decision.
CREATE OR REPLACE FUNCTION inbound.stop_doubts(p_session core.session, p_report core.unmatched_stop, p_power_w bigint)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session := p_session;
    energy bigint := p_report.meter_stop_mwh - s.meter_start_mwh;
    doubts text[] := '{}';
    kind text;
    stranger CONSTANT text := 'stop_by_stranger';
    five_minutes CONSTANT interval := interval '5 minutes';
    five_minutes_us CONSTANT bigint := 300000000;
BEGIN
    IF p_report.meter_stop_mwh IS NULL THEN
        doubts := doubts || 'missing_meter_stop'::text;
    END IF;
    IF energy < 0 OR p_report.meter_stop_mwh < 0 THEN
        doubts := doubts || 'negative_energy'::text;
    END IF;
    IF p_report.at < s.started_at THEN
        doubts := doubts || 'stop_before_start'::text;
    END IF;
    IF energy > core.energy_limit_mwh(p_power_w, s.started_at, p_report.at) THEN
        doubts := doubts || 'implausible_energy'::text;
    END IF;
    -- One end as it was told long before its receipt, by a clock that nobody knew then; the other corrected by what is
    -- known of that clock. What was received at once is right by our own clock, and two known offsets are two
    -- settings of the clock.
    IF s.start_offset_us IS NULL AND s.started_at < s.start_received_at - five_minutes
           AND abs(p_report.offset_us) >= five_minutes_us
       OR p_report.offset_us IS NULL AND p_report.at < p_report.received_at - five_minutes
           AND abs(s.start_offset_us) >= five_minutes_us THEN
        doubts := doubts || 'clock_offset_differs'::text;
    END IF;
    IF p_report.doubt IS NOT NULL THEN
        doubts := doubts || ('stop_' || p_report.doubt);
    END IF;
    IF s.state = 'lost' THEN
        doubts := doubts || 'stop_after_lost'::text;
    END IF;
    IF p_report.tag_key IS NOT NULL AND p_report.tag_key IS DISTINCT FROM s.tag_key
       AND NOT inbound.stop_tag_fits(s, p_report.tag_key) THEN
        doubts := doubts || stranger;
    END IF;
    FOREACH kind IN ARRAY doubts LOOP
        PERFORM core.review_again(kind, kind <> stranger, s.station_id, s.uid, p_report.received_at,
            jsonb_build_object('transaction_id', s.transaction_id, 'message', 'StopTransaction',
                'reported', p_report.at_text, 'meter_start_mwh', s.meter_start_mwh::text,
                'meter_stop_mwh', p_report.meter_stop_mwh::text), p_report.frame);
    END LOOP;
    RETURN cardinality(array_remove(doubts, stranger)) > 0;
END
$$;
ALTER FUNCTION inbound.stop_doubts(core.session, core.unmatched_stop, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop_doubts(core.session, core.unmatched_stop, bigint) FROM PUBLIC;
COMMENT ON FUNCTION inbound.stop_doubts(core.session, core.unmatched_stop, bigint) IS
    'Opens reviews for what cannot be trusted in a Stop | 对不可信的停止数据建立审核';

-- The readings that came with a Stop.
CREATE OR REPLACE FUNCTION inbound.readings_add(p_station bigint, p_transaction bigint, p_connector integer,
    p_received_at timestamptz, p_readings jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh,
        export_mwh, power_import_mw, power_export_mw, power_offered_mw, current_import_ma, current_l1_ma, current_l2_ma,
        current_l3_ma, current_export_ma, current_offered_ma, voltage_mv, voltage_l1_mv, voltage_l2_mv, voltage_l3_mv,
        frequency_mhz, temperature_mc, soc_ppm, extra, suspect)
    SELECT p_station, r.at, COALESCE(NULLIF(r.connector, 0), p_connector), r.hash, p_received_at,
        COALESCE(r.transaction_id, p_transaction), r.context, r.import_mwh, r.export_mwh, r.power_import_mw,
        r.power_export_mw, r.power_offered_mw, r.current_import_ma, r.current_l1_ma, r.current_l2_ma, r.current_l3_ma,
        r.current_export_ma, r.current_offered_ma, r.voltage_mv, r.voltage_l1_mv, r.voltage_l2_mv, r.voltage_l3_mv,
        r.frequency_mhz, r.temperature_mc, r.soc_ppm, r.extra, COALESCE(r.suspect, false)
    FROM jsonb_to_recordset(p_readings) AS r(at timestamptz, connector integer, hash bigint, transaction_id bigint,
        context text, import_mwh bigint, export_mwh bigint, power_import_mw bigint, power_export_mw bigint,
        power_offered_mw bigint, current_import_ma bigint, current_l1_ma bigint, current_l2_ma bigint,
        current_l3_ma bigint, current_export_ma bigint, current_offered_ma bigint, voltage_mv bigint,
        voltage_l1_mv bigint, voltage_l2_mv bigint, voltage_l3_mv bigint, frequency_mhz bigint, temperature_mc bigint,
        soc_ppm bigint, extra jsonb, suspect boolean)
    ORDER BY r.at, 3, r.hash
    ON CONFLICT DO NOTHING;
END
$$;
ALTER FUNCTION inbound.readings_add(bigint, bigint, integer, timestamptz, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.readings_add(bigint, bigint, integer, timestamptz, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION inbound.readings_add(bigint, bigint, integer, timestamptz, jsonb) IS
    'Stores the readings that came with a Stop | 保存随停止报文上送的读数';
