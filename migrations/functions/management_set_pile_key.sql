-- Gives a pile a new key. The keys before it end at once, or stay valid beside it with `keep_old`, until
-- the next call without it. The hash is what `csms pile key` prints; no answer and no audit row shows it.
CREATE OR REPLACE FUNCTION management.set_pile_key(charge_point_id text, key_hash text, keep_old boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    known text;
    ended integer := 0;
BEGIN
    station := api.find_pile(charge_point_id);
    PERFORM api.require_key_hash(key_hash, true);
    SELECT k.state INTO known FROM core.station_key k
    WHERE k.station_id = station.id AND k.key_hash = set_pile_key.key_hash AND k.state <> 'revoked';
    IF known IS NULL THEN
        PERFORM api.pile_key_add(station.id, key_hash);
    END IF;
    IF NOT coalesce(keep_old, false) THEN
        UPDATE core.station_key k SET state = 'revoked', revoked_at = clock_timestamp()
        WHERE k.station_id = station.id AND k.key_hash <> set_pile_key.key_hash AND k.state <> 'revoked';
        GET DIAGNOSTICS ended = ROW_COUNT;
    END IF;
    IF known IS NULL OR ended > 0 THEN
        PERFORM api.audit('SetPileKey', station.site_id, station.identity, NULL, jsonb_build_object('revoked', ended));
    END IF;
    RETURN jsonb_build_object('chargePointId', station.identity, 'revoked', ended,
                              'repeated', known IS NOT NULL AND ended = 0);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.set_pile_key(text, text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.set_pile_key(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.set_pile_key(text, text, boolean)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.set_pile_key(text, text, boolean) IS
    'Gives a pile a new key by its hash and ends the old ones. | 以摘要为充电桩更换密钥并停用旧密钥。';
