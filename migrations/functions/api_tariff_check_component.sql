-- Checks one price component of a tariff element by itself. Prices have six decimals, as the engine counts them,
-- and VAT four, so that it is a whole number of parts per million.
CREATE OR REPLACE FUNCTION api.tariff_check_component(component jsonb, path text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dimension text;
    charge_code text;
BEGIN
    PERFORM api.shape_check(component, path, '{
        "type": {"kind": "text", "required": true, "values": ["ENERGY", "FLAT", "TIME", "PARKING_TIME"]},
        "price": {"kind": "decimal", "required": true, "min": 0, "max": 100000, "decimals": 6},
        "vat": {"kind": "decimal", "min": 0, "max": 100, "decimals": 4},
        "step_size": {"kind": "decimal", "min": 0, "max": 1000000},
        "charge_code": {"kind": "text", "values": ["ENERGY_ELEC", "ENERGY_SERVICE", "OCCUPANCY", "RESERVATION",
                                                    "START_FEE", "V2G_BASE", "V2G_BONUS", "SUBSIDY"]},
        "rate_label": {"kind": "text", "bytes": 63, "pattern": "[^ ]"},
        "quantity_factor": {"kind": "decimal", "min": 0, "max": 2, "decimals": 6, "above_zero": true},
        "cap": {"kind": "decimal", "min": 0, "max": 1000000000, "decimals": 6}}');
    dimension := component ->> 'type';
    charge_code := component ->> 'charge_code';
    IF charge_code IN ('ENERGY_ELEC', 'ENERGY_SERVICE', 'V2G_BASE') AND dimension <> 'ENERGY'
       OR charge_code = 'START_FEE' AND dimension <> 'FLAT'
       OR charge_code = 'OCCUPANCY' AND dimension = 'ENERGY' THEN
        PERFORM api.refuse('tariff-charge-code', path || '.charge_code', charge_code, dimension);
    END IF;
    IF dimension = 'FLAT' AND (component ->> 'quantity_factor')::numeric <> 1 THEN
        PERFORM api.refuse('member-value', path || '.quantity_factor', path || '.quantity_factor', '1');
    END IF;
END
$$;
ALTER FUNCTION api.tariff_check_component(jsonb, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_component(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_component(jsonb, text) IS
    'Checks a price component. | 检查价格项。';
