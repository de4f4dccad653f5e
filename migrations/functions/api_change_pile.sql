-- Sets columns of a pile that the caller has locked to the values of `wanted`, and answers with them. What is
-- so already is a repeat: nothing is written.
CREATE OR REPLACE FUNCTION api.change_pile(station core.station, action text, wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed core.station := jsonb_populate_record(station, wanted);
    repeated boolean := to_jsonb(station) @> wanted;
BEGIN
    IF NOT repeated THEN
        UPDATE core.station p SET registration = changed.registration, blocked = changed.blocked,
            strict = changed."strict", quirks = changed.quirks, ping_s = changed.ping_s
        WHERE p.id = station.id;
        PERFORM api.audit(change_pile.action, station.site_id, station.identity,
            (SELECT jsonb_object_agg(key, to_jsonb(station) -> key) FROM jsonb_object_keys(wanted) key), wanted);
    END IF;
    RETURN jsonb_build_object('chargePointId', station.identity, 'repeated', repeated)
           || (SELECT jsonb_object_agg(api.camel_case(key, false), value) FROM jsonb_each(wanted));
END
$$;
ALTER FUNCTION api.change_pile(core.station, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.change_pile(core.station, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.change_pile(core.station, text, jsonb) IS
    'Changes a pile, once, with its audit. | 更改充电桩并写入审计（相同更改只做一次）。';
