-- The pile of an identity for whoever changes it: nobody else does until this transaction ends.
CREATE OR REPLACE FUNCTION api.lock_pile(charge_point_id text)
RETURNS core.station
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.station := api.find_pile(charge_point_id);
BEGIN
    SELECT * INTO found FROM core.station p WHERE p.id = found.id FOR NO KEY UPDATE;
    RETURN found;
END
$$;
ALTER FUNCTION api.lock_pile(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.lock_pile(text) FROM PUBLIC;
COMMENT ON FUNCTION api.lock_pile(text) IS
    'The pile of an identity, to be changed. | 按标识查找并锁定待更改的充电桩。';
