-- Accepts a pile, so that it may charge; with accepted => false it is answered Rejected from its next boot.
CREATE OR REPLACE FUNCTION management.accept_pile(charge_point_id text, accepted boolean DEFAULT true)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN api.change_pile(api.lock_pile(charge_point_id), 'AcceptPile', jsonb_build_object('registration',
        CASE WHEN coalesce(accepted, true) THEN 'accepted' ELSE 'rejected' END));
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.accept_pile(text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.accept_pile(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.accept_pile(text, boolean)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.accept_pile(text, boolean) IS
    'Accepts a pile, or rejects it. | 接纳或拒绝充电桩。';
