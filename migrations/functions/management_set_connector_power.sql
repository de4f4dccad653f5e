-- Corrects the rated power of a connector: what its energy is held against, and its holds are estimated by.
CREATE OR REPLACE FUNCTION management.set_connector_power(charge_point_id text, connector_id integer, max_power_kw numeric)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    old core.connector;
    power bigint;
BEGIN
    station := api.find_pile(charge_point_id);
    power := api.rated_power_w(max_power_kw);
    SELECT * INTO old FROM core.connector c
    WHERE c.station_id = station.id AND c.number = connector_id AND c.registered FOR NO KEY UPDATE;
    IF old.number IS NULL THEN
        PERFORM api.refuse('connector-unknown', 'connector_id', station.identity, coalesce(connector_id::text, ''));
    END IF;
    IF old.max_power_w <> power THEN
        UPDATE core.connector c SET max_power_w = power WHERE c.station_id = station.id AND c.number = connector_id;
        PERFORM api.audit('SetConnectorPower', station.site_id, format('%s/%s', station.identity, connector_id),
            jsonb_build_object('max_power_w', old.max_power_w), jsonb_build_object('max_power_w', power));
    END IF;
    RETURN jsonb_build_object('chargePointId', station.identity, 'connectorId', connector_id,
                              'maxPowerKw', (power * 0.001)::text, 'repeated', old.max_power_w = power);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_connector_power(text, integer, numeric) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_connector_power(text, integer, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_connector_power(text, integer, numeric)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.set_connector_power(text, integer, numeric) IS
    'Corrects the rated power of a connector. | 更正充电枪的额定功率。';
