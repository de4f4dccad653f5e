-- Asks a pile to start charging for a card. The answer names the command; operation.wait and query.command
-- tell how the pile answered.
CREATE OR REPLACE FUNCTION operation.remote_start(charge_point_id text, id_tag text, connector_id integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL, deadline_s integer DEFAULT 60)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    tag record;
BEGIN
    station := api.find_pile(charge_point_id);
    PERFORM api.require_text(id_tag, 'id_tag', 20);
    IF connector_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM core.connector c
            WHERE c.station_id = station.id AND c.number = connector_id AND c.number > 0) THEN
        PERFORM api.refuse('connector-unknown', 'connector_id', station.identity, connector_id::text);
    END IF;
    IF station.registration <> 'accepted' OR station.blocked OR station.retired_at IS NOT NULL THEN
        PERFORM api.refuse('pile-not-accepted', 'charge_point_id', station.identity);
    END IF;
    PERFORM api.find_card(id_tag);
    SELECT * INTO tag FROM core.tag_check(id_tag, now());
    IF tag.status <> 'Accepted' THEN
        PERFORM api.refuse('card-refused', 'id_tag', tag.status);
    END IF;
    RETURN api.command_add(station, 'RemoteStartTransaction',
        jsonb_strip_nulls(jsonb_build_object('connectorId', connector_id, 'idTag', id_tag)), NULL, idempotency_key, deadline_s);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION operation.remote_start(text, text, integer, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION operation.remote_start(text, text, integer, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operation.remote_start(text, text, integer, text, integer)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION operation.remote_start(text, text, integer, text, integer) IS
    'Asks a pile to start charging for a card. | 请求充电桩为某卡启动充电。';
