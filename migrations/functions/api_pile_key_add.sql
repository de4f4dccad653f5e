-- Adds a valid key to a pile. A hash that was ever used, by whichever pile, is refused: keys are not reused.
CREATE OR REPLACE FUNCTION api.pile_key_add(station bigint, key_hash text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO core.station_key (station_id, key_hash, state) VALUES (station, pile_key_add.key_hash, 'active')
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM api.refuse('key-used', 'key_hash');
    END IF;
END
$$;
ALTER FUNCTION api.pile_key_add(bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.pile_key_add(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION api.pile_key_add(bigint, text) IS
    'Adds a key to a pile. | 为充电桩添加密钥。';
