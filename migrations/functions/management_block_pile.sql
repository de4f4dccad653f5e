-- Refuses a pile at the door and ends its connection; with blocked => false it may come again.
CREATE OR REPLACE FUNCTION management.block_pile(charge_point_id text, blocked boolean DEFAULT true)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN api.change_pile(api.lock_pile(charge_point_id), 'BlockPile', jsonb_build_object('blocked', coalesce(blocked, true)));
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
