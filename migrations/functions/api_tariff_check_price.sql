-- Checks min_price and max_price: one of the two amounts at least, and the one with tax not the smaller.
CREATE OR REPLACE FUNCTION api.tariff_check_price(document jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    amount constant jsonb := '{"kind": "decimal", "min": 0, "max": 1000000000, "decimals": 6}';
    name text;
    price jsonb;
    path text;
BEGIN
    FOREACH name IN ARRAY ARRAY['min_price', 'max_price'] LOOP
        price := nullif(document -> name, 'null');
        path := 'document.' || name;
        CONTINUE WHEN price IS NULL;
        PERFORM api.shape_check(price, path, jsonb_build_object('excl_vat', amount, 'incl_vat', amount));
        IF coalesce(price ->> 'excl_vat', price ->> 'incl_vat') IS NULL THEN
            PERFORM api.refuse('member-missing', path || '.excl_vat', path || '.excl_vat');
        END IF;
        IF (price ->> 'excl_vat')::numeric > (price ->> 'incl_vat')::numeric THEN
            PERFORM api.refuse('member-order', path || '.incl_vat', path || '.excl_vat', path || '.incl_vat');
        END IF;
    END LOOP;
    IF (document #>> '{min_price,excl_vat}')::numeric > (document #>> '{max_price,excl_vat}')::numeric
       OR (document #>> '{min_price,incl_vat}')::numeric > (document #>> '{max_price,incl_vat}')::numeric THEN
        PERFORM api.refuse('member-order', 'document.min_price', 'document.min_price', 'document.max_price');
    END IF;
END
$$;
ALTER FUNCTION api.tariff_check_price(jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_price(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_price(jsonb) IS
    'Checks the limits of a tariff''s total. | 检查电价总额的上下限。';
