-- What the inbound functions share: digests, times, and the record of what was refused.

-- A frame without its message id, a string, a number or a word, so that the same content sent again is known again.
CREATE OR REPLACE FUNCTION inbound.frame_digest(p_station bigint, p_frame text)
RETURNS uuid LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $$
    SELECT encode(substr(sha256(convert_to(p_station || '|' || COALESCE(
        regexp_replace(p_frame, '^\s*\[\s*2\s*,\s*("([^"\\]|\\.)*"|[-+.0-9a-zE]+)\s*,', ''), ''), 'UTF8')), 1, 16), 'hex')::uuid
$$;
ALTER FUNCTION inbound.frame_digest(bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.frame_digest(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.frame_digest(bigint, text) IS
    'Digest of a frame''s content without its message id | 报文内容（不含消息编号）的摘要';

CREATE OR REPLACE FUNCTION inbound.digest(VARIADIC p_parts text[])
RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    -- A separator that no part can hold, and an absent part is not an empty one.
    SELECT encode(substr(sha256(convert_to(array_to_string(p_parts, E'\x1f', E'\x1e'), 'UTF8')), 1, 16), 'hex')::uuid
$$;
ALTER FUNCTION inbound.digest(text[]) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.digest(text[]) FROM PUBLIC;
COMMENT ON FUNCTION inbound.digest(text[]) IS 'Digest of the parts of a business key | 业务键各部分的摘要';

-- The time that money counts by, and why it is doubted (null: it is not).
--
-- p_offset_us is what has to be added to the pile's clock, null if nobody knows it or if it is not this time's. A
-- known offset shifts every time of that clock, so that a start out of a queue and its live stop stay comparable.
-- Half a minute is the network's and the pile's own laziness, not a wrong clock. Nothing happens after it was told:
-- a time that is later than its receipt by more than tolerance, as it stands or shifted, is none. In its place stands
-- the receipt; that is what is billed if the review is accepted. A stale time stands as it was told.
CREATE OR REPLACE FUNCTION inbound.effective_time(p_at timestamptz, p_received_at timestamptz, p_queued boolean,
    p_offset_us bigint, p_registered_at timestamptz, OUT at timestamptz, OUT clockless boolean, OUT doubt text)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    tolerance CONSTANT interval := interval '5 minutes';
BEGIN
    -- By a day, not by the tolerance: a start of 8 hours ahead that is sent again tomorrow is the same start.
    clockless := COALESCE(p_at < p_registered_at OR p_at > p_received_at + interval '1 day', true);
    at := p_at;
    IF p_at IS NULL THEN
        at := p_received_at;
        doubt := 'no_time';
    ELSIF abs(p_offset_us) >= 30000000 AND isfinite(p_at)
          AND p_at > '1900-01-01 00:00:00+00' AND p_at < '2200-01-01 00:00:00+00'
          AND abs(p_offset_us) < 6311433600000000 THEN
        at := p_at + make_interval(secs => p_offset_us / 1000000)
                   + (p_offset_us % 1000000) * interval '1 microsecond';
    ELSIF NOT p_queued AND p_offset_us IS NULL AND p_at < p_received_at - tolerance THEN
        doubt := 'stale_time';
    END IF;
    IF at < p_registered_at OR at > p_received_at + tolerance THEN
        at := p_received_at;
        doubt := 'implausible_time';
    END IF;
END
$$;
ALTER FUNCTION inbound.effective_time(timestamptz, timestamptz, boolean, bigint, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.effective_time(timestamptz, timestamptz, boolean, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION inbound.effective_time(timestamptz, timestamptz, boolean, bigint, timestamptz) IS
    'The time that money counts by, from a pile''s own clock | 由桩时钟推定的计费时间';

-- A time that a column keeps as evidence; the rest of it stands in the text.
CREATE OR REPLACE FUNCTION inbound.reported_time(p_at timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_at > '1900-01-01 00:00:00+00' AND p_at < '2200-01-01 00:00:00+00' THEN p_at END
$$;
ALTER FUNCTION inbound.reported_time(timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.reported_time(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION inbound.reported_time(timestamptz) IS 'A reported time if it can be one | 合理的上报时间';

-- Keeps what a constraint refused; the session that it was about is not billed before a decision. A start refused again is the same start, and keeps its transaction.
CREATE OR REPLACE FUNCTION inbound.refuse(p_function text, p_station bigint, p_received_at timestamptz, p_sqlstate text,
    p_message text, p_frame text, p_with_transaction boolean, p_session uuid)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key uuid := inbound.frame_digest(p_station, p_frame);
    transaction bigint;
BEGIN
    IF p_with_transaction THEN
        SELECT r.transaction_id INTO transaction FROM core.inbound_refused r
        WHERE r.digest = key AND r.transaction_id IS NOT NULL ORDER BY r.id LIMIT 1;
        transaction := COALESCE(transaction, nextval('core.transaction_id'));
    END IF;
    INSERT INTO core.inbound_refused (station, received_at, function_name, sqlstate, message, frame, digest, transaction_id)
    VALUES (p_station, p_received_at, p_function, p_sqlstate, p_message, p_frame, key, transaction);
    PERFORM core.review_open('refused', p_session IS NOT NULL, key::text, p_station, p_session, p_received_at,
        jsonb_build_object('function', p_function, 'sqlstate', p_sqlstate, 'message', p_message,
                           'transaction_id', transaction), p_frame);
    RETURN transaction;
END
$$;
ALTER FUNCTION inbound.refuse(text, bigint, timestamptz, text, text, text, boolean, uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.refuse(text, bigint, timestamptz, text, text, text, boolean, uuid) FROM PUBLIC;
COMMENT ON FUNCTION inbound.refuse(text, bigint, timestamptz, text, text, text, boolean, uuid) IS
    'Keeps a message that a constraint refused | 保存被约束拒绝的报文';
