-- The site of a code. One that is not granted to the caller is answered like one that does not exist.
CREATE OR REPLACE FUNCTION api.find_site(code text, member text DEFAULT 'site')
RETURNS core.site
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.site;
BEGIN
    PERFORM core.actor();
    SELECT * INTO found FROM core.site s
    WHERE s.code = find_site.code AND s.id IN (SELECT core.visible_sites());
    IF found.id IS NULL THEN
        PERFORM api.refuse('site-unknown', member, coalesce(find_site.code, ''));
    END IF;
    PERFORM core.require_site(found.id);
    RETURN found;
END
$$;
ALTER FUNCTION api.find_site(text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_site(text, text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_site(text, text) IS
    'The site of a code, if the caller may see it. | 按编码查找可见场站。';
