-- Checks what a price component may be in its element: who feeds energy back is paid for energy alone, and
-- a reservation has no energy and no parked vehicle.
CREATE OR REPLACE FUNCTION api.tariff_check_place(component jsonb, element jsonb, path text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    direction text := coalesce(element ->> 'direction', 'IMPORT');
    dimension text := component ->> 'type';
    charge_code text := api.tariff_charge(component, element);
BEGIN
    IF (charge_code IN ('V2G_BASE', 'V2G_BONUS', 'SUBSIDY')) <> (direction = 'EXPORT') THEN
        PERFORM api.refuse('tariff-charge-code', path || '.charge_code', charge_code, direction);
    END IF;
    IF direction = 'EXPORT' AND dimension <> 'ENERGY' THEN
        PERFORM api.refuse('member-value', path || '.type', path || '.type', 'ENERGY');
    END IF;
    IF direction = 'EXPORT' AND (component ->> 'step_size')::numeric > 1 THEN
        PERFORM api.refuse('member-value', path || '.step_size', path || '.step_size', '0, 1');
    END IF;
    IF element #>> '{restrictions,reservation}' IS NOT NULL AND dimension NOT IN ('FLAT', 'TIME') THEN
        PERFORM api.refuse('member-value', path || '.type', path || '.type', 'FLAT, TIME');
    END IF;
END
$$;
ALTER FUNCTION api.tariff_check_place(jsonb, jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_place(jsonb, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_place(jsonb, jsonb, text) IS
    'Checks a price component within its element. | 检查价格项与所属元素是否相符。';
