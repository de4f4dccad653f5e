-- The customer of a code. One whose home site is not granted to the caller is answered like one that does
-- not exist; one without a home site is for those who see all sites.
CREATE OR REPLACE FUNCTION api.find_customer(code text)
RETURNS core.customer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.customer;
BEGIN
    PERFORM core.actor();
    SELECT * INTO found FROM core.customer u
    WHERE u.code = find_customer.code
      AND (u.home_site_id IN (SELECT core.visible_sites()) OR u.home_site_id IS NULL AND core.sees_all());
    IF found.id IS NULL THEN
        PERFORM api.refuse('customer-unknown', 'customer', coalesce(find_customer.code, ''));
    END IF;
    PERFORM core.require_site(found.home_site_id);
    RETURN found;
END
$$;
ALTER FUNCTION api.find_customer(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_customer(text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_customer(text) IS
    'The customer of a code, if the caller may see it. | 按编码查找可见客户。';
