-- Refuses a pile at the door and ends its connection; with blocked => false it may come again.
CREATE OR REPLACE FUNCTION management.block_pile(charge_point_id text, blocked boolean DEFAULT true)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    wanted boolean := coalesce(block_pile.blocked, true);
BEGIN
    station := api.find_pile(charge_point_id);
    IF station.blocked <> wanted THEN
        UPDATE core.station p SET blocked = wanted WHERE p.id = station.id;
        PERFORM api.audit('BlockPile', station.site_id, station.identity,
            jsonb_build_object('blocked', station.blocked), jsonb_build_object('blocked', wanted));
    END IF;
    RETURN jsonb_build_object('chargePointId', station.identity, 'blocked', wanted,
                              'repeated', station.blocked = wanted);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.block_pile(text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.block_pile(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.block_pile(text, boolean)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.block_pile(text, boolean) IS
    'Blocks a pile''s connections, or lets it in again. | 封锁或解封充电桩的连接。';
