-- The pile of an identity, matched exactly, then without case (as a connection is). One whose site is not
-- granted to the caller is answered like one that does not exist.
CREATE OR REPLACE FUNCTION api.find_pile(charge_point_id text)
RETURNS core.station
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.station;
BEGIN
    PERFORM core.actor();
    SELECT * INTO found FROM core.station p
    WHERE lower(p.identity) = lower(charge_point_id) AND p.site_id IN (SELECT core.visible_sites());
    IF found.id IS NULL THEN
        PERFORM api.refuse('pile-unknown', 'charge_point_id', coalesce(charge_point_id, ''));
    END IF;
    PERFORM core.require_site(found.site_id);
    RETURN found;
END
$$;
ALTER FUNCTION api.find_pile(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_pile(text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_pile(text) IS
    'The pile of an identity, if the caller may see it. | 按标识查找可见充电桩。';
