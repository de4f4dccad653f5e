-- Checks a tariff document: OCPI 2.2.1's Tariff with our members (tax_mode, direction, charge_code,
-- rate_label, quantity_factor, cap, day_type, min_idle_s). What the rating engine would refuse is refused
-- here, with the member named, before a session can freeze it: the engine's own reader has the same rules
-- with the same limits, and tests/rate/agreement.py holds the two against each other. Unknown members of
-- the document itself, and the form of those that no price depends on, are refused here alone.
CREATE OR REPLACE FUNCTION api.tariff_check(document jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    item record;
    component record;
    path text;
BEGIN
    PERFORM api.shape_check(document, 'document', '{
        "id": {"kind": "text", "length": 36}, "country_code": {"kind": "text", "pattern": "^[A-Z]{2}$"},
        "party_id": {"kind": "text", "pattern": "^[A-Za-z0-9]{3}$"},
        "currency": {"kind": "text", "required": true, "pattern": "^[A-Z]{3}$"},
        "tax_mode": {"kind": "text", "values": ["net", "gross"]},
        "type": {"kind": "text", "values": ["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]},
        "tariff_alt_text": {"kind": "array"}, "tariff_alt_url": {"kind": "text"}, "energy_mix": {"kind": "object"},
        "min_price": {"kind": "object"}, "max_price": {"kind": "object"},
        "start_date_time": {"kind": "text", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z?$"},
        "end_date_time": {"kind": "text", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z?$"},
        "last_updated": {"kind": "text", "pattern": "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z?$"},
        "elements": {"kind": "array", "required": true, "least": 1, "most": 128}}');
    PERFORM api.tariff_check_price(document);
    FOR item IN SELECT value, ordinality - 1 AS place FROM jsonb_array_elements(document -> 'elements') WITH ORDINALITY LOOP
        path := format('document.elements[%s]', item.place);
        PERFORM api.shape_check(item.value, path, '{
            "direction": {"kind": "text", "values": ["IMPORT", "EXPORT"]}, "restrictions": {"kind": "object"},
            "price_components": {"kind": "array", "required": true, "least": 1, "most": 64}}');
        IF item.value ->> 'direction' = 'EXPORT' AND item.value #>> '{restrictions,reservation}' IS NOT NULL THEN
            PERFORM api.refuse('member-value', path || '.direction', path || '.direction', 'IMPORT');
        END IF;
        PERFORM api.tariff_check_restrictions(item.value -> 'restrictions', path || '.restrictions');
        FOR component IN SELECT value, ordinality - 1 AS place
                         FROM jsonb_array_elements(item.value -> 'price_components') WITH ORDINALITY LOOP
            PERFORM api.tariff_check_component(component.value,
                                               format('%s.price_components[%s]', path, component.place));
            PERFORM api.tariff_check_place(component.value, item.value,
                                           format('%s.price_components[%s]', path, component.place));
        END LOOP;
        PERFORM api.tariff_check_unique(
            (SELECT jsonb_agg(c || jsonb_build_object('charge_code', api.tariff_charge(c, item.value)) ORDER BY n)
             FROM jsonb_array_elements(item.value -> 'price_components') WITH ORDINALITY u (c, n)), path);
    END LOOP;
    PERFORM api.tariff_check_size(document);
END
$$;
ALTER FUNCTION api.tariff_check(jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check(jsonb) IS
    'Checks a tariff document. | 检查电价文件。';
