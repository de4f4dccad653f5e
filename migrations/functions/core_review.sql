-- Opening and deciding review items. The same trouble is one item, however often it is reported.
CREATE OR REPLACE FUNCTION core.review_open(p_kind text, p_blocks boolean, p_key text, p_station bigint,
    p_session uuid, p_received_at timestamptz, p_detail jsonb, p_frame text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO core.review (kind, blocks, dedupe_key, station_id, site_id, session_uid, received_at, detail, frame)
    VALUES (p_kind, p_blocks, p_kind || ':' || p_key, p_station,
            (SELECT s.site_id FROM core.station s WHERE s.id = p_station),
            p_session, p_received_at, COALESCE(p_detail, '{}'), p_frame)
    ON CONFLICT (dedupe_key) DO NOTHING;
END
$$;
ALTER FUNCTION core.review_open(text, boolean, text, bigint, uuid, timestamptz, jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_open(text, boolean, text, bigint, uuid, timestamptz, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION core.review_open(text, boolean, text, bigint, uuid, timestamptz, jsonb, text) IS
    'Opens a review item once for each trouble | 为每个问题建立一条待审记录（只建一次）';

-- The same for what is found wrong with a session at one time and may be found again at another: what was decided
-- of the first is not decided of the second, which is an item of its own.
CREATE OR REPLACE FUNCTION core.review_again(p_kind text, p_blocks boolean, p_station bigint, p_session uuid,
    p_received_at timestamptz, p_detail jsonb, p_frame text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint;
    waits bigint;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE r.state = 'open') INTO known, waits
    FROM core.review r WHERE r.session_uid = p_session AND r.kind = p_kind;
    IF waits = 0 THEN
        PERFORM core.review_open(p_kind, p_blocks, p_session || CASE known WHEN 0 THEN '' ELSE ':' || known END,
            p_station, p_session, p_received_at, p_detail, p_frame);
    ELSIF p_blocks THEN
        UPDATE core.review r SET blocks = true
        WHERE r.session_uid = p_session AND r.kind = p_kind AND r.state = 'open' AND NOT r.blocks;
    END IF;
END
$$;
ALTER FUNCTION core.review_again(text, boolean, bigint, uuid, timestamptz, jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_again(text, boolean, bigint, uuid, timestamptz, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION core.review_again(text, boolean, bigint, uuid, timestamptz, jsonb, text) IS
    'Opens a review item of a session anew if the one before was decided | 前一条已决时为会话再建一条待审记录';

CREATE OR REPLACE FUNCTION core.review_blocks(p_session uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM core.review r WHERE r.session_uid = p_session AND r.state = 'open' AND r.blocks);
END
$$;
ALTER FUNCTION core.review_blocks(uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_blocks(uuid) FROM PUBLIC;
COMMENT ON FUNCTION core.review_blocks(uuid) IS
    'Whether an open review keeps this session from being billed | 是否有未决审核阻止该会话计费';

-- Whether an item says that the session's own tariff cannot price it.
CREATE OR REPLACE FUNCTION core.review_unpriced(p_item core.review)
RETURNS boolean LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_item.kind IN ('tariff_invalid', 'currency_differs')
$$;
ALTER FUNCTION core.review_unpriced(core.review) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_unpriced(core.review) FROM PUBLIC;
COMMENT ON FUNCTION core.review_unpriced(core.review) IS
    'Whether a session waits for another tariff | 该会话是否因电价不可用而待审';

-- Why a decision about a session cannot be taken now: code and, where something is missing, the member that
-- has to be given; where the energy is more than can be, the most that it can be. No code: it can. A session
-- that pays is not given up while energy flows, and who accepts what cannot be billed would have to decide it
-- again. Energy that nobody can have delivered is corrected or rejected, never accepted as it is; a tariff that
-- the engine refuses prices nothing, so that accepting takes another one that held when the session began.
CREATE OR REPLACE FUNCTION core.review_obstacle(p_item core.review, p_session core.session, p_decision text,
    p_correction jsonb, OUT code text, OUT member text, OUT most_mwh numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session := p_session;
    ended timestamptz;
    unpriced boolean := p_session.tariff_version_id IS NULL OR core.review_unpriced(p_item);
BEGIN
    IF p_decision = 'lost' AND s.state = 'open'
       AND EXISTS (SELECT FROM ledger.hold h WHERE h.session_uid = s.uid AND h.state = 'active')
       AND NOT EXISTS (SELECT FROM core.review r WHERE r.session_uid = s.uid AND r.detail ->> 'action' = 'StopTransaction') THEN
        code := 'review_charging';
    ELSIF p_decision = 'bill' AND s.state <> 'lost' AND (p_correction IS NOT NULL OR p_item.blocks AND s.state <> 'settled') THEN
        s.meter_start_mwh := COALESCE((p_correction ->> 'meter_start_mwh')::bigint, s.meter_start_mwh);
        s.meter_stop_mwh := COALESCE((p_correction ->> 'meter_stop_mwh')::bigint, s.meter_stop_mwh);
        s.started_at := COALESCE((p_correction ->> 'started_at')::timestamptz, s.started_at);
        s.stopped_at := COALESCE((p_correction ->> 'stopped_at')::timestamptz, s.stopped_at);
        IF COALESCE(s.meter_start_mwh < 0, true) THEN
            code := 'review_missing';
            member := 'meter_start_mwh';
        ELSIF s.stopped_at IS NULL AND s.state = 'settled' THEN
            code := 'review_missing';
            member := 'stopped_at';
        ELSIF s.stopped_at IS NOT NULL AND s.meter_stop_mwh IS NULL AND NOT EXISTS (
                SELECT FROM core.session_readings(s) r WHERE r.import_mwh >= s.meter_start_mwh) THEN
            code := 'review_missing';
            member := 'meter_stop_mwh';
        ELSIF unpriced AND COALESCE(core.session_tariff(s) = s.tariff_version_id, core.session_tariff(s) IS NULL) THEN
            code := 'review_tariff';
        ELSIF p_item.kind = 'register_jumps'
              AND NOT COALESCE(p_correction ?| ARRAY['meter_start_mwh', 'meter_stop_mwh'], false) THEN
            code := 'review_missing';
            member := 'meter_stop_mwh';
        ELSE
            SELECT e.ended_at, e.meter_stop_mwh INTO ended, s.meter_stop_mwh FROM core.session_end(s, true) e;
            most_mwh := core.energy_limit_mwh((SELECT c.max_power_w FROM core.connector c
                WHERE c.station_id = s.station_id AND c.number = s.connector), s.started_at, ended);
            IF s.meter_stop_mwh::numeric - s.meter_start_mwh > most_mwh THEN
                code := 'review_implausible';
                member := 'meter_stop_mwh';
            END IF;
        END IF;
    END IF;
END
$$;
ALTER FUNCTION core.review_obstacle(core.review, core.session, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_obstacle(core.review, core.session, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION core.review_obstacle(core.review, core.session, text, jsonb) IS
    'Why a decision cannot be taken now | 暂不能作出该审核决定的原因';

-- Decisions: 'bill' (as it stands, or with the corrections of p_correction: meter_start_mwh,
-- meter_stop_mwh, started_at, stopped_at), 'lost' (never billed), 'noted' (the item did not matter).
-- Returns done, repeat (decided before) or none. When the last blocking item of a session is decided
-- its settlement is queued; without a Stop it is presumed ended again, and due when it would have been.
-- What was billed provisionally is taken back from whoever is never billed; a bill that stands is taken back
-- and booked anew by the settlement of a session that is corrected afterwards. A Stop that could not be read,
-- billed, ends its session when it was received, at the register that can be read of it, or else at the last
-- reading. Readings that could not be read are one matter, however many messages they came in.
CREATE OR REPLACE FUNCTION core.review_decide(p_review bigint, p_decision text, p_note text,
    p_correction jsonb, p_actor text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item core.review;
    s core.session;
    obstacle record;
    given jsonb := p_correction;
BEGIN
    IF p_decision NOT IN ('bill', 'lost', 'noted') THEN
        RAISE EXCEPTION 'no such decision: %', p_decision USING ERRCODE = '22023', DETAIL = 'decision';
    END IF;
    SELECT * INTO item FROM core.review r WHERE r.id = p_review;
    IF item.id IS NULL THEN
        RETURN 'none';
    END IF;
    -- Everybody locks the accounts before the session; releasing a hold needs them.
    IF p_decision = 'lost' AND item.session_uid IS NOT NULL THEN
        PERFORM ledger.lock_session(item.session_uid);
    END IF;
    SELECT * INTO s FROM core.session x WHERE x.uid = item.session_uid FOR NO KEY UPDATE;
    SELECT * INTO item FROM core.review r WHERE r.id = p_review FOR NO KEY UPDATE;
    IF item.state = 'decided' THEN
        RETURN 'repeat';
    END IF;
    IF s.state = 'settled' AND p_decision = 'lost' THEN
        RAISE EXCEPTION 'session % is settled; correct it instead', s.uid
            USING ERRCODE = '23514', DETAIL = 'review', CONSTRAINT = 'review_settled';
    END IF;
    IF item.detail ->> 'action' = 'StopTransaction' AND s.stopped_at IS NULL AND s.state <> 'settled'
       AND p_decision = 'bill' THEN
        p_correction := jsonb_build_object('stopped_at', GREATEST(item.received_at, s.started_at))
            || CASE WHEN (item.detail ->> 'meter_stop_mwh')::bigint >= s.meter_start_mwh
                    THEN jsonb_build_object('meter_stop_mwh', item.detail ->> 'meter_stop_mwh') ELSE '{}' END
            || COALESCE(p_correction, '{}');
    END IF;
    SELECT * INTO obstacle FROM core.review_obstacle(item, s, p_decision, p_correction);
    IF obstacle.code IS NOT NULL THEN
        RAISE EXCEPTION 'review % cannot be decided so: %', p_review, concat_ws(' ', obstacle.code, obstacle.member)
            USING ERRCODE = '23514', DETAIL = 'review', CONSTRAINT = obstacle.code, COLUMN = COALESCE(obstacle.member, ''),
                  HINT = COALESCE(trim_scale(obstacle.most_mwh * 0.000001)::text, '');
    END IF;
    UPDATE core.review r SET state = 'decided', decision = p_decision, correction = given, note = p_note,
        decided_by = p_actor, decided_at = clock_timestamp()
    WHERE r.id = p_review;
    IF s.uid IS NULL THEN
        RETURN 'done';
    END IF;
    IF p_decision = 'lost' THEN
        UPDATE core.review r SET state = 'decided', decision = 'lost', decided_by = p_actor,
            decided_at = clock_timestamp()
        WHERE r.session_uid = s.uid AND r.state = 'open';
        UPDATE core.session x SET state = 'lost' WHERE x.uid = s.uid;
        PERFORM ledger.release_holds(s.uid, 'released');
        PERFORM ledger.settlement_undo(s.uid, p_actor, 'rejected in review');
        RETURN 'done';
    END IF;
    IF item.detail ->> 'action' = 'MeterValues' THEN
        UPDATE core.review r SET state = 'decided', decision = p_decision, note = p_note, decided_by = p_actor,
            decided_at = clock_timestamp()
        WHERE r.session_uid = s.uid AND r.state = 'open' AND r.kind = item.kind AND r.detail ->> 'action' = 'MeterValues';
    END IF;
    IF p_correction IS NOT NULL OR core.review_unpriced(item) THEN
        UPDATE core.session x SET
            state = CASE WHEN x.state = 'settled' AND p_correction IS NOT NULL THEN 'review' ELSE x.state END,
            tariff_version_id = CASE WHEN NOT core.review_unpriced(item) THEN x.tariff_version_id END,
            meter_start_mwh = COALESCE((p_correction ->> 'meter_start_mwh')::bigint, x.meter_start_mwh),
            meter_stop_mwh = COALESCE((p_correction ->> 'meter_stop_mwh')::bigint, x.meter_stop_mwh),
            started_at = COALESCE((p_correction ->> 'started_at')::timestamptz, x.started_at),
            stopped_at = COALESCE((p_correction ->> 'stopped_at')::timestamptz, x.stopped_at),
            stop_received_at = COALESCE(x.stop_received_at,
                CASE WHEN p_correction ? 'stopped_at' THEN clock_timestamp() END),
            input_current = false
        WHERE x.uid = s.uid RETURNING * INTO s;
    END IF;
    IF s.state IN ('review', 'presumed_ended', 'stopped') AND NOT core.review_blocks(s.uid)
       OR s.state = 'open' AND s.stopped_at IS NOT NULL AND NOT core.review_blocks(s.uid) THEN
        UPDATE core.session x SET state = CASE WHEN s.stopped_at IS NULL THEN 'presumed_ended' ELSE 'stopped' END
        WHERE x.uid = s.uid;
        INSERT INTO core.job (kind, key, payload, run_at)
        VALUES ('settle', s.uid::text, jsonb_build_object('session', s.uid), GREATEST(clock_timestamp(),
            CASE WHEN s.stopped_at IS NULL THEN s.presumed_ended_at + interval '15 minutes' END))
        ON CONFLICT (kind, key) WHERE state IN ('queued', 'running') DO NOTHING;
    END IF;
    RETURN 'done';
END
$$;
ALTER FUNCTION core.review_decide(bigint, text, text, jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION core.review_decide(bigint, text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION core.review_decide(bigint, text, text, jsonb, text) IS
    'Decides a review item and queues the settlement it held back | 对待审记录作出决定，并恢复被阻止的结算';
