-- What can be read of a message that could not be read as a whole.

CREATE OR REPLACE FUNCTION inbound.unusable_payload(p_frame text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $$
BEGIN
    -- jsonb holds no NUL and no lone surrogate; a sign that no card or number has stands for them, so that the
    -- rest can be read.
    RETURN regexp_replace(p_frame, '\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|'
        '(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\ufffd', 'g')::jsonb -> 3;
EXCEPTION WHEN data_exception OR statement_too_complex THEN
    RETURN NULL;                 -- a number, an escape or a depth that jsonb cannot hold
END
$$;
ALTER FUNCTION inbound.unusable_payload(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.unusable_payload(text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.unusable_payload(text) IS
    'The payload of a frame, if the database can read it | 报文的载荷（若数据库可读）';

-- Within what a register may say in Wh, so that it fits in mWh too.
CREATE OR REPLACE FUNCTION inbound.unusable_integer(p_payload jsonb, p_member text)
RETURNS bigint LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_payload ->> p_member ~ '^-?[0-9]{1,15}$' THEN (p_payload ->> p_member)::bigint END
$$;
ALTER FUNCTION inbound.unusable_integer(jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.unusable_integer(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION inbound.unusable_integer(jsonb, text) IS
    'An integer member of a payload, if it is one | 载荷中的整数成员（若为整数）';

-- The session of a start that could not be read: with its connector, tag and register as far as they can.
-- The same frame again is the same session.
CREATE OR REPLACE FUNCTION inbound.unusable_start(p_station bigint, p_received_at timestamptz, p_frame text,
    p_content uuid, p_payload jsonb, OUT transaction_id bigint, OUT session_uid uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id_tag text := CASE WHEN jsonb_typeof(p_payload -> 'idTag') = 'string' THEN p_payload ->> 'idTag' END;
    register bigint := inbound.unusable_integer(p_payload, 'meterStart') * 1000;
    gun bigint := inbound.unusable_integer(p_payload, 'connectorId');
    tag record;
BEGIN
    SELECT s.transaction_id, s.uid INTO transaction_id, session_uid FROM core.session s WHERE s.start_key = p_content;
    IF transaction_id IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT * INTO tag FROM core.tag_check(id_tag, p_received_at);
    INSERT INTO core.session AS s (start_key, station_id, connector, site_id, place, tag_key, tag_hint, card_id,
        customer_id, account_id, vehicle_id, fleet_id, currency, direction, verdict, unsecured, boot_number, started_at,
        start_received_at, meter_start_mwh)
    SELECT p_content, x.id, CASE WHEN gun BETWEEN 1 AND 2147483647 THEN gun END, x.site_id, x.place,
        CASE WHEN id_tag IS NOT NULL THEN tag.tag_key END, core.tag_hint(id_tag), tag.card_id, tag.customer_id,
        COALESCE(tag.account_id, (SELECT a.id FROM ledger.account a
                                  WHERE a.site_id = x.site_id AND a.purpose = 'suspense' ORDER BY a.id LIMIT 1)),
        tag.vehicle_id, tag.fleet_id, t.currency, CASE WHEN x.export_allowed THEN 'both' ELSE 'import' END, 'Invalid',
        true, x.boot_number, p_received_at, p_received_at, register
    FROM core.station x JOIN core.site t ON t.id = x.site_id WHERE x.id = p_station
    ON CONFLICT (start_key) DO NOTHING RETURNING s.transaction_id, s.uid INTO transaction_id, session_uid;
    IF transaction_id IS NULL THEN
        SELECT s.transaction_id, s.uid INTO STRICT transaction_id, session_uid FROM core.session s WHERE s.start_key = p_content;
        RETURN;
    END IF;
    INSERT INTO core.session_message (transaction_id, kind, received_at, id_tag, at_text, meter_mwh, frame, digest)
    VALUES (unusable_start.transaction_id, 'start', p_received_at, id_tag, p_payload ->> 'timestamp', register, p_frame,
        p_content);
END
$$;
ALTER FUNCTION inbound.unusable_start(bigint, timestamptz, text, uuid, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.unusable_start(bigint, timestamptz, text, uuid, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION inbound.unusable_start(bigint, timestamptz, text, uuid, jsonb) IS
    'The session of a start that could not be read | 为无法完整解读的启动报文建立会话';

-- Whether a session's key is that of a start that could not be read, and tells its time all the same, in words that
-- nobody understood: it is known again for ever. A clock that never ran says nothing, zeros, or 1970 each time.
CREATE OR REPLACE FUNCTION inbound.start_unread(p_transaction bigint, p_key uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $$
BEGIN
    RETURN EXISTS (SELECT FROM core.session_message m JOIN core.session s USING (transaction_id)
                   WHERE m.transaction_id = p_transaction AND m.kind = 'start' AND m.at_text !~ '^\s*(1970|[-+0:.,TZ\s]*$)'
                     AND p_key = inbound.frame_digest(s.station_id, m.frame));
END
$$;
ALTER FUNCTION inbound.start_unread(bigint, uuid) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.start_unread(bigint, uuid) FROM PUBLIC;
COMMENT ON FUNCTION inbound.start_unread(bigint, uuid) IS
    'Whether a key is that of an unreadable start that tells a time | 会话键是否来自无法解读但带有时间的启动报文';
