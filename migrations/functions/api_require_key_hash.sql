-- The hash of a pile's key: 64 hexadecimal digits in lower case.
CREATE OR REPLACE FUNCTION api.require_key_hash(key_hash text, required boolean)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF key_hash IS NULL AND required THEN
        PERFORM api.refuse('member-missing', 'key_hash', 'key_hash');
    ELSIF key_hash !~ '^[0-9a-f]{64}$' THEN
        PERFORM api.refuse('key-form', 'key_hash');
    END IF;
END
$$;
ALTER FUNCTION api.require_key_hash(text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_key_hash(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION api.require_key_hash(text, boolean) IS
    'Checks the hash of a key. | 检查密钥摘要。';
