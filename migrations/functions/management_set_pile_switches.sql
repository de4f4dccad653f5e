-- Changes how a pile is treated; what is not named stays as it is. strict: what deviates is refused, for
-- certification. trace_readings: its MeterValues are traced, too. assume_ocpp16: it may connect without the
-- subprotocol. no_server_ping: it does not answer pings, whatever ping_s says; ping_s 0: no pings, either.
-- A pile that is connected is treated so from its next message; the pings change with its next connection.
CREATE OR REPLACE FUNCTION management.set_pile_switches(charge_point_id text, strict boolean DEFAULT NULL,
    trace_readings boolean DEFAULT NULL, assume_ocpp16 boolean DEFAULT NULL, no_server_ping boolean DEFAULT NULL,
    ping_s integer DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    names text;
BEGIN
    PERFORM api.require_number(ping_s, 'ping_s', 0, 3600);
    station := api.lock_pile(charge_point_id);
    WITH asked (name, wanted) AS (VALUES ('assume-ocpp1.6', assume_ocpp16), ('no-server-ping', no_server_ping),
        ('trace-readings', trace_readings))
    SELECT string_agg(s.name, ' ' ORDER BY s.name) INTO names FROM (
        SELECT w.name FROM regexp_split_to_table(station.quirks, '[ ,]+') AS w (name)
        WHERE w.name <> '' AND w.name NOT IN (SELECT a.name FROM asked a WHERE a.wanted IS NOT NULL)
        UNION SELECT a.name FROM asked a WHERE a.wanted) s;
    RETURN api.change_pile(station, 'SetPileSwitches', jsonb_build_object(
        'strict', coalesce(set_pile_switches.strict, station."strict"), 'quirks', names,
        'ping_s', coalesce(set_pile_switches.ping_s, station.ping_s)));
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_pile_switches(text, boolean, boolean, boolean, boolean, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_pile_switches(text, boolean, boolean, boolean, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_pile_switches(text, boolean, boolean, boolean, boolean, integer)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.set_pile_switches(text, boolean, boolean, boolean, boolean, integer) IS
    'Changes the switches of a pile: strict decoding, traced readings, quirks, pings. | 更改充电桩开关：严格解码、读数跟踪、兼容项、Ping 间隔。';
