-- BootNotification, StatusNotification, Authorize, DataTransfer, other reports, and what nobody could read.

CREATE OR REPLACE FUNCTION inbound.boot(p_station bigint, p_received_at timestamptz, p_vendor text, p_model text,
    p_serial text, p_box_serial text, p_firmware text, p_iccid text, p_imsi text, p_meter_type text, p_meter_serial text,
    OUT outcome text, OUT registration text, OUT interval_s integer, OUT boot_number integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.station;
    command bigint;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    SELECT * INTO s FROM core.station x WHERE x.id = p_station FOR NO KEY UPDATE SKIP LOCKED;
    IF s.id IS NULL THEN
        IF NOT EXISTS (SELECT FROM core.station x WHERE x.id = p_station) THEN
            RAISE EXCEPTION 'no such station: %', p_station USING ERRCODE = '23503';
        END IF;
        outcome := 'busy';
        RETURN;
    END IF;
    IF s.booted_at IS DISTINCT FROM p_received_at THEN    -- else: run again, its outcome had been unknown
        UPDATE core.station x SET vendor = p_vendor, model = p_model, serial = p_serial, box_serial = p_box_serial,
            firmware = p_firmware, iccid = p_iccid, imsi = p_imsi, meter_type = p_meter_type,
            meter_serial = p_meter_serial, booted_at = p_received_at, boot_number = x.boot_number + 1,
            registration = CASE x.registration WHEN 'none' THEN 'accepted' ELSE x.registration END
        WHERE x.id = p_station RETURNING * INTO s;
        -- A boot is what a Reset was sent for.
        SELECT c.id INTO command FROM core.command c
        WHERE c.station_id = p_station AND c.state IN ('sent', 'unknown') AND c.action = 'Reset'
          AND c.sent_at > p_received_at - interval '10 minutes'
        ORDER BY c.id DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
        IF command IS NOT NULL THEN
            UPDATE core.command c SET state = 'accepted', answered_at = p_received_at WHERE c.id = command;
        END IF;
    END IF;
    outcome := 'done';
    registration := s.registration;
    interval_s := s.heartbeat_s;
    boot_number := s.boot_number;
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
    PERFORM inbound.refuse('boot', p_station, p_received_at, SQLSTATE, SQLERRM,
        concat_ws(' ', p_vendor, p_model, p_serial, p_firmware), false, NULL);
END
$$;
ALTER FUNCTION inbound.boot(bigint, timestamptz, text, text, text, text, text, text, text, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.boot(bigint, timestamptz, text, text, text, text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.boot(bigint, timestamptz, text, text, text, text, text, text, text, text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.boot(bigint, timestamptz, text, text, text, text, text, text, text, text, text) IS
    'BootNotification: counts the boot and keeps what the pile says of itself | 处理 BootNotification：记录启动次数与设备信息';

-- The event is kept as told; the connector shows it unless it is older than what it shows.
CREATE OR REPLACE FUNCTION inbound.status(p_station bigint, p_connector integer, p_status text, p_error_code text,
    p_info text, p_vendor_id text, p_vendor_error_code text, p_at timestamptz, p_at_text text, p_received_at timestamptz,
    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A clock ahead of ours would hide everything that comes after it was set right.
    shown_at timestamptz := CASE WHEN p_at > p_received_at - interval '1 year' THEN LEAST(p_at, p_received_at)
                                 ELSE p_received_at END;
    shows timestamptz;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    SELECT c.status_at INTO shows FROM core.connector c
    WHERE c.station_id = p_station AND c.number = p_connector FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND AND EXISTS (SELECT FROM core.connector c WHERE c.station_id = p_station AND c.number = p_connector) THEN
        outcome := 'busy';
        RETURN;
    END IF;
    INSERT INTO core.status_event (station, at, connector, received_at, status, error_code, info, vendor_id,
        vendor_error_code, at_text)
    VALUES (p_station, COALESCE(p_at, p_received_at), p_connector, p_received_at, p_status, p_error_code, p_info,
        p_vendor_id, p_vendor_error_code, p_at_text)
    ON CONFLICT DO NOTHING;
    IF shows IS NULL OR shows <= shown_at THEN
        INSERT INTO core.connector AS c (station_id, number, status, error_code, info, vendor_id, vendor_error_code,
            status_at, status_received_at)
        VALUES (p_station, p_connector, p_status, p_error_code, p_info, p_vendor_id, p_vendor_error_code, shown_at,
            p_received_at)
        ON CONFLICT (station_id, number) DO UPDATE SET status = excluded.status, error_code = excluded.error_code,
            info = excluded.info, vendor_id = excluded.vendor_id, vendor_error_code = excluded.vendor_error_code,
            status_at = excluded.status_at, status_received_at = excluded.status_received_at;
    END IF;
    outcome := 'done';
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
    PERFORM inbound.refuse('status', p_station, p_received_at, SQLSTATE, SQLERRM,
        concat_ws(' ', p_connector, p_status, p_error_code, p_info, p_vendor_id, p_vendor_error_code, p_at_text), false, NULL);
END
$$;
ALTER FUNCTION inbound.status(bigint, integer, text, text, text, text, text, timestamptz, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.status(bigint, integer, text, text, text, text, text, timestamptz, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.status(bigint, integer, text, text, text, text, text, timestamptz, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.status(bigint, integer, text, text, text, text, text, timestamptz, text, timestamptz) IS
    'StatusNotification: keeps the event and shows the newest | 处理 StatusNotification：保存事件并更新当前状态';

-- Never ConcurrentTx: a pile would refuse the card that is to stop the charge. A payer with an open
-- session here is let in whatever the balance, for the same reason.
CREATE OR REPLACE FUNCTION inbound.authorize(p_station bigint, p_id_tag text, p_received_at timestamptz,
    OUT outcome text, OUT status text, OUT expiry timestamptz, OUT parent text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tag record;
    minimum bigint;
    site bigint;
    tariff bigint;
BEGIN
    SELECT * INTO tag FROM core.tag_check(p_id_tag, p_received_at);
    outcome := 'done';
    status := tag.status;
    expiry := tag.expiry;
    parent := tag.parent;
    IF status = 'Accepted' AND NOT EXISTS (
            SELECT FROM core.session s WHERE s.station_id = p_station AND s.stopped_at IS NULL
              AND s.state IN ('open', 'presumed_ended') AND s.customer_id = tag.customer_id) THEN
        SELECT t.min_start_minor, t.id INTO minimum, site
        FROM core.station s JOIN core.site t ON t.id = s.site_id WHERE s.id = p_station;
        SELECT p.tariff_version_id INTO tariff FROM core.tariff_pick(tag.customer_id, tag.fleet_id, tag.tag_group_id,
            p_station, NULL, site, p_received_at) p;
        -- A pile whose connectors have tariffs of their own is asked again at the start.
        IF tag.account_id IS NULL OR ledger.free_minor(tag.account_id) < minimum
           OR tariff IS NULL AND NOT EXISTS (SELECT FROM core.tariff_assignment a
                                             WHERE a.scope = 'connector' AND a.target_id = p_station) THEN
            status := 'Blocked';
        END IF;
    END IF;
END
$$;
ALTER FUNCTION inbound.authorize(bigint, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.authorize(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.authorize(bigint, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.authorize(bigint, text, timestamptz) IS 'Authorize: the verdict on a tag | 处理 Authorize：卡号校验';

-- No vendor's extension is spoken here yet; what was sent is kept.
CREATE OR REPLACE FUNCTION inbound.data_transfer(p_station bigint, p_vendor_id text, p_message_id text, p_data text,
    p_received_at timestamptz, OUT outcome text, OUT status text, OUT data text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    outcome := (inbound.note(p_station, 'DataTransfer', p_received_at,
        jsonb_build_object('vendorId', p_vendor_id, 'messageId', p_message_id, 'data', p_data)::text));
    status := 'UnknownVendorId';
END
$$;
ALTER FUNCTION inbound.data_transfer(bigint, text, text, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.data_transfer(bigint, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.data_transfer(bigint, text, text, text, timestamptz) TO joulebook_app;
COMMENT ON FUNCTION inbound.data_transfer(bigint, text, text, text, timestamptz) IS 'DataTransfer: kept, no vendor known | 处理 DataTransfer：保存，未支持任何厂商扩展';

CREATE OR REPLACE FUNCTION inbound.note(p_station bigint, p_action text, p_received_at timestamptz, p_payload text,
    OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    INSERT INTO core.station_event (station, received_at, action, payload)
    VALUES (p_station, p_received_at, p_action, p_payload) ON CONFLICT DO NOTHING;
    outcome := 'done';
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
    outcome := 'refused';
    PERFORM inbound.refuse('note', p_station, p_received_at, SQLSTATE, SQLERRM, p_payload, false, NULL);
END
$$;
ALTER FUNCTION inbound.note(bigint, text, timestamptz, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.note(bigint, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.note(bigint, text, timestamptz, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.note(bigint, text, timestamptz, text) IS 'Keeps any other report of a pile | 保存充电桩的其他上报';

-- A message that could not be read is confirmed and reviewed all the same, and keeps the session that it
-- is about from being billed before a person has read the frame. A start gets a session of its own; its
-- Stop finds it by its number. A Stop ends its session in so far as nobody waits for another.
CREATE OR REPLACE FUNCTION inbound.unusable(p_station bigint, p_action text, p_received_at timestamptz, p_frame text,
    p_code text, p_member text, OUT outcome text, OUT transaction_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content uuid := inbound.frame_digest(p_station, p_frame);
    payload jsonb := inbound.unusable_payload(p_frame);
    about uuid;
    named bigint;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    IF p_action = 'StartTransaction' THEN
        SELECT u.transaction_id, u.session_uid INTO transaction_id, about
        FROM inbound.unusable_start(p_station, p_received_at, p_frame, content, payload) u;
        named := transaction_id;
    ELSIF p_action IN ('StopTransaction', 'MeterValues') THEN
        SELECT s.transaction_id, s.uid INTO named, about FROM core.session s
        WHERE s.transaction_id = inbound.unusable_integer(payload, 'transactionId') AND s.station_id = p_station;
    END IF;
    IF p_action = 'StopTransaction' AND named IS NOT NULL THEN
        PERFORM FROM core.session s WHERE s.transaction_id = named FOR NO KEY UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            outcome := 'busy';
            RETURN;
        END IF;
        UPDATE core.session s SET state = 'presumed_ended', presumed_ended_at = p_received_at
        WHERE s.transaction_id = named AND s.state = 'open';
    END IF;
    -- Of a start by its session: where a dead clock says the same of two, each waits for a decision.
    PERFORM core.review_open('unusable', true, (CASE p_action WHEN 'StartTransaction' THEN about ELSE content END)::text,
        p_station, about, p_received_at,
        jsonb_build_object('action', p_action, 'code', p_code, 'member', p_member, 'transaction_id', named)
        || CASE WHEN p_action = 'StopTransaction' THEN jsonb_build_object('meter_stop_mwh',
            (inbound.unusable_integer(payload, 'meterStop') * 1000)::text) ELSE '{}' END, p_frame);
    outcome := 'done';
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN integrity_constraint_violation OR data_exception OR no_data_found THEN
    outcome := 'refused';
    transaction_id := inbound.refuse('unusable', p_station, p_received_at, SQLSTATE, SQLERRM, p_frame,
        p_action = 'StartTransaction', NULL);
END
$$;
ALTER FUNCTION inbound.unusable(bigint, text, timestamptz, text, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION inbound.unusable(bigint, text, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION inbound.unusable(bigint, text, timestamptz, text, text, text) TO joulebook_app;
COMMENT ON FUNCTION inbound.unusable(bigint, text, timestamptz, text, text, text) IS
    'Keeps a message that could not be read, for review | 保存无法解读的报文以待审核';
