-- The charge code of a price component: its own, else what its element and its type make it.
CREATE OR REPLACE FUNCTION api.tariff_charge(component jsonb, element jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(component ->> 'charge_code',
                    CASE WHEN element #>> '{restrictions,reservation}' IS NOT NULL THEN 'RESERVATION'
                         WHEN element ->> 'direction' = 'EXPORT' THEN 'V2G_BASE'
                         WHEN component ->> 'type' = 'ENERGY' THEN 'ENERGY_ELEC'
                         WHEN component ->> 'type' = 'FLAT' THEN 'START_FEE'
                         ELSE 'OCCUPANCY' END)
$$;
ALTER FUNCTION api.tariff_charge(jsonb, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_charge(jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_charge(jsonb, jsonb) IS
    'The charge code of a price component. | 价格项的收费项目。';
