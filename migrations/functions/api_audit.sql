-- Writes who did what into core.audit, with the values before and after; the caller leaves secrets out.
CREATE OR REPLACE FUNCTION api.audit(action text, site bigint, target text, before jsonb, after jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO core.audit (actor, action, site_id, target, args)
    VALUES (core.actor(), audit.action, audit.site, audit.target,
            jsonb_build_object('before', audit.before, 'after', audit.after));
END
$$;
ALTER FUNCTION api.audit(text, bigint, text, jsonb, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.audit(text, bigint, text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.audit(text, bigint, text, jsonb, jsonb) IS
    'Writes one row of the audit. | 写入一行审计记录。';
