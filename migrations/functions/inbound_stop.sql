-- StopTransaction. A report, not a request: it is always taken. The first one of a session stands; one of
-- another register later is kept and reviewed. One that fits no session waits for its start.
CREATE OR REPLACE FUNCTION inbound.stop(p_station bigint, p_transaction bigint, p_meter_stop_mwh bigint, p_at timestamptz,
    p_at_text text, p_id_tag text, p_reason text, p_received_at timestamptz, p_queued boolean, p_offset_us bigint,
    p_readings jsonb, p_frame text, p_deviations text,
    OUT outcome text, OUT status text, OUT expiry timestamptz, OUT parent text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here record;
    s core.session;
    report core.unmatched_stop;
    found bigint;
    place integer;
    match record;
    clock record;
    tag record;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    SELECT x.registered_at, x.site_id, x.boot_number INTO here FROM core.station x WHERE x.id = p_station;
    IF here.site_id IS NULL THEN
        RAISE EXCEPTION 'no such station: %', p_station USING ERRCODE = '23503';
    END IF;
    report.station_id := p_station;
    report.sent_id := p_transaction;
    clock := inbound.effective_time(p_at, p_received_at, p_queued, p_offset_us, here.registered_at);
    report.at := clock.at;
    report.doubt := clock.doubt;
    report.reported_at := inbound.reported_time(p_at);
    report.at_text := p_at_text;
    report.offset_us := -p_offset_us;
    report.queued := p_queued;
    report.received_at := p_received_at;
    report.meter_stop_mwh := p_meter_stop_mwh;
    report.reason := p_reason;
    report.id_tag := p_id_tag;
    report.frame := p_frame;
    report.deviations := p_deviations;
    IF p_id_tag IS NOT NULL THEN
        tag := core.tag_check(p_id_tag, p_received_at);
        report.verdict := tag.status;
        report.expiry := tag.expiry;
        report.parent := tag.parent;
        report.tag_key := tag.tag_key;
    END IF;
    -- Two connectors of a pile may say the same in one second, but for their tags.
    report.digest := inbound.digest(p_station::text, p_transaction::text, extract(epoch FROM p_at)::text,
        p_meter_stop_mwh::text, CASE WHEN clock.clockless THEN here.boot_number::text END, report.tag_key::text);

    SELECT * INTO s FROM core.session x WHERE x.transaction_id = p_transaction AND x.station_id = p_station;
    IF s.uid IS NULL THEN
        -- Not by its number: the same report before, or the one session that it can mean.
        SELECT u.id, u.received_at, u.verdict, u.expiry, u.parent INTO match
        FROM core.unmatched_stop u WHERE u.digest = report.digest;
        IF match.id IS NULL OR clock.clockless THEN
            found := inbound.stop_match(report);
        END IF;
        -- Where the time is none, what ends a session that began since is no repeat.
        IF match.id IS NOT NULL AND NOT EXISTS (SELECT FROM core.session x
                WHERE x.transaction_id = found AND x.start_received_at > match.received_at) THEN
            outcome := 'done';
            status := match.verdict;
            expiry := match.expiry;
            parent := match.parent;
            SET CONSTRAINTS ALL IMMEDIATE;
            RETURN;
        END IF;
        SELECT * INTO s FROM core.session x WHERE x.transaction_id = found;
    END IF;

    IF s.uid IS NOT NULL THEN
        SELECT * INTO s FROM core.session x WHERE x.transaction_id = s.transaction_id FOR NO KEY UPDATE SKIP LOCKED;
        IF s.uid IS NULL THEN
            outcome := 'busy';
            RETURN;
        END IF;
    END IF;
    IF s.stopped_at IS NOT NULL THEN
        outcome := 'done';
        status := s.stop_verdict;
        expiry := s.stop_expiry;
        parent := s.stop_parent;
        PERFORM inbound.stop_again(s, report);
    ELSE
        IF found IS NOT NULL OR s.connector IS NULL THEN
            INSERT INTO core.unmatched_stop (digest, station_id, sent_id, tag_key, at, reported_at, at_text, doubt,
                offset_us, queued, received_at, meter_stop_mwh, reason, id_tag, frame, deviations, verdict, expiry, parent, state, transaction_id)
            VALUES (report.digest, p_station, p_transaction, report.tag_key, report.at, report.reported_at, p_at_text,
                report.doubt, report.offset_us, p_queued, p_received_at, p_meter_stop_mwh, p_reason, p_id_tag, p_frame, p_deviations, report.verdict, report.expiry,
                report.parent, CASE WHEN s.uid IS NULL THEN 'waiting' ELSE 'joined' END, s.transaction_id)
            ON CONFLICT (digest) DO NOTHING;
        END IF;
        IF s.uid IS NULL THEN
            PERFORM core.review_open('unmatched_stop', false, report.digest::text, p_station, NULL, p_received_at,
                jsonb_build_object('transaction_id', p_transaction, 'reported', p_at_text,
                    'meter_stop_mwh', p_meter_stop_mwh::text, 'of_another_pile',
                    EXISTS (SELECT FROM core.session x WHERE x.transaction_id = p_transaction)), p_frame);
        ELSE
            PERFORM inbound.stop_write(s, report);
        END IF;
        outcome := 'done';
        status := report.verdict;
        expiry := report.expiry;
        parent := report.parent;
    END IF;
    IF p_readings IS NOT NULL THEN
        -- Of which connector it is may turn out when its start comes, or never (core.session_connectors).
        IF s.connector IS NULL THEN
            SELECT core.stop_connector(min(u.id)) INTO place FROM core.unmatched_stop u
            WHERE (u.digest = report.digest OR u.transaction_id = s.transaction_id)
              AND u.transaction_id IS NOT DISTINCT FROM s.transaction_id;
        END IF;
        PERFORM inbound.readings_add(p_station, p_transaction, COALESCE(s.connector, place), p_received_at, p_readings);
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
    PERFORM inbound.refuse('stop', p_station, p_received_at, SQLSTATE, SQLERRM, p_frame, false, (
        SELECT x.uid FROM core.session x WHERE x.transaction_id = p_transaction AND x.station_id = p_station));
    status := NULL;
    expiry := NULL;
    parent := NULL;
END
$$;
ALTER FUNCTION inbound.stop(bigint, bigint, bigint, timestamptz, text, text, text, timestamptz, boolean, bigint, jsonb, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.stop(bigint, bigint, bigint, timestamptz, text, text, text, timestamptz, boolean, bigint, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.stop(bigint, bigint, bigint, timestamptz, text, text, text, timestamptz, boolean, bigint, jsonb, text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.stop(bigint, bigint, bigint, timestamptz, text, text, text, timestamptz, boolean, bigint, jsonb, text, text) IS
    'StopTransaction: the first stands, and settlement is queued | 处理 StopTransaction：以首次为准并排队结算';
