-- Refuses whoever was not granted every place where a tariff holds or held: the site, pile or home of each
-- assignment. One that is assigned nowhere, or to a card group or a fleet, takes a login that sees all.
CREATE OR REPLACE FUNCTION api.require_tariff(tariff bigint)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM core.require_site(place.site_id)
    FROM (SELECT CASE a.scope WHEN 'site' THEN a.target_id
                     WHEN 'customer' THEN (SELECT u.home_site_id FROM core.customer u WHERE u.id = a.target_id)
                     WHEN 'station' THEN (SELECT p.site_id FROM core.station p WHERE p.id = a.target_id)
                     WHEN 'connector' THEN (SELECT p.site_id FROM core.station p WHERE p.id = a.target_id) END AS site_id
          FROM core.tariff_assignment a WHERE a.tariff_id = tariff
          UNION SELECT s.id FROM core.site s WHERE s.default_tariff_id = tariff) place;
    IF NOT FOUND THEN
        PERFORM core.require_site(NULL);
    END IF;
END
$$;
ALTER FUNCTION api.require_tariff(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_tariff(bigint) FROM PUBLIC;
COMMENT ON FUNCTION api.require_tariff(bigint) IS
    'Refuses whoever may not change a tariff everywhere it holds. | 拒绝无权在其全部适用范围更改电价的操作者。';
