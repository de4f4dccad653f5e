-- Within one element a (dimension, charge code) stands once: which of two prices applies would be chance.
-- Components without a charge code are given theirs before (api.tariff_charge).
CREATE OR REPLACE FUNCTION api.tariff_check_unique(components jsonb, path text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    twice record;
BEGIN
    SELECT max(ordinality) - 1 AS place, dimension, charge_code INTO twice
    FROM (SELECT c.ordinality, c.value ->> 'type' AS dimension,
                 c.value ->> 'charge_code' AS charge_code
          FROM jsonb_array_elements(components) WITH ORDINALITY c) named
    GROUP BY dimension, charge_code
    HAVING count(*) > 1
    LIMIT 1;
    IF FOUND THEN
        PERFORM api.refuse('tariff-component-twice', format('%s.price_components[%s]', path, twice.place),
                           twice.dimension, twice.charge_code);
    END IF;
END
$$;
ALTER FUNCTION api.tariff_check_unique(jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_unique(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_unique(jsonb, text) IS
    'Checks that price components differ. | 检查价格项不重复。';
