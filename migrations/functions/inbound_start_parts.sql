-- The rarer parts of a start.

-- What a session may cost at most in its first hour, at least the site's floor.
CREATE OR REPLACE FUNCTION inbound.hold_wanted(p_floor_minor bigint, p_top_price_micro bigint, p_power_w bigint, p_exponent smallint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT GREATEST(p_floor_minor, LEAST(COALESCE(
        ceil(p_top_price_micro::numeric * p_power_w / 1000 / power(10::numeric, 6 - p_exponent)), 0), 1000000000000)::bigint)
$$;
ALTER FUNCTION inbound.hold_wanted(bigint, bigint, bigint, smallint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.hold_wanted(bigint, bigint, bigint, smallint) FROM PUBLIC;
COMMENT ON FUNCTION inbound.hold_wanted(bigint, bigint, bigint, smallint) IS
    'How much a starting session wants to set aside | 会话启动时希望冻结的金额';

-- Is it the session of this start, which had no time when it was told first, a day ahead of its receipt, and has one
-- now that its time has come nearer? After its Stop only if the register has moved on: else it may be the next one
-- of a pile whose clock begins anew.
CREATE OR REPLACE FUNCTION inbound.start_ahead(p_session core.session, p_tag_key uuid, p_meter_start_mwh bigint)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN p_session.tag_key IS NOT DISTINCT FROM p_tag_key
        AND (p_session.stopped_at IS NULL OR COALESCE(p_session.meter_stop_mwh > p_meter_start_mwh, false))
        AND EXISTS (SELECT FROM core.session_message m WHERE m.transaction_id = p_session.transaction_id
                    AND m.kind = 'start' AND m.meter_mwh IS NOT DISTINCT FROM p_meter_start_mwh);
END
$$;
ALTER FUNCTION inbound.start_ahead(core.session, uuid, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start_ahead(core.session, uuid, bigint) FROM PUBLIC;
COMMENT ON FUNCTION inbound.start_ahead(core.session, uuid, bigint) IS
    'Whether a session is that of a start first told more than a day ahead | 会话是否属于首次上报时间超前一天以上的启动';

-- The same start with another register: the first stands, and a person decides which one is true. One that
-- was told before a decision put another in its place is a repeat.
CREATE OR REPLACE FUNCTION inbound.start_conflict(p_known core.session, p_id_tag text, p_meter_start_mwh bigint,
    p_at_text text, p_received_at timestamptz, p_frame text, p_deviations text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    register uuid := inbound.digest(p_meter_start_mwh::text);
BEGIN
    IF EXISTS (SELECT FROM core.session_message m WHERE m.transaction_id = p_known.transaction_id AND m.kind = 'start'
                 AND m.meter_mwh IS NOT DISTINCT FROM p_meter_start_mwh) THEN
        RETURN;
    END IF;
    INSERT INTO core.session_message (transaction_id, kind, received_at, id_tag, at_text, meter_mwh, frame, deviations, digest)
    VALUES (p_known.transaction_id, 'start_conflict', p_received_at, p_id_tag, p_at_text, p_meter_start_mwh, p_frame,
            p_deviations, register)
    ON CONFLICT (transaction_id, kind, digest) DO NOTHING;
    PERFORM core.review_open('start_conflict', p_known.state NOT IN ('settled', 'lost'), p_known.uid || ':' || register,
        p_known.station_id, p_known.uid, p_received_at,
        jsonb_build_object('meter_start_mwh', p_known.meter_start_mwh::text, 'then_mwh', p_meter_start_mwh::text), p_frame);
END
$$;
ALTER FUNCTION inbound.start_conflict(core.session, text, bigint, text, timestamptz, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start_conflict(core.session, text, bigint, text, timestamptz, text, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.start_conflict(core.session, text, bigint, text, timestamptz, text, text) IS
    'A start repeated with another register goes to review | 重复启动但表底不同时转人工审核';

-- A session whose Stop did not come. If it comes later, it counts.
CREATE OR REPLACE FUNCTION inbound.presume_ended(p_transaction bigint, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
BEGIN
    -- By its key alone: named beside it, the state would let stale statistics choose that index.
    SELECT * INTO s FROM core.session x WHERE x.transaction_id = p_transaction FOR NO KEY UPDATE;
    IF s.state = 'open' THEN
        UPDATE core.session x SET state = 'presumed_ended', presumed_ended_at = p_at WHERE x.transaction_id = p_transaction;
        PERFORM core.review_open('presumed_ended', false, s.uid::text, s.station_id, s.uid, p_at,
            jsonb_build_object('transaction_id', s.transaction_id, 'connector', s.connector), NULL);
    END IF;
END
$$;
ALTER FUNCTION inbound.presume_ended(bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.presume_ended(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION inbound.presume_ended(bigint, timestamptz) IS
    'Marks a session whose Stop did not come as presumed ended | 将未收到停止报文的会话标记为推定结束';

-- What about a new session is not to be trusted. Items that block keep it from being billed.
CREATE OR REPLACE FUNCTION inbound.start_doubts(p_transaction bigint, p_time_doubt text, p_problem text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
    m core.session_message;
    item record;
BEGIN
    SELECT * INTO s FROM core.session x WHERE x.transaction_id = p_transaction;
    SELECT * INTO m FROM core.session_message x WHERE x.transaction_id = p_transaction AND x.kind = 'start';
    FOR item IN SELECT * FROM (VALUES
            (p_time_doubt, true, p_time_doubt IS NOT NULL),
            (p_problem, false, p_problem IS NOT NULL),
            ('unknown_tag', false, s.card_id IS NULL),
            ('id_tag_too_long', true, length(m.id_tag) > 20),
            ('no_tariff', true, s.tariff_version_id IS NULL),
            ('implausible_meter_start', true, COALESCE(s.meter_start_mwh < 0, true)),
            ('implausible_connector', true, COALESCE(s.connector < 1, true))) AS v(kind, blocks, holds)
        WHERE v.holds LOOP
        PERFORM core.review_open(item.kind, item.blocks, s.uid::text, s.station_id, s.uid, s.start_received_at,
            jsonb_build_object('transaction_id', s.transaction_id, 'message', 'StartTransaction',
                'reported', m.at_text, 'meter_start_mwh', s.meter_start_mwh::text, 'connector', s.connector), m.frame);
    END LOOP;
END
$$;
ALTER FUNCTION inbound.start_doubts(bigint, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start_doubts(bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.start_doubts(bigint, text, text) IS
    'Opens reviews for what cannot be trusted in a start | 对不可信的启动数据建立审核';

-- What waited for this start: the remote command that caused it, the Stop that came before it. A number
-- that nobody gave out is trusted only together with the tag, as when the Stop comes second.
CREATE OR REPLACE FUNCTION inbound.start_evidence(p_transaction bigint, p_id_tag text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
    early core.unmatched_stop;
    command bigint;
BEGIN
    SELECT * INTO s FROM core.session x WHERE x.transaction_id = p_transaction;
    SELECT c.id INTO command FROM core.command c
    WHERE c.station_id = s.station_id AND c.requested_at > s.start_received_at - interval '10 minutes'
      AND c.action = 'RemoteStartTransaction' AND c.state IN ('sent', 'accepted', 'unknown') AND c.session_uid IS NULL
      AND lower(c.payload ->> 'idTag') = lower(p_id_tag)
      AND COALESCE((c.payload ->> 'connectorId')::integer, s.connector) = s.connector
    ORDER BY c.id DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF command IS NOT NULL THEN
        UPDATE core.command c SET session_uid = s.uid, state = 'accepted',
            answered_at = COALESCE(c.answered_at, s.start_received_at)
        WHERE c.id = command;
    END IF;
    SELECT * INTO early FROM core.unmatched_stop u
    WHERE u.station_id = s.station_id AND u.state = 'waiting' AND u.at >= s.started_at
      AND (u.queued OR s.start_queued)           -- said in this order when it happened, it ended what was before
      AND (u.tag_key = s.tag_key OR COALESCE(u.sent_id, 0) <= 0
           AND (u.tag_key IS NULL OR inbound.stop_tag_fits(s, u.tag_key)))
      AND NOT EXISTS (SELECT FROM core.session o WHERE o.transaction_id = u.sent_id)
      AND u.meter_stop_mwh >= s.meter_start_mwh
      AND (u.tag_key = s.tag_key OR u.meter_stop_mwh - s.meter_start_mwh <= core.energy_limit_mwh((
              SELECT c.max_power_w FROM core.connector c WHERE c.station_id = s.station_id AND c.number = s.connector),
              s.started_at, u.at))
      AND u.received_at > s.start_received_at - interval '24 hours'
    ORDER BY u.at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF early.id IS NOT NULL THEN
        UPDATE core.unmatched_stop u SET state = 'joined', transaction_id = s.transaction_id WHERE u.id = early.id;
        UPDATE core.review r SET state = 'decided', decision = 'noted', decided_by = 'joulebook',
            note = 'its start came: transaction ' || s.transaction_id, session_uid = s.uid, decided_at = clock_timestamp()
        WHERE r.dedupe_key = 'unmatched_stop:' || early.digest AND r.state = 'open';
        PERFORM inbound.stop_write(s, early);
    END IF;
END
$$;
ALTER FUNCTION inbound.start_evidence(bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start_evidence(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.start_evidence(bigint, text) IS
    'Joins a start with its remote command and an early Stop | 将启动与远程命令及先到的停止报文关联';

-- The hold that a lane could not wait for. Returns what ledger.place_hold says.
CREATE OR REPLACE FUNCTION inbound.hold_late(p_session uuid)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
    here record;
    answer text;
BEGIN
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session;
    IF s.state IS DISTINCT FROM 'open' THEN
        RETURN 'none';
    END IF;
    SELECT t.hold_floor_minor, t.min_start_minor, u.exponent, v.top_price_micro, c.max_power_w INTO here
    FROM core.site t JOIN core.currency u ON u.code = s.currency
    LEFT JOIN core.tariff_version v ON v.id = s.tariff_version_id
    LEFT JOIN core.connector c ON c.station_id = s.station_id AND c.number = s.connector
    WHERE t.id = s.site_id;
    PERFORM ledger.lock_accounts(s.account_id);
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session FOR NO KEY UPDATE;
    IF s.state <> 'open' THEN
        RETURN 'none';
    END IF;
    SELECT h.status INTO answer FROM ledger.place_hold(s.uid, s.account_id, inbound.hold_wanted(here.hold_floor_minor,
        here.top_price_micro, here.max_power_w, here.exponent), here.min_start_minor, clock_timestamp() + interval '2 days') h;
    IF answer IN ('done', 'repeat') THEN
        UPDATE core.session x SET unsecured = false WHERE x.uid = s.uid;
    END IF;
    RETURN answer;
END
$$;
ALTER FUNCTION inbound.hold_late(uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.hold_late(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.hold_late(uuid) TO joulebook_app;
COMMENT ON FUNCTION inbound.hold_late(uuid) IS 'Places the hold of a start that could not wait for it | 为未及冻结的会话补做冻结';
