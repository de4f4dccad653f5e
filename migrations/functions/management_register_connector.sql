-- Registers a connector of a pile with its kind and power. One that the pile has reported before is
-- completed; the same again is the same connector.
CREATE OR REPLACE FUNCTION management.register_connector(charge_point_id text, connector_id integer, kind text,
    max_power_kw numeric, standard text DEFAULT NULL)
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
    IF connector_id IS NULL THEN
        PERFORM api.refuse('member-missing', 'connector_id', 'connector_id');
    END IF;
    PERFORM api.require_number(connector_id, 'connector_id', 1, 1000);
    PERFORM api.require_value(kind, 'kind', 'AC', 'DC');
    PERFORM api.require_text(standard, 'standard', 50, false);
    power := api.rated_power_w(max_power_kw);
    SELECT * INTO old FROM core.connector c WHERE c.station_id = station.id AND c.number = connector_id FOR UPDATE;
    IF old.registered THEN
        IF (old.kind, old.max_power_w, old.standard)
           IS DISTINCT FROM (register_connector.kind, power, register_connector.standard) THEN
            PERFORM api.refuse('registered-otherwise', 'connector_id', format('%s/%s', station.identity, connector_id));
        END IF;
    ELSE
        INSERT INTO core.connector AS c (station_id, number, kind, max_power_w, standard, registered)
        VALUES (station.id, connector_id, register_connector.kind, power, register_connector.standard, true)
        ON CONFLICT (station_id, number) DO UPDATE
            SET kind = excluded.kind, max_power_w = excluded.max_power_w, standard = excluded.standard, registered = true;
        PERFORM api.audit('RegisterConnector', station.site_id, format('%s/%s', station.identity, connector_id), NULL,
            jsonb_build_object('kind', kind, 'max_power_w', power, 'standard', standard));
    END IF;
    RETURN jsonb_build_object('chargePointId', station.identity, 'connectorId', connector_id,
                              'repeated', coalesce(old.registered, false));
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.register_connector(text, integer, text, numeric, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.register_connector(text, integer, text, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.register_connector(text, integer, text, numeric, text)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.register_connector(text, integer, text, numeric, text) IS
    'Registers a connector of a pile. | 登记充电桩的充电枪。';
