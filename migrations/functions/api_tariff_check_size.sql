-- Checks how much stands in a tariff: the rating engine has fixed room for each of these, and of a
-- settlement's input it reads no more than 12 objects and lists within one another, of which two stand
-- around the tariff, and no object of more than 64 members.
CREATE OR REPLACE FUNCTION api.tariff_check_size(document jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF octet_length(document::text) > 1048576 OR jsonb_path_exists(
           document, 'strict $.**{10} ? (@.type() == "object" || @.type() == "array")')
       OR EXISTS (SELECT FROM jsonb_path_query(document, 'strict $.** ? (@.type() == "object")') o
                  WHERE (SELECT count(*) FROM jsonb_object_keys(o)) > 64) THEN
        PERFORM api.refuse('member-count', 'document', 'document', '<= 1048576 B, <= 64 keys, depth <= 10');
    END IF;
    IF (SELECT sum(jsonb_array_length(e -> 'price_components')) FROM jsonb_array_elements(document -> 'elements') e)
       > 256 THEN
        PERFORM api.refuse('member-count', 'document.elements', 'document.elements[*].price_components', '<= 256');
    END IF;
    IF (SELECT count(DISTINCT d) FROM jsonb_path_query(document, 'lax $.elements[*].restrictions.day_type[*]') d) > 16 THEN
        PERFORM api.refuse('member-count', 'document.elements', 'document.elements[*].restrictions.day_type', '<= 16');
    END IF;
    -- No VAT is rated like a VAT of 0.
    IF EXISTS (SELECT FROM jsonb_array_elements(document -> 'elements') e, jsonb_array_elements(e -> 'price_components') c
               GROUP BY coalesce(e ->> 'direction', 'IMPORT')
               HAVING count(DISTINCT coalesce((c ->> 'vat')::numeric, 0)) > 8) THEN
        PERFORM api.refuse('member-count', 'document.elements', 'document.elements[*].price_components[*].vat', '<= 8');
    END IF;
END
$$;
ALTER FUNCTION api.tariff_check_size(jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_check_size(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_check_size(jsonb) IS
    'Checks how much stands in a tariff document. | 检查电价文件的规模。';
